//! The file: cut into ranges of whole lines, read in pieces by position or through a map.
//!
//! What reading 1.8 GB of a warm file costs, in processor time spent in the kernel, as medians of whole processes (Linux 6.18
//! on a virtual AMD EPYC, Zen 4):
//!
//! - Through a map, 4 to 8 ms if the page cache has the file in pieces of 2 MiB, as the generator writes it, or as it comes
//!   when it is read in order: 1,500 page faults (`wc -l` spends 183 ms in the kernel there). It takes 40 to 100 ms and up to
//!   27,700 faults if the file was written in smaller pieces. And 136 ms, with as many faults, if it was read page by page
//!   (`wc -l` 225 ms): each of the 440,000 pages is then mapped for itself, 91 ms, and unmapped, 62 ms, if nothing else is
//!   done.
//! - By position in pieces of 256 KiB, 145 ms, the copying. Pieces of 128 KiB cost 17 ms more, of 512 KiB as much.
//! - In both, what the list of words takes up: see `words::reserve`.
//!
//! What helps a map whose file was read page by page (whole processes on one thread, 11 to 15 rounds by turns):
//!
//! - A byte of every 64 KiB is looked at before a piece is worked through: 0.96. Whoever asks for memory ahead of its use is
//!   not heard where a page is not mapped yet, and so ran into nothing ahead of every page fault.
//! - Its pages are let go of every 2 MiB, where nobody looks at them again: 0.97, for the system's own notes on these pages are
//!   still in the cache then. With two threads every 16 MiB: 0.94; more often it would be no gain, for each time both are
//!   interrupted.
//! - The system is told that it will be read in order (`MADV_SEQUENTIAL`): 0.99, and 385 instead of 450 ms the first time after
//!   the file came from the disk. Else unmapping notes for each page that it was used.
//!
//! Pieces of 2 MiB instead of 256 KiB take 0.98 times as long, however the file was read: fewer ends at which lines are done one
//! by one. Having the map filled ahead (`MADV_POPULATE_READ`) costs 39 to 53 ms more.

use super::map;
use memchr::{memchr, memchr_iter, memrchr};
use memmap2::Mmap;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::fs::File;
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use strategies::{Error, Result};

/// How much is read at once: small enough to stay in the second-level cache while it is worked through, large enough
/// for the system call not to matter.
const PIECE: usize = 256 * 1024;

/// How much of a map is a piece: as much as the largest pieces of the page cache that it takes over whole.
const LARGE: usize = 2 * 1024 * 1024;

/// How much of a map is let go of at once if several threads read it: little, for what the system knows of it to be still in
/// the cache; but not less, for each time all processors that have it are interrupted.
const BLOCK: u64 = 16 * 1024 * 1024;

/// How many bytes of a file are mapped by one page fault, if they are in the page cache.
const AROUND: usize = 64 * 1024;

/// How many bytes are looked at to find the end of a line.
const WINDOW: usize = 4 * 1024;

/// How the bytes of the file come to a kernel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
pub enum Read {
    /// Copied, piece by piece, into a buffer of each thread: memory stays bounded, and a file that shrinks is an error
    #[default]
    Pread,
    /// Used where they lie in the page cache: nothing is copied, but a file that shrinks meanwhile ends the process
    Map,
}

/// An open file whose length is known.
pub(super) struct Input {
    path: PathBuf,
    file: File,
    length: u64,
    map: Option<Mmap>,
    /// Bytes of each block that have not been read yet, as far as is known.
    unread: Vec<AtomicU64>,
}

/// How far a file has been cut.
pub(super) struct Cut {
    begin: u64,
    /// Bytes that hold as many lines as were asked for, by the mean length of a line.
    step: u64,
    /// The bytes last looked at and where they are, for neighbouring cuts are often close.
    window: Vec<u8>,
    window_at: u64,
}

thread_local! {
    /// Each thread's buffer, kept from one partition to the next.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Input {
    pub(super) fn open(path: PathBuf, read: Read) -> Result<Self> {
        let failed = |error: std::io::Error| {
            let next = match error.kind() {
                std::io::ErrorKind::NotFound => "; is the path right?",
                std::io::ErrorKind::PermissionDenied => "; allow this user to read it",
                _ => "",
            };
            Error::task(format!("cannot open {}: {error}{next}", path.display()))
        };
        // Asked before it is opened, for opening a named pipe waits until somebody writes to it.
        if !std::fs::metadata(&path).map_err(failed)?.is_file() {
            return Err(Error::task(format!("{} is not a file", path.display())));
        }
        let file = File::open(&path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let map = match read {
            Read::Pread => None,
            Read::Map => {
                let failed = |error| Error::task(format!("cannot map {}: {error}; try --read pread", path.display()));
                Some(map::whole(&file).map_err(failed)?)
            }
        };
        let blocks = (0..length).step_by(BLOCK as usize);
        let unread = blocks.map(|begin| AtomicU64::new(BLOCK.min(length - begin))).collect();
        let input = Input { path, file, length, map, unread };
        // Some files that the kernel makes up, such as those in /proc, say that they are empty and are not.
        if length == 0 && input.read_some(&mut [0], 0)? > 0 {
            let path = input.path.display();
            return Err(Error::task(format!("{path} does not tell its length; copy it to an ordinary file first")));
        }
        Ok(input)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Prepares to cut into ranges of about `lines` lines.
    ///
    /// Counting every line would read the whole file once more, on one thread, and hold back all workers. So the mean
    /// length of a line is taken from 16 samples, evenly spread, and a range is as many bytes as that many lines need
    /// on average, up to the next line feed.
    pub(super) fn cut(&self, lines: NonZeroUsize) -> Result<Cut> {
        const SAMPLES: u64 = 16;
        const SAMPLE: u64 = 16 * 1024;
        let mut sample = vec![0; SAMPLE as usize];
        let (mut bytes, mut feeds) = (0, 0);
        let spacing = (self.length / SAMPLES).max(SAMPLE);
        for at in (0..SAMPLES).map(|number| number * spacing).take_while(|at| *at < self.length) {
            let read = self.read_some(&mut sample, at)?;
            bytes += read as u64;
            feeds += memchr_iter(b'\n', &sample[..read]).count() as u64;
        }
        let step = u128::from(bytes) * lines.get() as u128 / u128::from(feeds.max(1));
        let step = u64::try_from(step).unwrap_or(u64::MAX).max(1);
        Ok(Cut { begin: 0, step, window: Vec::new(), window_at: 0 })
    }

    /// The next range, or `None` at the end of the file.
    pub(super) fn next_range(&self, cut: &mut Cut) -> Result<Option<(u64, u64)>> {
        if cut.begin >= self.length {
            return Ok(None);
        }
        // The last byte of the range may itself be the line feed.
        let mut at = cut.begin.saturating_add(cut.step - 1).min(self.length);
        // Small ranges are cut many to a window; of a large one only the end is looked at.
        let mut wanted = if cut.step < WINDOW as u64 { PIECE } else { WINDOW };
        let end = loop {
            if at >= self.length {
                break self.length;
            }
            if at < cut.window_at || at >= cut.window_at + cut.window.len() as u64 {
                cut.window.resize(wanted, 0);
                let read = self.read_some(&mut cut.window, at)?;
                cut.window.truncate(read);
                cut.window_at = at;
                if read == 0 {
                    return Err(self.shorter());
                }
                // Twice as much the next time, for a line may be longer than any window.
                wanted = (2 * wanted).min(PIECE);
            }
            let from = usize::try_from(at - cut.window_at).map_err(Error::task)?;
            match memchr(b'\n', &cut.window[from..]) {
                // A file that grows meanwhile is what it was when it was opened.
                Some(feed) => break (at + feed as u64 + 1).min(self.length),
                None => at = cut.window_at + cut.window.len() as u64,
            }
        };
        let range = (cut.begin, end);
        cut.begin = end;
        Ok(Some(range))
    }

    /// Hands the bytes of `range` to `work`, in pieces of whole lines, each with its place in the file.
    pub(super) fn pieces(&self, range: (u64, u64), mut work: impl FnMut(&[u8], u64) -> Result<()>) -> Result<()> {
        BUFFER.with_borrow_mut(|buffer| {
            let (mut at, end) = range;
            let usual = if self.map.is_some() { LARGE } else { PIECE };
            let mut piece = usual;
            while at < end {
                let wanted = usize::try_from(end - at).unwrap_or(usize::MAX).min(piece);
                let bytes = self.bytes(at, wanted, buffer)?;
                let whole =
                    if at + wanted as u64 == end { wanted } else { memrchr(b'\n', bytes).map_or(0, |feed| feed + 1) };
                if whole == 0 {
                    // A line longer than a piece: try again with more.
                    piece *= 2;
                    continue;
                }
                work(&bytes[..whole], at)?;
                at += whole as u64;
                piece = usual;
            }
            Ok(())
        })
    }

    /// `wanted` bytes of the file: in the map, if there is one, or else in the buffer.
    fn bytes<'a>(&'a self, at: u64, wanted: usize, buffer: &'a mut Vec<u8>) -> Result<&'a [u8]> {
        if let Some(map) = &self.map {
            let begin = usize::try_from(at).map_err(Error::task)?;
            let bytes = map.get(begin..begin + wanted).ok_or_else(|| self.shorter())?;
            // Whoever asks for memory ahead of its use is not heard where a page is not mapped yet.
            for byte in bytes.iter().step_by(AROUND).chain(bytes.last()) {
                std::hint::black_box(*byte);
            }
            return Ok(bytes);
        }
        if buffer.len() < wanted {
            buffer.resize(wanted, 0);
        }
        let read = &mut buffer[..wanted];
        self.file.read_exact_at(read, at).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => self.shorter(),
            _ => self.unreadable(&error),
        })?;
        Ok(read)
    }

    /// Lets a stretch of the map go, but for what lies behind its last border of `LARGE` bytes: none of the page cache's pieces
    /// is taken apart.
    pub(super) fn let_go(&self, begin: u64, end: u64) {
        let Some(map) = &self.map else { return };
        let border = |place: u64| if place == self.length { map.len() } else { place as usize / LARGE * LARGE };
        // Where the system refuses, all is unmapped in the end as it would have been.
        let _ = map::let_go(map, border(begin)..border(end));
    }

    /// Notes that a range has been read and will not be looked at again. Whoever notes the last of a block lets the map of it go.
    pub(super) fn has_read(&self, (begin, end): (u64, u64)) {
        let mut at = begin;
        while at < end {
            let block = at / BLOCK;
            let until = end.min((block + 1) * BLOCK);
            if self.unread[block as usize].fetch_sub(until - at, Ordering::Relaxed) == until - at {
                self.let_go(block * BLOCK, self.length.min((block + 1) * BLOCK));
            }
            at = until;
        }
    }

    /// The number, from 1, of the line that begins at a place.
    pub(super) fn line_number(&self, place: u64) -> Result<u64> {
        let mut buffer = vec![0; PIECE];
        let (mut at, mut feeds) = (0, 0);
        while at < place {
            let read = self.read_some(&mut buffer, at)?;
            if read == 0 {
                return Err(self.shorter());
            }
            let before = usize::try_from(place - at).unwrap_or(usize::MAX).min(read);
            feeds += memchr_iter(b'\n', &buffer[..before]).count() as u64;
            at += read as u64;
        }
        Ok(feeds + 1)
    }

    /// As many bytes as there are, at most as many as fit.
    fn read_some(&self, buffer: &mut [u8], at: u64) -> Result<usize> {
        let mut have = 0;
        while have < buffer.len() {
            match self.file.read_at(&mut buffer[have..], at + have as u64) {
                Ok(0) => break,
                Ok(read) => have += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.unreadable(&error)),
            }
        }
        Ok(have)
    }

    fn shorter(&self) -> Error {
        Error::task(format!("{} has become shorter while it was read; run again", self.path.display()))
    }

    fn unreadable(&self, error: &std::io::Error) -> Error {
        Error::task(format!("cannot read {}: {error}", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_file_that_grows_is_cut_as_if_it_had_not() {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(b"first\t1\t1\t1\nlast").expect("room for it");
        for read in [Read::Map, Read::Pread] {
            let input = Input::open(file.path().to_owned(), read).expect("it is there");
            let mut cut = input.cut(NonZeroUsize::MIN).expect("it is read");
            file.write_all(b" of all\t2\t2\t2\nmore\t3\t3\t3\n").expect("room for it");
            let mut end = 0;
            while let Some(range) = input.next_range(&mut cut).expect("it is read") {
                assert_eq!(range.0, end, "{read:?}");
                end = range.1;
                input.has_read(range);
            }
            assert_eq!(end, input.length(), "{read:?}");
        }
    }

    #[test]
    fn every_block_is_let_go_of_once_it_has_been_read_in_whatever_order() {
        let bytes: Vec<u8> = (0..2 * BLOCK as u32 + 12_345).map(|place| (place % 251) as u8).collect();
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(&bytes).expect("room for it");
        let input = Input::open(file.path().to_owned(), Read::Map).expect("a map");
        let length = input.length();
        let ranges = [(BLOCK - 5, 2 * BLOCK + 7), (0, 100), (2 * BLOCK + 7, length), (100, BLOCK - 5)];
        for (part, range) in ranges.into_iter().enumerate() {
            assert_eq!(
                input.unread.iter().filter(|unread| unread.load(Ordering::Relaxed) == 0).count(),
                [0, 1, 1, 2][part]
            );
            input.has_read(range);
        }
        assert!(input.unread.iter().all(|unread| unread.load(Ordering::Relaxed) == 0));
        // Whoever looks again all the same finds what was there.
        assert!(input.bytes(0, bytes.len(), &mut Vec::new()).expect("the map is there") == bytes);
    }
}
