//! Which part of a file is in memory, and how to get it out of there.
#![allow(unsafe_code)] // `mincore` takes a pointer, and no safe crate has it.

use memmap2::Mmap;
use rustix::fs::{Advice, fadvise};
use std::fs::File;
use std::io;

/// What a page is, for `mincore`, on most machines; where it is larger, every page is told several times.
const PAGE: usize = 4096;

/// The part of a file that is in memory, from 0 to 1; an empty file is.
///
/// The system tells only those who own the file or may write to it; to others all of it seems to be in memory.
///
/// # Errors
/// When the file cannot be mapped or the system refuses.
pub fn resident(file: &File) -> io::Result<f64> {
    if file.metadata()?.len() == 0 {
        return Ok(1.0);
    }
    // SAFETY: nobody reads through this map. Only its address is used, and a file that shrinks meanwhile does no harm.
    let map = unsafe { Mmap::map(file)? };
    let mut pages = vec![0u8; map.len().div_ceil(PAGE)];
    // SAFETY: the address and the length are those of a map that lives until the end of this function, and `pages` has a
    // byte for each of its pages.
    let told = unsafe { libc::mincore(map.as_ptr().cast_mut().cast(), map.len(), pages.as_mut_ptr().cast()) };
    if told != 0 {
        return Err(io::Error::last_os_error());
    }
    // Only the lowest bit means something.
    let there = pages.iter().filter(|page| **page & 1 == 1).count();
    Ok(there as f64 / pages.len() as f64)
}

/// Asks the system to let go of a file's pages; whether it did, [`resident`] tells.
///
/// # Errors
/// When what was written to it cannot be brought to the disk first: such pages cannot be let go.
pub fn forget(file: &File) -> io::Result<()> {
    file.sync_data()?;
    fadvise(file, 0, None, Advice::DontNeed).map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_file_that_was_read_is_in_memory_until_it_is_forgotten() {
        // Not in a folder for temporary files, which may itself be memory.
        let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let path = folder.path().join("file");
        let mut file = File::options().create_new(true).read(true).write(true).open(&path).unwrap();
        file.write_all(&vec![b'a'; 1_000_000]).unwrap();
        assert!(resident(&file).unwrap() > 0.99);
        forget(&file).unwrap();
        assert_eq!(resident(&file).unwrap(), 0.0);
        std::fs::read(&path).unwrap();
        assert!(resident(&file).unwrap() > 0.99);
    }

    #[test]
    fn an_empty_file_is_in_memory() {
        assert_eq!(resident(&tempfile::tempfile().unwrap()).unwrap(), 1.0);
    }
}
