//! Where a cluster lives, and who may enter.
//!
//! Promises: every directory is private (0700) to the account that runs the database, and nothing of somebody else is
//! taken over. When this process is root and the wanted directory lies where that account cannot go (below a
//! closed home), the cluster moves to `/var/lib/gtm-<hash>` (test clusters: `/var/tmp/gtm-<hash>`), and a file
//! `moved-to` in the wanted directory says so and is followed from then on. Leaves out: access lists and mount
//! options; only owner and mode are looked at.
//!
//! Inside the root: `data` (exists only once initialised), `made-as` (durability), `start.lock`, `users.lock`,
//! `server.log`, and `run` (the socket) unless its path would be too long for one.

use std::{
    fs::{self, DirBuilder, File, Permissions},
    io::ErrorKind,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, lchown},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::{
    Durability, PORT,
    account::Account,
    error::{Error, at},
};

/// Longest socket path in bytes. Linux takes 107 and macOS 103; the lock beside it adds five.
const SOCKET_PATH_MAX: usize = 98;

/// A settled cluster root.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) root: PathBuf,
    pub(super) account: Account,
}

impl Place {
    /// Creates or finds the root for a cluster that was asked for at `asked`. Safe to run in many processes at once.
    pub(super) fn settle(asked: &Path, durability: Durability) -> Result<Self, Error> {
        fs::create_dir_all(asked).map_err(at("create", asked))?;
        let asked = asked.canonicalize().map_err(at("find", asked))?;
        let note = asked.join("moved-to");
        if let Some(target) = noted(&note) {
            if !target.is_dir() && durability == Durability::Durable {
                return Err(Error::Lost { note, target });
            }
            return Self::claim(target);
        }
        refuse_foreign(&asked)?;
        let account = Account::choose(&asked, owner(&asked))?;
        if account.switch && !reachable(&asked, account) {
            let target = elsewhere(&asked, durability);
            fs::write(&note, target.as_os_str().as_encoded_bytes()).map_err(at("write", &note))?;
            return Self::claim(target);
        }
        Self::claim(asked)
    }

    /// Makes `root` private to the account that will run the database.
    fn claim(root: PathBuf) -> Result<Self, Error> {
        let account = Account::choose(&root, owner(&root))?;
        create_private(&root)?;
        refuse_foreign(&root)?;
        take_over(&root, account)?;
        Ok(Self { root, account })
    }

    pub(super) fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.root.join("server.log")
    }

    pub(super) fn pid_file(&self) -> PathBuf {
        self.data().join("postmaster.pid")
    }

    /// The directory of the server's socket: inside the root, or a short one below `/tmp`.
    pub(super) fn socket_dir(&self) -> PathBuf {
        let near = self.root.join("run");
        if near.join(socket_name()).as_os_str().len() <= SOCKET_PATH_MAX {
            return near;
        }
        Path::new("/tmp").join(format!(".gtm-{}", hash(&self.root)))
    }

    /// Creates the socket directory, or makes sure that the one found is ours alone.
    pub(super) fn open_socket_dir(&self) -> Result<PathBuf, Error> {
        let dir = self.socket_dir();
        create_private(&dir)?;
        take_over(&dir, self.account)?;
        Ok(dir)
    }

    /// The file that clients connect to.
    pub(super) fn socket(&self) -> PathBuf {
        self.socket_dir().join(socket_name())
    }

    /// The socket's lock, which a killed server leaves behind.
    pub(super) fn socket_lock(&self) -> PathBuf {
        self.socket_dir().join(format!("{}.lock", socket_name()))
    }

    /// Opens a file in the root for appending, and gives it to the account so that it can be used without root later.
    /// A link in its place is refused, because root would follow it.
    pub(super) fn open(&self, name: &str) -> Result<File, Error> {
        let path = self.root.join(name);
        if fs::symlink_metadata(&path).is_ok_and(|found| !found.is_file()) {
            return Err(Error::Foreign { root: path });
        }
        let file = File::options().create(true).append(true).open(&path).map_err(at("open", &path))?;
        self.give(&path)?;
        Ok(file)
    }

    fn give(&self, path: &Path) -> Result<(), Error> {
        if !self.account.switch {
            return Ok(());
        }
        lchown(path, Some(self.account.uid), Some(self.account.gid)).map_err(at("change the owner of", path))
    }
}

/// Where a note says that the cluster went. Believed only when root or this user wrote it: the database's account must
/// not be able to point root at another directory.
fn noted(note: &Path) -> Option<PathBuf> {
    let writer = fs::symlink_metadata(note).ok().filter(fs::Metadata::is_file)?.uid();
    if writer != 0 && writer != rustix::process::geteuid().as_raw() {
        return None;
    }
    let target = PathBuf::from(fs::read_to_string(note).ok()?.trim());
    Some(target).filter(|target| target.is_absolute())
}

fn socket_name() -> String {
    format!(".s.PGSQL.{PORT}")
}

/// Twelve hex digits that stand for a path.
fn hash(path: &Path) -> String {
    hex::encode(&Sha256::digest(path.as_os_str().as_encoded_bytes())[..6])
}

/// The fall-back root. It depends on nothing but the asked path, so that racing processes agree on it.
fn elsewhere(asked: &Path, durability: Durability) -> PathBuf {
    let parent = match durability {
        Durability::Durable if Path::new("/var/lib").is_dir() => "/var/lib",
        _ => "/var/tmp",
    };
    Path::new(parent).join(format!("gtm-{}", hash(asked)))
}

fn owner(path: &Path) -> Option<(u32, u32)> {
    fs::metadata(path).ok().map(|found| (found.uid(), found.gid()))
}

/// Whether `account` may pass through every directory above `path`.
fn reachable(path: &Path, account: Account) -> bool {
    path.ancestors().skip(1).all(|parent| {
        fs::metadata(parent).is_ok_and(|found| passable(found.mode(), (found.uid(), found.gid()), account))
    })
}

/// The execute bit that applies to `account` in a directory of this mode and owner.
fn passable(mode: u32, (uid, gid): (u32, u32), account: Account) -> bool {
    let bit = if uid == account.uid {
        0o100
    } else if gid == account.gid {
        0o010
    } else {
        0o001
    };
    mode & bit != 0
}

/// A directory with files but without our lock is somebody else's, and stays as it is.
fn refuse_foreign(root: &Path) -> Result<(), Error> {
    let mut entries = fs::read_dir(root).map_err(at("list", root))?.flatten().peekable();
    let ours = |name: &std::ffi::OsStr| name == "start.lock" || name == "moved-to";
    if entries.peek().is_none() || entries.any(|entry| ours(&entry.file_name())) {
        return Ok(());
    }
    Err(Error::Foreign { root: root.to_owned() })
}

fn create_private(dir: &Path) -> Result<(), Error> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(at("create", dir)(error)),
        _ => Ok(()),
    }
}

/// Makes a directory private to `account`. It must be a real one that belongs to the account or, being new, to root.
/// Links are never followed here: root must not be led to change the owner of something else.
fn take_over(dir: &Path, account: Account) -> Result<(), Error> {
    let found = fs::symlink_metadata(dir).map_err(at("look at", dir))?;
    let may_take = found.uid() == account.uid || (account.switch && found.uid() == 0);
    if !found.is_dir() || !may_take {
        return Err(Error::NotPrivate { dir: dir.to_owned(), uid: account.uid });
    }
    if account.switch {
        lchown(dir, Some(account.uid), Some(account.gid)).map_err(at("change the owner of", dir))?;
    }
    fs::set_permissions(dir, Permissions::from_mode(0o700)).map_err(at("change the mode of", dir))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATABASE: Account = Account { uid: 101, gid: 104, switch: true };

    #[test]
    fn a_closed_home_is_not_passable_and_an_open_one_is() {
        assert!(!passable(0o40_700, (0, 0), DATABASE));
        assert!(passable(0o40_755, (0, 0), DATABASE));
        assert!(passable(0o40_700, (101, 0), DATABASE), "its own");
        assert!(passable(0o40_750, (0, 104), DATABASE), "its group's");
        assert!(!passable(0o40_701, (0, 104), DATABASE), "the group's bits apply, not the others'");
    }

    #[test]
    fn a_long_root_gets_a_short_socket() {
        let near = Place { root: PathBuf::from("/srv/gtm/postgres"), account: DATABASE };
        assert_eq!(near.socket_dir(), Path::new("/srv/gtm/postgres/run"));
        let far = Place { root: PathBuf::from(format!("/srv/{}", "deep/".repeat(30))), account: DATABASE };
        assert!(far.socket_dir().starts_with("/tmp"));
        assert!(far.socket_lock().as_os_str().len() <= 103);
    }

    #[test]
    fn racing_processes_agree_on_the_fall_back() {
        let asked = Path::new("/srv/data/postgres");
        assert_eq!(elsewhere(asked, Durability::Test), elsewhere(asked, Durability::Test));
        assert!(elsewhere(asked, Durability::Test).starts_with("/var/tmp"));
        assert_ne!(elsewhere(asked, Durability::Test), elsewhere(Path::new("/srv/other"), Durability::Test));
    }
}
