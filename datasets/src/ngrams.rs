//! Lines in the format of Google Books 1-grams, made from a seed: any size, the same bytes everywhere.
//!
//! A line is `ngram TAB year TAB match_count TAB volume_count LF`. Like the real file for the letter *a* (version
//! 20120701) the made one is sorted by the bytes of the ngram, then by year; a word comes as `aardvark`, `Aardvark`,
//! `AARDVARK` and with tags of its part of speech (`aardvark_NOUN`); few words are very frequent and most are rare.
//! Unlike it, most words are invented, and no word has more than 200 years.
//!
//! How it works:
//!
//! 1. `words` draws words, each with its total and its number of lines, until their lines fill the wanted size to
//!    the byte. Only this list is held and sorted: about a fifteenth of the file's size.
//! 2. `years` draws the lines of one word from the word's own seed; so they can be measured in step 1, forgotten,
//!    and drawn again in step 3.
//! 3. The list is walked in order, and `text` writes each line by hand into a large buffer.
//!
//! Where so many words are asked for, with frequencies by Zipf's law, `zipf` takes the place of steps 1 and 2.
//!
//! Everything is integer arithmetic: a logarithm from one system's mathematics library may differ from another's in
//! the last bit, and one bit moves every byte after it. Zipf's powers come from a library in software, the same everywhere.

pub mod recipe;
mod shuffle;
mod text;
mod words;
mod years;
mod zipf;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::kept_file::{Facts, NewFile, lock};
use shuffle::Shuffle;
use system::sysfs::SystemFiles;
use text::LineWriter;
use words::Vocabulary;
use zipf::Spread;
pub use zipf::Zipf;

/// Raised whenever the same recipe gives other bytes than before, so that files kept from earlier are made anew.
const GENERATOR: u64 = 4;

/// Which 1-gram file to make: equal recipes make equal bytes, on every platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Recipe {
    /// Every choice follows from this number; 1 unless there is a reason.
    pub seed: u64,
    /// The size to fill, in bytes. The file ends with the last whole line that fits: less than 100 bytes below.
    /// There is always one line, about the word `Aardvark`; with [`Recipe::zipf`], a size without room is refused.
    pub bytes: u64,
    /// The same lines in a random order, likewise from the seed, so that equal words are no longer neighbours.
    /// Holds the whole file in memory: about 1.1 times [`Recipe::bytes`].
    pub shuffled: bool,
    /// Other words and frequencies than those of a book's language.
    pub zipf: Option<Zipf>,
}

/// What [`Recipe::write`] wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Length in bytes.
    pub bytes: u64,
    /// Number of lines.
    pub lines: u64,
    /// Number of distinct ngrams: the keys a word count ends with.
    pub words: u64,
}

impl Default for Recipe {
    /// 20 MB, sorted, seed 1: about a million lines.
    fn default() -> Self {
        Self { seed: 1, bytes: 20_000_000, shuffled: false, zipf: None }
    }
}

impl Recipe {
    /// Writes the file's bytes to `out`, about a mebibyte at a time, and tells `progress` how many bytes are written.
    ///
    /// # Errors
    ///
    /// What `out` reports; or that there is no room for as many words as [`Recipe::zipf`] asks for.
    pub fn write(&self, out: &mut dyn Write, progress: &mut dyn FnMut(u64)) -> io::Result<Summary> {
        // A recipe for which there is no room is refused before anything is told.
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

    /// The file in `folder`, made there now unless an earlier call has done so.
    ///
    /// It appears under its name only when it is whole. Another process asking at the same time waits for this one.
    ///
    /// # Errors
    ///
    /// When the folder or the file cannot be written; the message names it.
    pub fn file(&self, folder: &Path, progress: &mut dyn FnMut(u64)) -> Result<PathBuf, Error> {
        let path = folder.join(self.file_name());
        let _lock = lock(folder)?;
        if let Some(facts) = Facts::read(&path)
            && facts.number("generator") == Some(GENERATOR)
            && facts.number("bytes").is_some_and(|bytes| is_length_of(&path, bytes))
        {
            return Ok(path);
        }

        self.has_room(folder)?;
        let mut new = NewFile::create(&path)?;
        let summary = self.write(&mut new, progress).map_err(|source| {
            // Half a file helps nobody, and on a full disk it would keep it full.
            let _ = std::fs::remove_file(new.partial());
            match source.kind() {
                io::ErrorKind::InvalidInput => Error::Recipe(source.to_string()),
                _ => Error::cannot("write", new.partial(), source),
            }
        })?;
        new.finish()?;
        Facts::default()
            .with("generator", GENERATOR)
            .with("bytes", summary.bytes)
            .with("lines", summary.lines)
            .with("words", summary.words)
            .write(&path)?;
        Ok(path)
    }

    /// [`Recipe::file`], which tells `say` the path if the file must be made.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn file_announced(&self, folder: &Path, say: &dyn Fn(&str)) -> Result<PathBuf, Error> {
        let mut announced = false;
        self.file(folder, &mut |_| {
            if !std::mem::replace(&mut announced, true) {
                say(&format!("making {}", folder.join(self.file_name()).display()));
            }
        })
    }

    /// Refuses at once what would fail after a long time: for want of room on the disk, or of memory.
    fn has_room(&self, folder: &Path) -> Result<(), Error> {
        let megabytes = |bytes: u64| bytes / 1_000_000;
        let disk = rustix::fs::statvfs(folder).map_err(|error| Error::cannot("look at", folder, error.into()))?;
        let room = disk.f_bavail.saturating_mul(disk.f_frsize);
        if self.bytes > room {
            let (wanted, room, folder) = (megabytes(self.bytes), megabytes(room), folder.display());
            return Err(Error::Recipe(format!("{wanted} MB are asked for, and {folder} has room for {room} MB")));
        }
        let needed = self.memory();
        match system::memory::usable(&SystemFiles::here()) {
            Some(memory) if needed > memory => {
                let (needed, memory) = (megabytes(needed), megabytes(memory));
                Err(Error::Recipe(format!("making them takes {needed} MB of memory, and {memory} MB are free")))
            }
            _ => Ok(()),
        }
    }

    /// How many bytes of memory it takes to make the file, about.
    fn memory(&self) -> u64 {
        /// For a word and its share of lines: a million of them made a process of 76 MiB.
        const WORD: u64 = 80;
        let words = self.zipf.map_or(self.bytes / 15, |zipf| zipf.words.saturating_mul(WORD));
        words.saturating_add(if self.shuffled { self.bytes / 10 * 11 } else { 0 })
    }

    /// What the file is called: size, seed and order, as in `1grams-20MB-seed1-sorted.tsv`. Between seed and order there
    /// may be words and exponent, as in `1grams-20MB-seed1-words10000-zipf1.30-shuffled.tsv`.
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
