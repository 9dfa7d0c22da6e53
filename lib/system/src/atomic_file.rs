//! Files that are written as a whole or not at all.

use rustix::fs::{Gid, Uid, fchown};
use rustix::io::Errno;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Writes `bytes` to a file. A reader sees the earlier file or the complete new one, never a part.
///
/// # Errors
/// As [`fill`].
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fill(path, |out| out.write_all(bytes))
}

/// Lets `fill` write a file. A reader sees the earlier file or the complete new one, never a part.
///
/// `fill` writes to a file with a random name in the same folder. That file is synced to the disk and then renamed to
/// `path`. It replaces an earlier file and keeps that file's permissions and, as far as the kernel allows, its owner. If
/// anything fails, the earlier file stays unchanged.
///
/// A link stays: the file that it names is written, in the same way. A device, a pipe or a socket is written to directly.
///
/// # Errors
/// Any error of the operating system or of `fill`.
pub fn fill(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let earlier = fs::metadata(path).ok();
    let target = follow(path)?;
    // A link below `/proc/self/fd` may also name a deleted file, which has no path. Comparing the two files would not do,
    // because another writer may replace the file between two looks at it.
    let has_path = fs::symlink_metadata(&target).is_ok();
    if earlier.as_ref().is_some_and(|earlier| !earlier.is_file() || !has_path) {
        return fill_through(&File::create(path)?, fill);
    }
    // Opened here because only the owner may read a file that `tempfile` opens. A new file's mode follows the umask. One
    // that replaces a file is closed to others until it has that file's mode.
    let mode = if earlier.is_some() { 0o600 } else { 0o666 };
    let create = |path: &Path| OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let unfinished = tempfile::Builder::new().prefix(".").suffix(".unfinished").make_in(folder(&target), create)?;
    if let Some(earlier) = earlier {
        // Only root may give a file to another user.
        let (user, group) = (Uid::from_raw(earlier.uid()), Gid::from_raw(earlier.gid()));
        let _ = fchown(unfinished.as_file(), Some(user), Some(group));
        unfinished.as_file().set_permissions(earlier.permissions())?;
    }
    fill_through(unfinished.as_file(), fill)?;
    // Without the sync, a power cut could leave an incomplete file under the final name.
    unfinished.as_file().sync_all()?;
    unfinished.persist(target)?;
    Ok(())
}

/// Whether both describe the same file, perhaps under two names.
pub fn same_file(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Follows links to the last path, which need not exist.
fn follow(path: &Path) -> io::Result<PathBuf> {
    const MOST: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..MOST {
        match fs::read_link(&path) {
            Ok(next) => path = folder(&path).join(next),
            Err(_) => return Ok(path),
        }
    }
    Err(Errno::LOOP.into())
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn fill_through(file: &File, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::new(file);
    fill(&mut out)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = entries.collect();
        names.sort();
        names
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn a_failed_write_leaves_the_earlier_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        write(&file, b"first").unwrap();
        let full = fill(&file, |out| out.write_all(b"half").and(Err(io::ErrorKind::StorageFull.into()))).unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
        assert_eq!((fs::read(&file).unwrap(), names(folder.path())), (b"first".to_vec(), vec!["file".to_owned()]));
        let absent = write(&folder.path().join("absent/file"), b"").unwrap_err();
        assert_eq!(absent.raw_os_error(), Some(2), "the message would name the random name: {absent}");
    }

    #[test]
    fn a_new_file_gets_the_default_mode_and_a_replaced_file_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let [ordinary, file] = ["ordinary", "file"].map(|name| folder.path().join(name));
        File::create(&ordinary).unwrap();
        write(&file, b"first").unwrap();
        assert_eq!(mode(&file), mode(&ordinary));
        for kept in [0o640, 0o755, 0o444] {
            fs::set_permissions(&file, Permissions::from_mode(kept)).unwrap();
            write(&file, b"next").unwrap();
            assert_eq!(mode(&file), kept);
        }
    }

    #[test]
    fn a_private_file_stays_private_while_it_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        write(&file, b"first").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        let mut seen = 0;
        fill(&file, |out| {
            for name in names(folder.path()) {
                assert_eq!(mode(&folder.path().join(name)), 0o600);
                seen += 1;
            }
            out.write_all(b"next")
        })
        .unwrap();
        assert_eq!((seen, mode(&file)), (2, 0o600), "the earlier file and the unfinished one");
    }

    #[test]
    fn a_file_with_the_ending_of_an_unfinished_one_survives() {
        let folder = tempfile::tempdir().unwrap();
        let others = ["file.unfinished", ".unfinished", ".file.unfinished", "file.partial"];
        for other in others {
            fs::write(folder.path().join(other), other).unwrap();
        }
        (0..20).for_each(|_| write(&folder.path().join("file"), b"next").unwrap());
        for other in others {
            assert_eq!(fs::read_to_string(folder.path().join(other)).unwrap(), other);
        }
    }

    #[test]
    fn a_failed_write_through_a_link_leaves_the_file_that_it_names() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link, second] = ["file", "link", "second"].map(|name| folder.path().join(name));
        fs::write(&file, b"first").unwrap();
        symlink("file", &link).unwrap();
        symlink("link", &second).unwrap();
        fill(&second, |out| out.write_all(b"half").and(Err(io::ErrorKind::StorageFull.into()))).unwrap_err();
        assert_eq!(fs::read(&file).unwrap(), b"first");
        write(&second, b"next").unwrap();
        assert_eq!((fs::read(&file).unwrap(), names(folder.path()).len()), (b"next".to_vec(), 3));
        assert_eq!(fs::read_link(&second).unwrap(), Path::new("link"));

        symlink("turn", folder.path().join("turn")).unwrap();
        assert_eq!(write(&folder.path().join("turn"), b"").unwrap_err().raw_os_error(), Some(40));
    }

    #[test]
    fn links_devices_and_sockets_are_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link, dangling, socket] =
            ["file", "link", "dangling", "socket"].map(|name| folder.path().join(name));
        symlink(&file, &link).unwrap();
        write(&link, b"through a link").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"through a link");
        symlink(folder.path().join("new"), &dangling).unwrap();
        write(&dangling, b"through a link to nothing").unwrap();
        assert!(fs::symlink_metadata(&dangling).unwrap().is_symlink() && folder.path().join("new").exists());

        let _listener = UnixListener::bind(&socket).unwrap();
        write(&socket, b"no file").unwrap_err();
        assert!(fs::symlink_metadata(&socket).unwrap().file_type().is_socket());
        write(Path::new("/dev/null"), b"to a device").unwrap();
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
        assert_eq!(write(Path::new("/dev/full"), b"to a full disk").unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(names(folder.path()), ["dangling", "file", "link", "new", "socket"]);
    }

    #[test]
    fn a_reader_never_sees_a_part_of_a_file_while_several_threads_write() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        write(&file, &[b'0'; 20_000]).unwrap();
        std::thread::scope(|scope| {
            for digit in b'1'..=b'4' {
                let file = &file;
                scope.spawn(move || (0..20).for_each(|_| write(file, &[digit; 20_000]).unwrap()));
            }
            for _ in 0..200 {
                let seen = fs::read(&file).unwrap();
                assert!(seen.len() == 20_000 && seen.iter().all(|byte| *byte == seen[0]), "half a file was seen");
            }
        });
        assert_eq!(names(folder.path()), ["file"]);
    }
}
