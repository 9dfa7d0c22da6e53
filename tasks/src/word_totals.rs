//! The task `word_totals`, which is the MapReduce of the book. It computes the total occurrences of every word of a
//! Google Books 1-gram file.
//!
//! A line is `ngram TAB year TAB match_count TAB volume_count LF`. The total of a word is the sum of its match counts.

pub mod floor;
mod options;
mod refusal;
mod shared;

use crate::digest::Digest;
pub use crate::lines::Read;
use crate::lines::{Input, Lines};
use crate::{Entry, Inputs, named};
use datasets::input::Kind;
use kernels::words::WordTotals;
use kernels::{book, bytes};
pub use options::{Kernel, Options};
use shared::{Concurrent, Locked, ReadWrite, SharedWords};
use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::Arc;
use strategies::{Answer, AnyTask, Combine, Error, Meter, Part, Partitions, Result, Shared, Task};

/// The entry of this task.
pub const ENTRY: Entry = Entry {
    name: "word_totals",
    about: "Adds up the occurrences of every word of a Google Books 1-gram file.",
    unit: "lines",
    sizes: &[200, 2_000, 10_000, 60_000, 200_000, 1_000_000],
    default_size: 60_000,
    load,
    options: options::for_record,
    sizing: Some(options::SIZING),
    hooks: options::HOOKS,
};

/// A kernel adds a piece of whole lines to the totals. Its error is the offset of the first malformed line.
pub(crate) type Work = fn(&[u8], &mut WordTotals) -> std::result::Result<(), usize>;

/// The task for one 1-gram file.
pub struct TotalsOf {
    input: Input,
    kernel: Kernel,
    work: Work,
    word: String,
}

impl TotalsOf {
    /// Opens the file that `options` name.
    ///
    /// # Errors
    /// When no file is named or the file cannot be opened.
    pub fn new(options: &Options) -> Result<Self> {
        let missing = "word_totals needs a 1-gram file: give one with --input FILE, or make one with `goldilocks data`";
        let path = options.file().cloned().ok_or_else(|| Error::task(missing))?;
        let work = match options.kernel {
            Kernel::Book => book::add as Work,
            Kernel::Bytes => bytes::add as Work,
            Kernel::Runs => options.vector.kernel().ok_or_else(|| {
                Error::task(format!("this processor has no {}; leave --vector out", options.vector.name()))
            })?,
        };
        let (kernel, word) = (options.kernel, options.word.clone());
        Ok(TotalsOf { input: Input::open(Kind::Grams, path, options.read)?, kernel, work, word })
    }
}

fn load(inputs: &Inputs) -> Result<Arc<dyn AnyTask>> {
    Ok(Arc::new(Arc::new(TotalsOf::new(&inputs.word_totals)?)))
}

impl TotalsOf {
    /// Records that a partition is not mapped again. The task can then release that part of a memory map while the page
    /// metadata are still in the cache. Otherwise the end of the process releases it, on one thread.
    pub fn mark_read(&self, range: (u64, u64)) {
        self.input.mark_read(range);
    }

    /// Computes all totals on this thread, from a file that is not read again.
    ///
    /// # Errors
    /// When the file cannot be read, or has a malformed line.
    pub fn once(&self) -> Result<WordTotals> {
        let mut totals = WordTotals::default();
        self.input.pieces((0, self.input.length()), |piece, at| {
            self.add_piece(piece, at, &mut totals)?;
            self.input.release(at, at + piece.len() as u64);
            Ok(())
        })?;
        Ok(totals)
    }

    fn add(&self, range: (u64, u64), into: &mut WordTotals) -> Result<()> {
        self.input.pieces(range, |piece, at| self.add_piece(piece, at, into))
    }

    fn add_piece(&self, piece: &[u8], at: u64, into: &mut WordTotals) -> Result<()> {
        (self.work)(piece, into).map_err(|from| self.malformed(at + from as u64, &piece[from..]))
    }
}

impl Task for TotalsOf {
    type Partition = Lines;
    type Partial = WordTotals;

    fn partitions(self: &Arc<Self>, size: NonZeroUsize) -> Result<Partitions<Self::Partition>> {
        Lines::partitions(self, |task| &task.input, size)
    }

    fn with_input(&self, lines: Lines) -> Result<Lines> {
        lines.read(&self.input)
    }

    fn map(&self, lines: Lines, into: &mut WordTotals) -> Result<()> {
        into.stretch(|into| match lines {
            Lines { range, bytes: None } => self.add(range, into),
            Lines { range: (at, _), bytes: Some(bytes) } => self.add_piece(&bytes, at, into),
        })
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

    fn shared(&self, kind: Combine) -> Result<Arc<dyn Shared<Self>>> {
        if self.kernel != Kernel::Bytes {
            let kernel = named::word(&self.kernel);
            return Err(Error::task(format!(
                "the kernel `{kernel}` cannot keep its totals in `{kind}`; pass --kernel bytes"
            )));
        }
        Ok(match kind {
            Combine::Mutex => Arc::new(Totals(Locked::new(1))),
            Combine::LockedShards => Arc::new(Totals(Locked::new(WordTotals::PARTS - 1))),
            Combine::RwLock => Arc::new(Totals(ReadWrite::default())),
            Combine::ConcurrentMap => Arc::new(Totals(Concurrent::default())),
            _ => return Err(named::no_state(ENTRY.name, kind, options::STATES)),
        })
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
        let of_word = total.total(self.word.as_bytes()).unwrap_or_default();
        let figures = named::figures([
            ("distinct words", total.len().to_string()),
            ("grand total", all.to_string()),
            (&self.word, of_word.to_string()),
        ]);
        Ok(Answer { digest: digest.finish(), figures })
    }

    /// Writes lines of `word TAB total`, sorted by the bytes of the word like `LC_ALL=C sort`.
    fn write(&self, total: &WordTotals, out: &mut dyn Write) -> std::io::Result<()> {
        for (word, count) in total.sorted() {
            out.write_all(word)?;
            writeln!(out, "\t{count}")?;
        }
        Ok(())
    }
}

/// Totals that every worker changes line by line.
struct Totals<W>(W);

impl<W: SharedWords> Shared<TotalsOf> for Totals<W> {
    fn map(&self, task: &TotalsOf, part: Part<TotalsOf>, meter: &mut Meter) -> Result<()> {
        task.input.pieces(part.partition.range, |piece, at| {
            self.0.add(piece, meter).map_err(|from| task.malformed(at + from as u64, &piece[from..]))
        })
    }

    fn add_to(&self, task: &TotalsOf, total: &mut WordTotals) -> Result<()> {
        self.0.add_to(total);
        if self.0.overflowed() { Err(task.overflow()?) } else { Ok(()) }
    }
}
