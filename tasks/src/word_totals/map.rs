//! The file as a slice of memory.
#![allow(unsafe_code)] // A map is unsafe: whoever changes the file changes the slice.

use memmap2::Mmap;
use std::fs::File;

/// Maps the whole file.
///
/// # Errors
/// When the system refuses, for instance because the file system cannot map.
pub(super) fn whole(file: &File) -> std::io::Result<Mmap> {
    // SAFETY: nobody may change the file while it is mapped. We do not; that nobody else does is what `--read map` asks
    // of its user, and the reason why it is not the default. A kernel takes any bytes for text, and what it relies on
    // (where fields begin) it has found and copied out before, so a change gives wrong totals or, where the file was cut
    // off, ends the process by SIGBUS.
    unsafe { Mmap::map(file) }
}
