//! Which account the database runs as.
//!
//! Promises: Postgres never sees root; an ordinary user stays who they are. Root runs it as the owner of an
//! existing cluster, else as `postgres`, else as `nobody`. Leaves out: accounts that are known only to a directory
//! service; the three that matter are always in `/etc/passwd`.

use std::{fs, os::unix::process::CommandExt, path::Path, process::Command};

use super::error::Error;

/// The user and group that own the cluster and run the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// True when this process is root and has to become that user for the database alone.
    pub(super) switch: bool,
}

impl Account {
    /// Chooses for a cluster at `root` whose present owner is `owner` (`None`: it does not exist yet).
    pub(super) fn choose(root: &Path, owner: Option<(u32, u32)>) -> Result<Self, Error> {
        let me = rustix::process::geteuid();
        if !me.is_root() {
            let (uid, gid) = (me.as_raw(), rustix::process::getegid().as_raw());
            return match owner {
                Some((other, _)) if other != uid => {
                    Err(Error::OtherOwner { root: root.to_owned(), owner: other, me: uid })
                }
                _ => Ok(Self { uid, gid, switch: false }),
            };
        }
        if let Some((uid, gid)) = owner.filter(|(uid, _)| *uid != 0) {
            return Ok(Self { uid, gid, switch: true });
        }
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        ["postgres", "_postgres", "nobody"]
            .into_iter()
            .find_map(|name| ids(&passwd, name))
            .map(|(uid, gid)| Self { uid, gid, switch: true })
            .ok_or(Error::NoAccount)
    }

    /// A command that runs as this account with a small, known environment. Its directory is `/`, because the
    /// present one may be closed to that account.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs([("LC_ALL", "C"), ("TZ", "UTC"), ("PATH", "/usr/bin:/bin")])
            .current_dir("/");
        if self.switch {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }
}

/// User and group id of `name` in the text of a passwd file. macOS writes `nobody` as -2, hence the detour by `i64`.
fn ids(passwd: &str, name: &str) -> Option<(u32, u32)> {
    let number = |text: &str| {
        let value: i64 = text.parse().ok()?;
        u32::try_from(value.rem_euclid(1 << 32)).ok()
    };
    let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    Some((number(fields.next()?)?, number(fields.next()?)?)).filter(|(uid, _)| *uid != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_ids_from_a_passwd_file() {
        let passwd = "root:x:0:0::/root:/bin/sh\npostgres:x:101:104:PostgreSQL:/var:/bin/sh\nnobody:*:-2:-2::/:/bin/false\n";
        assert_eq!(ids(passwd, "postgres"), Some((101, 104)));
        assert_eq!(ids(passwd, "nobody"), Some((4_294_967_294, 4_294_967_294)));
        assert_eq!(ids(passwd, "root"), None, "root is never an answer");
        assert_eq!(ids(passwd, "post"), None);
    }

    #[test]
    fn a_cluster_of_another_user_is_refused_or_taken_over_by_root_alone() {
        let chosen = Account::choose(Path::new("/x"), Some((4711, 4712)));
        if rustix::process::geteuid().is_root() {
            assert_eq!(chosen.unwrap(), Account { uid: 4711, gid: 4712, switch: true });
        } else {
            assert!(matches!(chosen, Err(Error::OtherOwner { owner: 4711, .. })));
        }
    }
}
