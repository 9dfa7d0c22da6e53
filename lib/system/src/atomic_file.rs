//! Files that are there as a whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Writes a file that nobody ever sees half of.
///
/// # Errors
/// As [`fill`].
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fill(path, |out| out.write_all(bytes))
}

/// Fills a file that nobody ever sees half of: it is written beside `path` and then renamed; if that fails, what was at `path`
/// is as it was. What is there and is no ordinary file, such as a device, a pipe or a link, is written to and not replaced.
///
/// # Errors
/// What the system or `fill` says.
pub fn fill(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let write = |path: &Path| {
        let mut out = BufWriter::new(File::create(path)?);
        fill(&mut out)?;
        out.flush()
    };
    if fs::symlink_metadata(path).is_ok_and(|there| !there.is_file()) {
        return write(path);
    }
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = Path::new(&unfinished);
    write(unfinished).and_then(|()| fs::rename(unfinished, path)).inspect_err(|_| {
        // Half a file helps nobody, and on a full disk it would keep it full.
        let _ = fs::remove_file(unfinished);
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{FileTypeExt, symlink};
    use std::os::unix::net::UnixListener;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_what_is_none_is_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let [file, link, socket] = ["file", "link", "socket"].map(|name| folder.path().join(name));
        write(&file, b"first").expect("room for it");
        fill(&file, |out| out.write_all(b"half").and(Err(io::ErrorKind::StorageFull.into()))).expect_err("it is full");
        assert_eq!(fs::read(&file).expect("it is there"), b"first");

        symlink(&file, &link).expect("a link");
        write(&link, b"second").expect("room for it");
        assert!(fs::symlink_metadata(&link).expect("it is there").is_symlink());
        assert_eq!(fs::read(&file).expect("it is there"), b"second");

        // A device cannot be made by everybody. A socket is no ordinary file either, and cannot be written to.
        let _listening = UnixListener::bind(&socket).expect("a socket");
        write(&socket, b"third").expect_err("nobody writes to a socket so");
        assert!(fs::symlink_metadata(&socket).expect("it is there").file_type().is_socket());
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 3, "something is left over");
    }
}
