//! Generates lines in the format of Google Books 1-grams from a seed. Files have any size and the same bytes on every
//! platform.
//!
//! A line is `ngram TAB year TAB match_count TAB volume_count LF`. Like the real file for the letter *a* (version
//! 20120701), the generated one is sorted by the bytes of the ngram, then by year. A word appears as `aardvark`,
//! `Aardvark`, `AARDVARK` and with part-of-speech tags (`aardvark_NOUN`). A few words are very frequent and most are
//! rare. Unlike in the real file, most words are invented, and no word has lines for more than 200 years.
//!
//! How it works:
//!
//! 1. `vocabulary` draws words, each with its total and its number of lines, until their lines fill the requested size.
//!    Only this list is in memory. It has about a fifteenth of the size of the file.
//! 2. `years` draws the lines of one word from the seed of the word, so they need not be stored: step 1 only measures
//!    them, and step 3 draws them again.
//! 3. `text` writes the lines of the sorted words into a large buffer.
//!
//! For a given number of words with frequencies by Zipf's law, `zipf` replaces steps 1 and 2.
//!
//! All arithmetic uses integers, because mathematics libraries differ in the last bit of a logarithm. One wrong bit
//! would change all following bytes. The powers for Zipf's law come from a software library, which gives the same
//! results everywhere.

mod lemma;
pub mod recipe;
mod shuffle;
mod spellings;
mod text;
mod vocabulary;
mod years;
mod zipf;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::kept_file::{Metadata, PartialFile, keep};
use shuffle::Shuffle;
use system::sysfs::SystemFiles;
use text::LineWriter;
pub use text::Summary;
use vocabulary::Vocabulary;
use zipf::Spread;
pub use zipf::Zipf;

/// The version of the generator. It must increase when the same recipe gives different bytes, so that older files are
/// made again.
const GENERATOR: u64 = 4;

/// The properties of a 1-gram file. Equal recipes give equal bytes, on every platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Recipe {
    /// The seed of all random choices.
    pub seed: u64,
    /// The requested size in bytes. The file ends with the last whole line that fits, so it is at most 100 bytes
    /// below this size. It has at least one line of the word `Aardvark`. With [`Recipe::zipf`], a size that is too small
    /// is an error.
    pub bytes: u64,
    /// `true` for lines in a random order, which also follows from the seed. Lines with the same word are then rarely
    /// neighbours. Shuffling needs about 1.1 times [`Recipe::bytes`] of memory.
    pub shuffled: bool,
    /// The number and the frequencies of words. `None` for frequencies as in English.
    pub zipf: Option<Zipf>,
}

impl Default for Recipe {
    /// 20 MB, sorted, seed 1: about a million lines.
    fn default() -> Self {
        Self { seed: 1, bytes: 20_000_000, shuffled: false, zipf: None }
    }
}

impl Recipe {
    /// Writes the file to `out`, about 1 MiB at a time. Calls `progress` with the number of bytes so far.
    ///
    /// # Errors
    ///
    /// When writing to `out` fails, or the size is too small for the words of [`Recipe::zipf`].
    pub fn write(&self, out: &mut dyn Write, progress: &mut dyn FnMut(u64)) -> io::Result<Summary> {
        // A size that is too small must fail before the first call of `progress`.
        let spread = self.zipf.map(|zipf| Spread::draw(self.seed, self.bytes, zipf)).transpose()?;
        progress(0);
        let write_sorted = |out: &mut dyn Write, progress: &mut dyn FnMut(u64)| match spread {
            None => write_sorted(&Vocabulary::draw(self.seed, self.bytes), out, progress),
            Some(spread) => spread.write(out, progress),
        };
        if self.shuffled {
            let mut shuffle = Shuffle::new(self.seed, self.bytes);
            let summary = write_sorted(&mut shuffle, &mut |_| ())?;
            shuffle.finish(out, progress)?;
            Ok(summary)
        } else {
            write_sorted(out, progress)
        }
    }

    /// Returns the path of the file in `folder`. Makes the file unless an earlier call has done so.
    ///
    /// The file gets its name when it is complete. If two processes call this at the same time, the second waits.
    ///
    /// # Errors
    ///
    /// When the folder or the file cannot be written, or disk or memory is too small.
    pub fn file(&self, folder: &Path, progress: &mut dyn FnMut(u64)) -> Result<PathBuf, Error> {
        let path = folder.join(self.file_name());
        let is_kept = |metadata: &Metadata| {
            metadata.number("generator") == Some(GENERATOR)
                && metadata.number("bytes").is_some_and(|bytes| is_length_of(&path, bytes))
        };
        keep(&path, is_kept, || self.make(&path, folder, progress))?;
        Ok(path)
    }

    fn make(&self, path: &Path, folder: &Path, progress: &mut dyn FnMut(u64)) -> Result<(), Error> {
        self.check_room(folder)?;
        let mut new = PartialFile::create(path)?;
        let summary = self.write(&mut new, progress).map_err(|source| {
            // An incomplete file is useless and occupies the disk.
            let _ = std::fs::remove_file(&new.partial);
            match source.kind() {
                io::ErrorKind::InvalidInput => Error::Recipe(source.to_string()),
                _ => Error::file("write", &new.partial, source),
            }
        })?;
        new.finish()?;
        Metadata::default()
            .with("generator", GENERATOR)
            .with("bytes", summary.bytes)
            .with("lines", summary.lines)
            .with("words", summary.words)
            .write(path)
    }

    /// Calls [`Recipe::file`]. If the file must be made, calls `say` with a message that contains its path.
    ///
    /// # Errors
    ///
    /// As [`Recipe::file`].
    pub fn file_announced(&self, folder: &Path, say: &dyn Fn(&str)) -> Result<PathBuf, Error> {
        let mut announced = false;
        self.file(folder, &mut |_| {
            if !std::mem::replace(&mut announced, true) {
                say(&format!("making {}", folder.join(self.file_name()).display()));
            }
        })
    }

    /// Checks the space on disk and in memory beforehand, because generating would fail only after a long time.
    fn check_room(&self, folder: &Path) -> Result<(), Error> {
        let megabytes = |bytes: u64| bytes / 1_000_000;
        let disk = rustix::fs::statvfs(folder).map_err(|error| Error::file("inspect", folder, error.into()))?;
        let room = disk.f_bavail.saturating_mul(disk.f_frsize);
        if self.bytes > room {
            let (wanted, room, folder) = (megabytes(self.bytes), megabytes(room), folder.display());
            return Err(Error::Recipe(format!("they take {wanted} MB, but {folder} has room for {room} MB")));
        }
        let needed = self.memory();
        match system::memory::usable(&SystemFiles::here()) {
            Some(memory) if needed > memory => {
                let (needed, memory) = (megabytes(needed), megabytes(memory));
                Err(Error::Recipe(format!(
                    "generating them takes {needed} MB of memory, but only {memory} MB are available"
                )))
            }
            _ => Ok(()),
        }
    }

    /// Estimates the bytes of memory that generating the file takes.
    fn memory(&self) -> u64 {
        /// Bytes of memory per word, including its lines. A process with a million words had 76 MiB.
        const WORD: u64 = 80;
        let words = self.zipf.map_or(self.bytes / 15, |zipf| zipf.words.saturating_mul(WORD));
        words.saturating_add(if self.shuffled { (self.bytes / 10).saturating_mul(11) } else { 0 })
    }

    /// Returns the name of the file: size, seed and order, as in `1grams-20MB-seed1-sorted.tsv`. With [`Recipe::zipf`],
    /// words and exponent precede the order, as in `1grams-20MB-seed1-words10000-zipf1.30-shuffled.tsv`.
    pub fn file_name(&self) -> String {
        let size = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "KB"), (1, "B")]
            .into_iter()
            .find(|(unit, _)| self.bytes > 0 && self.bytes.is_multiple_of(*unit))
            .map(|(unit, name)| format!("{}{name}", self.bytes / unit))
            .unwrap_or_else(|| "0B".to_owned());
        let order = if self.shuffled { "shuffled" } else { "sorted" };
        let zipf = self.zipf.map_or_else(String::new, |Zipf { words, hundredths }| {
            format!("words{words}-zipf{}.{:02}-", hundredths / 100, hundredths % 100)
        });
        format!("1grams-{size}-seed{}-{zipf}{order}.tsv", self.seed)
    }
}

fn is_length_of(path: &Path, bytes: u64) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() == bytes)
}

fn write_sorted(vocabulary: &Vocabulary, out: &mut dyn Write, progress: &mut dyn FnMut(u64)) -> io::Result<Summary> {
    let mut lines = LineWriter::new(out, progress);
    for word in vocabulary.in_order() {
        lines.begin_word(vocabulary.spelling(word));
        for line in word.history.lines() {
            lines.write(&line)?;
        }
    }
    let (bytes, lines) = lines.finish()?;
    Ok(Summary { bytes, lines, words: vocabulary.len() as u64 })
}
