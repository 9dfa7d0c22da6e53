//! The file as a slice of memory.
#![allow(unsafe_code)] // A map is unsafe: whoever changes the file changes the slice.

use memmap2::{Advice, Mmap, UncheckedAdvice};
use std::fs::File;
use std::ops::Range;

/// Maps the whole file.
///
/// # Errors
/// When the system refuses, for instance because the file system cannot map.
pub(super) fn whole(file: &File) -> std::io::Result<Mmap> {
    // SAFETY: nobody may change the file while it is mapped. We do not; that nobody else does is what `--read map` asks
    // of its user, and the reason why it is not the default. A kernel takes any bytes for text, and what it relies on
    // (where fields begin) it has found and copied out before, so a change gives wrong totals or, where the file was cut
    // off, ends the process by SIGBUS.
    let map = unsafe { Mmap::map(file) }?;
    // A hint: where the system does not take it, the map is as good.
    let _ = map.advise(Advice::Sequential);
    Ok(map)
}

/// Takes a stretch of the map out of this process's memory. It stays in the page cache, and would be mapped again if it
/// were looked at.
///
/// # Errors
/// When the system refuses.
pub(super) fn let_go(map: &Mmap, stretch: Range<usize>) -> std::io::Result<()> {
    // SAFETY: nobody can have written to this map, so what is read of it afterwards comes from the same file.
    unsafe { map.unchecked_advise_range(UncheckedAdvice::DontNeed, stretch.start, stretch.len()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn what_was_let_go_is_read_again() {
        let bytes: Vec<u8> = (0..5_000_003_u32).map(|place| (place % 251) as u8).collect();
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(&bytes).expect("room for it");
        let map = whole(&file).expect("a map");
        assert!(map[..] == bytes);
        for stretch in [0..2 << 20, 2 << 20..bytes.len(), 0..bytes.len(), 4096..4096] {
            let_go(&map, stretch.clone()).unwrap_or_else(|error| panic!("{stretch:?}: {error}"));
            assert!(map[..] == bytes, "after {stretch:?}");
        }
    }
}
