//! The book's MapReduce: total occurrences of every word of a Google Books 1-gram file.
//!
//! A line is `ngram TAB year TAB match_count TAB volume_count LF`. The total of a word is the sum of its match counts.

pub mod floor;
mod input;
mod map;
mod options;

use crate::digest::Digest;
use crate::{Entry, Inputs};
use input::Input;
pub use input::Read;
use kernels::words::WordTotals;
use kernels::{book, bytes, line};
pub use options::{Kernel, Options};
use std::collections::HashMap;
use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::Arc;
use strategies::{Answer, AnyTask, Error, Partitions, Result, Task};

/// The task's entry.
pub const ENTRY: Entry = Entry {
    name: "word_totals",
    about: "Adds up the occurrences of every word of a Google Books 1-gram file.",
    unit: "lines",
    sizes: &[200, 2_000, 10_000, 60_000, 200_000, 1_000_000],
    default_size: 60_000,
    load,
    options: options::for_record,
    hooks: options::HOOKS,
};

/// A kernel adds a piece of whole lines to the totals. Its error is where the first malformed line begins.
pub(crate) type Work = fn(&[u8], &mut WordTotals) -> std::result::Result<(), usize>;

/// A 1-gram file to be added up.
pub struct TotalsOf {
    input: Input,
    work: Work,
    word: String,
}

impl TotalsOf {
    /// The file that `options` name, open and ready.
    ///
    /// # Errors
    /// When none is named, or it cannot be opened.
    pub fn new(options: &Options) -> Result<Self> {
        let missing = "word_totals needs a 1-gram file: give one with --input FILE, or make one with `goldilocks data`";
        let path = options.input.clone().ok_or_else(|| Error::task(missing))?;
        let work = match options.kernel {
            Kernel::Book => book::add as Work,
            Kernel::Bytes => bytes::add as Work,
            Kernel::Runs => options.vector.kernel().ok_or_else(|| {
                Error::task(format!("this processor has no {}; leave --vector out", options.vector.name()))
            })?,
        };
        Ok(TotalsOf { input: Input::open(path, options.read)?, work, word: options.word.clone() })
    }
}

fn load(inputs: &Inputs) -> Result<Arc<dyn AnyTask>> {
    Ok(Arc::new(Arc::new(TotalsOf::new(&inputs.word_totals)?)))
}

impl TotalsOf {
    /// Notes that a partition has been mapped for the last time. What of the file lies in memory for this process can go then,
    /// while what the system knows of it is at hand; else the end of the process has to see to it, alone.
    pub fn has_read(&self, range: (u64, u64)) {
        self.input.has_read(range);
    }

    /// All totals, from a file that is not looked at again, on this thread.
    ///
    /// # Errors
    /// When the file cannot be read, or has a line that is malformed.
    pub fn once(&self) -> Result<WordTotals> {
        let mut totals = WordTotals::default();
        self.input.pieces((0, self.input.length()), |piece, at| {
            self.add_piece(piece, at, &mut totals)?;
            self.input.let_go(at, at + piece.len() as u64);
            Ok(())
        })?;
        Ok(totals)
    }

    fn add(&self, range: (u64, u64), into: &mut WordTotals) -> Result<()> {
        self.input.pieces(range, |piece, at| self.add_piece(piece, at, into))
    }

    fn add_piece(&self, piece: &[u8], at: u64, into: &mut WordTotals) -> Result<()> {
        let malformed = |from: usize| self.malformed(at + from as u64, &piece[from..]);
        (self.work)(piece, into).map_err(malformed)
    }

    /// The error for a malformed line: file, line number, reason. Only now are lines counted.
    fn malformed(&self, at: u64, from: &[u8]) -> Error {
        let line = from.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let reason = line::reason(line).unwrap_or_else(|| "a kernel refused this line for no known reason".to_owned());
        self.refuse(at, &reason)
    }

    fn refuse(&self, at: u64, reason: &str) -> Error {
        match self.input.line_number(at) {
            Ok(number) => Error::task(format!("{}, line {number}: {reason}", self.input.path().display())),
            Err(error) => error,
        }
    }

    /// Whether totals are right: those of a word whose total went beyond `u64` are not.
    ///
    /// # Errors
    /// If one did: at which line.
    pub fn check(&self, totals: &WordTotals) -> Result<()> {
        if totals.overflowed() { Err(self.too_large()?) } else { Ok(()) }
    }

    /// The first line, in file order, at which a word's total no longer fits. Partials cannot know it.
    fn too_large(&self) -> Result<Error> {
        let mut totals: HashMap<Vec<u8>, u64> = HashMap::new();
        let mut refused = None;
        self.input.pieces((0, self.input.length()), |piece, at| {
            let mut begin = 0;
            while begin < piece.len() && refused.is_none() {
                let end = memchr::memchr(b'\n', &piece[begin..]).map_or(piece.len(), |end| begin + end);
                if let Ok((word, count)) = line::parse(&piece[begin..end]) {
                    let total = totals.entry(word.to_vec()).or_default();
                    match total.checked_add(count) {
                        Some(sum) => *total = sum,
                        None => refused = Some((at + begin as u64, line::shown(word))),
                    }
                }
                begin = end + 1;
            }
            Ok(())
        })?;
        let Some((at, word)) = refused else {
            return Ok(Error::task("a total went beyond u64, and on a second look did not: the file has changed"));
        };
        Ok(self.refuse(at, &format!("with this line the total of `{word}` is beyond {}", u64::MAX)))
    }
}

impl Task for TotalsOf {
    /// A range of bytes: where its first line begins, and where its last one ends.
    type Partition = (u64, u64);
    type Partial = WordTotals;

    fn partitions(self: &Arc<Self>, size: NonZeroUsize) -> Result<Partitions<Self::Partition>> {
        let task = Arc::clone(self);
        let mut cut = task.input.cut(size)?;
        Ok(Box::new(std::iter::from_fn(move || task.input.next_range(&mut cut).transpose())))
    }

    fn map(&self, range: Self::Partition, into: &mut WordTotals) -> Result<()> {
        into.stretch(|into| self.add(range, into))
    }

    fn reduce(into: &mut WordTotals, other: WordTotals) {
        into.absorb(other);
    }

    fn reduce_all(into: &mut WordTotals, others: Vec<WordTotals>) {
        into.absorb_all(others);
    }

    const SHARDS: usize = WordTotals::PARTS;

    fn split(partial: WordTotals) -> Vec<WordTotals> {
        partial.into_parts()
    }

    fn is_large(partial: &WordTotals) -> bool {
        partial.are_large()
    }

    fn baseline(&self) -> Result<WordTotals> {
        let mut totals = WordTotals::default();
        self.add((0, self.input.length()), &mut totals)?;
        Ok(totals)
    }

    fn answer(&self, total: &WordTotals) -> Result<Answer> {
        self.check(total)?;
        let mut digest = Digest::default();
        let mut all = 0u128;
        let mut record = Vec::new();
        for (word, count) in total.iter() {
            record.clear();
            record.extend_from_slice(word);
            record.extend_from_slice(&count.to_le_bytes());
            digest.add(&record);
            all += u128::from(count);
        }
        let asked = total.total(self.word.as_bytes()).unwrap_or_default();
        let figures = vec![
            ("distinct words".to_owned(), total.len().to_string()),
            ("grand total".to_owned(), all.to_string()),
            (self.word.clone(), asked.to_string()),
        ];
        Ok(Answer { digest: digest.finish(), figures })
    }

    /// `word TAB total`, sorted by the words' bytes: what `LC_ALL=C sort` would give.
    fn write(&self, total: &WordTotals, out: &mut dyn Write) -> std::io::Result<()> {
        for (word, count) in total.sorted() {
            out.write_all(word)?;
            writeln!(out, "\t{count}")?;
        }
        Ok(())
    }

    fn items(&self) -> Option<u64> {
        None
    }
}
