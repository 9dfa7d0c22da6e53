//! The memory map of the file. The whole file is mapped, and each block is released after it has been read.
#![allow(unsafe_code)] // A map is unsafe because a change of the file changes the slice.

use memmap2::{Advice, Mmap, UncheckedAdvice};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// The size of one piece of a map in bytes. It is the largest folio of the page cache that one page fault maps.
pub(super) const PIECE: usize = 2 * 1024 * 1024;

/// The number of bytes that are released at once. Larger blocks would lose their page metadata from the cache. Smaller
/// blocks would interrupt more often all cores that have mapped the pages.
const BLOCK: u64 = 16 * 1024 * 1024;

/// The number of bytes that one page fault maps if they are in the page cache.
const FAULT_AROUND: usize = 64 * 1024;

/// A mapped file.
pub(super) struct Map {
    memory: Mmap,
    /// The length of the file when it was opened. A growing file may be longer when it is mapped.
    length: u64,
    /// The number of unread bytes of each block.
    unread: Vec<AtomicU64>,
}

impl Map {
    /// Maps the whole file.
    ///
    /// # Errors
    /// When the kernel refuses, for instance because the file system cannot map.
    pub(super) fn new(file: &File, length: u64) -> io::Result<Self> {
        // SAFETY: no process may change the file while it is mapped. This process does not. The user of `--read map`
        // must ensure that no other process does, so this is not the default. A kernel accepts any bytes as text, and
        // copies the field offsets on which it relies. So a change gives wrong totals. If the file is truncated, SIGBUS
        // ends the process.
        let memory = unsafe { Mmap::map(file) }?;
        // This is only a hint, so an error is ignored.
        let _ = memory.advise(Advice::Sequential);
        let blocks = (0..length).step_by(BLOCK as usize);
        let unread = blocks.map(|begin| AtomicU64::new(BLOCK.min(length - begin))).collect();
        Ok(Map { memory, length, unread })
    }

    /// Returns bytes of the file after their page faults. `None` beyond the end of the map.
    pub(super) fn bytes(&self, range: Range<usize>) -> Option<&[u8]> {
        let bytes = self.memory.get(range)?;
        // Accesses one byte per page fault. A prefetch instruction has no effect on an unmapped page.
        for byte in bytes.iter().step_by(FAULT_AROUND).chain(bytes.last()) {
            std::hint::black_box(*byte);
        }
        Some(bytes)
    }

    /// Records that a range has been read for the last time. The thread that completes a block releases the block.
    pub(super) fn mark_read(&self, (begin, end): (u64, u64)) {
        let mut at = begin;
        while at < end {
            let block = at / BLOCK;
            let until = end.min((block + 1) * BLOCK);
            if self.unread[block as usize].fetch_sub(until - at, Ordering::Relaxed) == until - at {
                self.release(block * BLOCK, self.length.min((block + 1) * BLOCK));
            }
            at = until;
        }
    }

    /// Releases a range except the bytes after the last multiple of [`PIECE`], so that no folio of the page cache is
    /// split.
    pub(super) fn release(&self, begin: u64, end: u64) {
        let border = |at: u64| if at == self.length { self.memory.len() } else { at as usize / PIECE * PIECE };
        // If the operating system refuses, the end of the process unmaps the range.
        let _ = self.unmap(border(begin)..border(end));
    }

    /// Unmaps a range. The bytes stay in the page cache, and the next access maps them again.
    fn unmap(&self, range: Range<usize>) -> io::Result<()> {
        // SAFETY: the map is read-only, so the next access reads the same bytes from the same file.
        unsafe { self.memory.unchecked_advise_range(UncheckedAdvice::DontNeed, range.start, range.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn mapped(length: u64) -> (Vec<u8>, Map) {
        let bytes: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(&bytes).expect("room for it");
        (bytes, Map::new(&file, length).expect("a map"))
    }

    #[test]
    fn unmapped_bytes_are_read_again() {
        let (bytes, map) = mapped(5_000_003);
        for range in [0..0, 0..2 << 20, 2 << 20..bytes.len(), 0..bytes.len(), 4096..4096] {
            map.unmap(range.clone()).unwrap_or_else(|error| panic!("{range:?}: {error}"));
            assert!(map.bytes(0..bytes.len()) == Some(&bytes), "after {range:?}");
        }
    }

    #[test]
    fn a_block_read_in_any_order_is_released() {
        let length = 2 * BLOCK + 12_345;
        let (bytes, map) = mapped(length);
        let released = || map.unread.iter().filter(|unread| unread.load(Ordering::Relaxed) == 0).count();
        let ranges = [(BLOCK - 5, 2 * BLOCK + 7), (0, 100), (2 * BLOCK + 7, length), (100, BLOCK - 5)];
        for (range, before) in ranges.into_iter().zip([0, 1, 1, 2]) {
            assert_eq!(released(), before);
            map.mark_read(range);
        }
        assert_eq!(released(), map.unread.len());
        assert!(map.bytes(0..bytes.len()) == Some(&bytes), "a second reading finds the same bytes");
    }
}
