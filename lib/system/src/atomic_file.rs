//! Files that are written as a whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Writes `bytes` to a file that a reader never sees half of.
///
/// # Errors
/// As [`fill`].
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fill(path, |out| out.write_all(bytes))
}

/// Lets `fill` write a file that a reader never sees half of.
///
/// The bytes go to a file of a random name in the same folder, from there to the disk, and then the file takes the name
/// `path`. An earlier file is replaced and its permissions are kept; if anything fails, it stays as it was. Anything at
/// `path` that is not an ordinary file, such as a device, a pipe or a link, is written to and not replaced.
///
/// # Errors
/// What the operating system or `fill` reports.
pub fn fill(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let earlier = fs::symlink_metadata(path).ok();
    if earlier.as_ref().is_some_and(|earlier| !earlier.is_file()) {
        return fill_through(&File::create(path)?, fill);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Opened here and not by `tempfile`, whose files only their owner may read. The umask takes its part, as always.
    let create = |path: &Path| OpenOptions::new().write(true).create_new(true).open(path);
    let unfinished = tempfile::Builder::new().prefix(".").suffix(".unfinished").make_in(folder, create)?;
    if let Some(earlier) = earlier {
        unfinished.as_file().set_permissions(earlier.permissions())?;
    }
    fill_through(unfinished.as_file(), fill)?;
    // Without this a power cut could leave the name with other bytes than were written.
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
    fn a_new_file_has_the_mode_of_every_new_file_and_a_replaced_one_keeps_its_own() {
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
    fn what_is_not_an_ordinary_file_is_written_to_and_not_replaced() {
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
    fn parallel_writers_each_write_a_whole_file_and_a_reader_sees_no_half() {
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
