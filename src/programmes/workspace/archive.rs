//! A folder as `tar.gz`, the same bytes for the same files, and back.

use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use tar::{Archive, Builder, EntryType, Header};

/// Files in an archive may have so many bytes together: a workspace has a hundredth of it.
const UNPACKED_MAX: u64 = 512 * 1024 * 1024;

/// Packs a folder, with `prefix` before each path.
pub fn pack(folder: &Path, prefix: &str) -> io::Result<Vec<u8>> {
    let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut paths = Vec::new();
    collect(folder, &mut paths)?;
    paths.sort();
    for path in paths {
        let below = path.strip_prefix(folder).map_err(io::Error::other)?;
        let name = Path::new(prefix).join(below);
        let is_folder = path.is_dir();
        let content = if is_folder { Vec::new() } else { std::fs::read(&path)? };
        let mut header = Header::new_gnu();
        header.set_entry_type(if is_folder { EntryType::Directory } else { EntryType::Regular });
        header.set_mode(if is_folder { 0o755 } else { 0o644 });
        header.set_size(content.len() as u64);
        // No time of packing, so that the same files give the same bytes.
        header.set_mtime(0);
        builder.append_data(&mut header, name, content.as_slice())?;
    }
    builder.into_inner()?.finish()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, paths)?;
        }
        paths.push(path);
    }
    Ok(())
}

/// Unpacks an archive into a folder, without its first path component. What would lie outside of the folder, and anything but
/// files and folders, is refused.
pub fn unpack(packed: &[u8], folder: &Path) -> io::Result<()> {
    let mut archive = Archive::new(GzDecoder::new(packed).take(UNPACKED_MAX));
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let mut below = PathBuf::new();
        for component in path.components().skip(1) {
            match component {
                Component::Normal(part) => below.push(part),
                _ => {
                    return Err(io::Error::other(format!(
                        "`{}` would lie outside of the folder",
                        path.display()
                    )));
                }
            }
        }
        let target = folder.join(&below);
        match entry.header().entry_type() {
            EntryType::Directory => std::fs::create_dir_all(&target)?,
            EntryType::Regular => {
                if let Some(parent) = target.parent() {
                    std::fs::create_dir_all(parent)?;
                }
                let mut content = Vec::new();
                entry.read_to_end(&mut content)?;
                // Objects of git are read-only once written; the same name has the same content.
                let there = std::fs::read(&target).is_ok_and(|there| there == content);
                if !there {
                    std::fs::File::create(&target)?.write_all(&content)?;
                }
            }
            _ => return Err(io::Error::other(format!("`{}` is neither file nor folder", path.display()))),
        }
    }
    Ok(())
}
