//! Files that are written as a whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

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
/// `path`. It replaces an earlier file and keeps that file's permissions. If anything fails, the earlier file stays
/// unchanged. If `path` is not an ordinary file but a device, a pipe or a link, `fill` writes directly to it.
///
/// # Errors
/// Any error of the operating system or of `fill`.
pub fn fill(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let earlier = fs::symlink_metadata(path).ok();
    if earlier.as_ref().is_some_and(|earlier| !earlier.is_file()) {
        return fill_through(&File::create(path)?, fill);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Opened here because only the owner may read a file that `tempfile` opens. This file's mode follows the umask.
    let create = |path: &Path| OpenOptions::new().write(true).create_new(true).open(path);
    let unfinished = tempfile::Builder::new().prefix(".").suffix(".unfinished").make_in(folder, create)?;
    if let Some(earlier) = earlier {
        unfinished.as_file().set_permissions(earlier.permissions())?;
    }
    fill_through(unfinished.as_file(), fill)?;
    // Without the sync, a power cut could leave an incomplete file under the final name.
    unfinished.as_file().sync_all()?;
    unfinished.persist(path)?;
    Ok(())
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
