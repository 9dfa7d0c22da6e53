//! Reads the file in pieces of whole lines, by offset or through a memory map.
//!
//! The list gives the processor time in the operating system to read 1.8 GB from the page cache. Values are medians of
//! whole processes (Linux 6.18 on a virtual AMD EPYC, Zen 4):
//!
//! - Through a map: 4 to 8 ms and 1,500 page faults if the page cache has the file in folios of 2 MiB. The generator
//!   and a sequential read produce such folios. `wc -l` spends 183 ms in the operating system there.
//! - Through a map: 40 to 100 ms and up to 27,700 faults if the file was written in smaller pieces.
//! - Through a map: 136 ms and the same number of faults if the file was read page by page (`wc -l` 225 ms). Without
//!   the measures below, the kernel then maps each of 440,000 pages separately (91 ms) and unmaps it (62 ms).
//! - By offset in pieces of 256 KiB: 145 ms, for copying. Pieces of 128 KiB cost 17 ms more, and pieces of 512 KiB cost
//!   the same.
//! - In both cases: additional time for the memory of the word table (see `reserve` in `kernels::words`).
//!
//! These measures help a map of a file that was read page by page. Each factor is the time with the measure divided by
//! the time without it (whole processes on one thread, 11 to 15 interleaved rounds):
//!
//! - Access one byte of every 64 KiB before a piece is processed: 0.96. A prefetch has no effect on an unmapped page,
//!   so the prefetches of `runs` had no effect before each page fault.
//! - Release pages every 2 MiB if they are not read again: 0.97, because the page metadata are still in the cache. With
//!   two threads, every 16 MiB: 0.94. More frequent releases gain nothing, because each release interrupts both
//!   threads.
//! - `MADV_SEQUENTIAL`: 0.99, and 385 instead of 450 ms in the first run after the file came from the disk. Without
//!   this advice, unmapping marks each page as used.
//!
//! Pieces of 2 MiB instead of 256 KiB take 0.98 times as long, however the file was read. The reason is that the last
//! lines of each piece are processed one by one. Prefaulting the whole map (`MADV_POPULATE_READ`) costs 39 to 53 ms
//! more.

use super::map::{self, Map};
use datasets::input::{self, Kind};
use memchr::{memchr_iter, memrchr};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::fs::File;
use std::io::{Error as IoError, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use strategies::{Error, Result};

/// The number of bytes that one system call reads. A piece fits into the second-level cache and is large enough to
/// amortise the call.
pub(super) const PIECE: usize = 256 * 1024;

/// The method that brings the bytes of the file to a kernel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
pub enum Read {
    /// Copied, piece by piece, into a buffer of each thread: memory stays bounded, and a file that shrinks is an error
    #[default]
    Pread,
    /// Read in place in the page cache: nothing is copied, but a file that shrinks meanwhile ends the process
    Map,
}

// A map refuses the same lines as a buffer that grows from `PIECE`.
const _: () = {
    let longest = Kind::Grams.longest_line();
    assert!(map::PIECE == longest && longest.is_multiple_of(PIECE) && (longest / PIECE).is_power_of_two());
    assert!((Kind::Text.longest_line() / PIECE).is_power_of_two());
};

/// An open file with a known length.
pub(crate) struct Input {
    kind: Kind,
    path: PathBuf,
    file: File,
    length: u64,
    map: Option<Map>,
}

thread_local! {
    /// The buffer of each thread, kept between partitions.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Input {
    /// Opens a plain file of this kind.
    ///
    /// # Errors
    /// When the file cannot be opened, or its first bytes show another kind.
    pub(crate) fn open(kind: Kind, path: PathBuf, read: Read) -> Result<Self> {
        let failed = |error: IoError| {
            let next = match error.kind() {
                ErrorKind::NotFound => "; is the path right?",
                ErrorKind::PermissionDenied => "; allow this user to read it",
                _ => "",
            };
            Error::task(format!("cannot open {}: {error}{next}", path.display()))
        };
        // Checks this before opening, because opening a named pipe waits for a writer.
        if !std::fs::metadata(&path).map_err(failed)?.is_file() {
            return Err(Error::task(format!("{} is not a file", path.display())));
        }
        let file = File::open(&path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let map = match read {
            Read::Pread => None,
            Read::Map => {
                let failed = |error| Error::task(format!("cannot map {}: {error}; try --read pread", path.display()));
                Some(Map::new(&file, length).map_err(failed)?)
            }
        };
        let opened = Input { kind, path, file, length, map };
        // Some files that the operating system generates, such as those in /proc, report a length of zero but are not
        // empty.
        if length == 0 && opened.read_some(&mut [0], 0)? > 0 {
            let path = opened.path.display();
            return Err(Error::task(format!("{path} does not report its length; copy it to an ordinary file first")));
        }
        let mut head = vec![0; input::HEAD];
        let read = opened.read_some(&mut head, 0)?;
        input::check(kind, &opened.path, &head[..read], read < head.len()).map_err(Error::task)?;
        Ok(opened)
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Leaves out what a file has gained since it had this length, so that a growing file has one answer.
    ///
    /// # Errors
    /// When the file is shorter.
    pub(crate) fn up_to(mut self, length: u64) -> Result<Self> {
        if self.length < length {
            return Err(self.shorter());
        }
        self.length = length;
        Ok(self)
    }

    /// The longest line in bytes.
    pub(super) fn longest_line(&self) -> usize {
        self.kind.longest_line()
    }

    /// Passes the bytes of `range` to `work` in pieces of whole lines. Each piece comes with its offset in the file.
    pub(crate) fn pieces(&self, range: (u64, u64), mut work: impl FnMut(&[u8], u64) -> Result<()>) -> Result<()> {
        BUFFER.with_borrow_mut(|buffer| {
            let (mut at, end) = range;
            let usual = if self.map.is_some() { map::PIECE } else { PIECE };
            let mut piece = usual;
            while at < end {
                let wanted = usize::try_from(end - at).unwrap_or(usize::MAX).min(piece);
                let bytes = self.bytes(at, wanted, buffer)?;
                let lines =
                    if at + wanted as u64 == end { wanted } else { memrchr(b'\n', bytes).map_or(0, |feed| feed + 1) };
                if lines == 0 {
                    // The line is longer than the piece, so the next attempt reads more, but memory stays bounded.
                    if wanted >= self.longest_line() {
                        return Err(self.refuse(at, &self.kind.too_long(bytes)));
                    }
                    piece *= 2;
                    continue;
                }
                work(&bytes[..lines], at)?;
                at += lines as u64;
                piece = usual;
            }
            Ok(())
        })
    }

    /// Returns `wanted` bytes of the file, from the map if there is one, otherwise through the buffer.
    fn bytes<'a>(&'a self, at: u64, wanted: usize, buffer: &'a mut Vec<u8>) -> Result<&'a [u8]> {
        if let Some(map) = &self.map {
            let begin = usize::try_from(at).map_err(Error::task)?;
            return map.bytes(begin..begin + wanted).ok_or_else(|| self.shorter());
        }
        if buffer.len() < wanted {
            buffer.resize(wanted, 0);
        }
        let read = &mut buffer[..wanted];
        self.file.read_exact_at(read, at).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => self.shorter(),
            _ => self.unreadable(&error),
        })?;
        Ok(read)
    }

    /// Releases a range of the map that will not be read again.
    pub(crate) fn release(&self, begin: u64, end: u64) {
        if let Some(map) = &self.map {
            map.release(begin, end);
        }
    }

    /// Records that a range will not be read again. A block of the map is released when all its bytes have been read.
    pub(crate) fn mark_read(&self, range: (u64, u64)) {
        if let Some(map) = &self.map {
            map.mark_read(range);
        }
    }

    /// Returns the number, counted from 1, of the line that begins at `offset`.
    pub(super) fn line_number(&self, offset: u64) -> Result<u64> {
        let mut buffer = vec![0; PIECE];
        let (mut at, mut feeds) = (0, 0);
        while at < offset {
            let read = self.read_some(&mut buffer, at)?;
            if read == 0 {
                return Err(self.shorter());
            }
            let before = usize::try_from(offset - at).unwrap_or(usize::MAX).min(read);
            feeds += memchr_iter(b'\n', &buffer[..before]).count() as u64;
            at += read as u64;
        }
        Ok(feeds + 1)
    }

    /// Makes the error for the line that begins at `offset`.
    pub(crate) fn refuse(&self, offset: u64, reason: &str) -> Error {
        match self.line_number(offset) {
            // Later lines show that the file is one of 1-grams.
            Ok(1) if self.kind == Kind::Grams => {
                Error::task(format!("{}, line 1: {reason}; {}", self.path.display(), self.kind.expected()))
            }
            Ok(number) => Error::task(format!("{}, line {number}: {reason}", self.path.display())),
            Err(error) => error,
        }
    }

    /// Fills the buffer from offset `at` on, at most to the end of the file. Returns the number of bytes read.
    pub(super) fn read_some(&self, buffer: &mut [u8], at: u64) -> Result<usize> {
        let mut have = 0;
        while have < buffer.len() {
            match self.file.read_at(&mut buffer[have..], at + have as u64) {
                Ok(0) => break,
                Ok(read) => have += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.unreadable(&error)),
            }
        }
        Ok(have)
    }

    pub(super) fn shorter(&self) -> Error {
        Error::task(format!("{} became shorter while it was read; run again", self.path.display()))
    }

    fn unreadable(&self, error: &IoError) -> Error {
        Error::task(format!("cannot read {}: {error}", self.path.display()))
    }
}
