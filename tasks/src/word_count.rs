//! The task `word_count`, which is the first MapReduce of the book, on any text: how often each word occurs.

mod options;

use crate::digest::Digest;
use crate::lines::{Input, Lines, Read};
use crate::{Entry, Inputs, named};
use datasets::input::Kind;
use kernels::words::{Run, WordTotals};
pub use options::{Options, Split};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::Arc;
use strategies::{Answer, AnyTask, Error, Partitions, Result, Task};

/// The entry of this task.
pub const ENTRY: Entry = Entry {
    name: "word_count",
    about: "Counts how often each word occurs in a text: the first MapReduce of the book.",
    unit: "lines",
    sizes: &[1, 100, 1_000, 10_000, 100_000],
    default_size: 10_000,
    load,
    options: options::for_record,
    sizing: None,
    hooks: options::HOOKS,
};

/// The task for one text.
pub struct WordCount {
    input: Input,
    split: Split,
}

/// The words of some lines.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Counts {
    words: WordTotals,
    lines: u64,
    /// The lines that are not UTF-8.
    unreadable: u64,
}

impl WordCount {
    /// Opens the text that `options` name.
    ///
    /// # Errors
    /// When no text is named or it cannot be opened.
    pub fn new(options: &Options) -> Result<Self> {
        let path = options.file().cloned();
        let path = path.ok_or_else(|| Error::task("word_count needs a text: name a file with --text FILE"))?;
        let input = Input::open(Kind::Text, path, Read::Pread)?;
        let input = match options.length {
            Some(length) => input.up_to(length)?,
            None => input,
        };
        Ok(WordCount { input, split: options.split })
    }

    fn count(&self, range: (u64, u64), into: &mut Counts) -> Result<()> {
        self.input.pieces(range, |piece, _| {
            self.count_piece(piece, into);
            Ok(())
        })
    }

    fn count_piece(&self, piece: &[u8], into: &mut Counts) {
        piece.split_inclusive(|byte| *byte == b'\n').for_each(|line| self.count_line(line, into));
    }

    /// Counts the words of a line. A byte that is not UTF-8 becomes the replacement character.
    fn count_line(&self, line: &[u8], into: &mut Counts) {
        let bare = line.strip_suffix(b"\r\n").or_else(|| line.strip_suffix(b"\n"));
        let line = String::from_utf8_lossy(bare.unwrap_or(line));
        into.lines += 1;
        into.unreadable += u64::from(matches!(line, Cow::Owned(_)));
        self.split.words(&line, |word| into.words.add(Run::of(word.as_bytes(), 1)));
    }
}

fn load(inputs: &Inputs) -> Result<Arc<dyn AnyTask>> {
    Ok(Arc::new(Arc::new(WordCount::new(&inputs.word_count)?)))
}

impl Task for WordCount {
    type Partition = Lines;
    type Partial = Counts;

    fn partitions(self: &Arc<Self>, size: NonZeroUsize) -> Result<Partitions<Self::Partition>> {
        Lines::partitions(self, |task| &task.input, size)
    }

    fn with_input(&self, lines: Lines) -> Result<Lines> {
        lines.read(&self.input)
    }

    fn map(&self, lines: Lines, into: &mut Counts) -> Result<()> {
        match lines.bytes {
            None => self.count(lines.range, into)?,
            Some(bytes) => self.count_piece(&bytes, into),
        }
        Ok(())
    }

    fn reduce(into: &mut Counts, other: Counts) {
        into.words.absorb(other.words);
        into.lines += other.lines;
        into.unreadable += other.unreadable;
    }

    const SHARDS: usize = WordTotals::PARTS;

    fn split(partial: Counts) -> Vec<Counts> {
        let Counts { words, lines, unreadable } = partial;
        let parts = words.into_parts().into_iter().map(|words| Counts { words, ..Counts::default() });
        let mut parts: Vec<Counts> = parts.collect();
        parts.iter_mut().take(1).for_each(|part| (part.lines, part.unreadable) = (lines, unreadable));
        parts
    }

    fn is_large(partial: &Counts) -> bool {
        partial.words.are_large()
    }

    fn baseline(&self) -> Result<Counts> {
        let mut counts = Counts::default();
        self.count((0, self.input.length()), &mut counts)?;
        Ok(counts)
    }

    fn answer(&self, total: &Counts) -> Result<Answer> {
        let mut digest = Digest::default();
        let mut most: Option<(u64, &[u8])> = None;
        for (word, count) in total.words.iter() {
            digest.add(&[word, &count.to_le_bytes()].concat());
            // Of words that occur as often, the first by its bytes.
            if most.is_none_or(|(highest, first)| count > highest || (count == highest && word < first)) {
                most = Some((count, word));
            }
        }
        digest.add(&total.lines.to_le_bytes());
        let most = most.map_or_else(|| "none".to_owned(), |(count, word)| format!("{} ({count})", shown(word)));
        let mut figures = named::figures([
            ("lines", total.lines.to_string()),
            ("words", total.words.occurrences().to_string()),
            ("distinct words", total.words.len().to_string()),
            ("most frequent word", most),
        ]);
        if total.unreadable > 0 {
            figures.push(("lines that are not UTF-8".to_owned(), total.unreadable.to_string()));
        }
        Ok(Answer { digest: digest.finish(), figures })
    }

    /// Writes lines of `word TAB count`, sorted by the bytes of the word like `LC_ALL=C sort`. Only the last TAB separates,
    /// because a word that blanks separate may contain others.
    fn write(&self, total: &Counts, out: &mut dyn Write) -> std::io::Result<()> {
        for (word, count) in total.words.sorted() {
            out.write_all(word)?;
            writeln!(out, "\t{count}")?;
        }
        Ok(())
    }
}

/// Shows a word in quotes, shortened and without control characters.
fn shown(word: &[u8]) -> String {
    format!("`{}`", kernels::line::shown(word))
}
