//! What the vector paths share: windows, stretches, groups of eight lines, runs.

use super::marks::{Marks, STRETCH};
use super::portable;
use crate::words::WordTotals;

/// How far beyond the start of a line, and beyond the begin of a count, a path may read.
pub(super) const BEYOND: usize = 32;

/// Ends are kept as 16 bits, and the line after the last of them must begin at such a place too.
const WINDOW: usize = 64 * 1024 - 64;

/// The longest word and its tab, year, count and volumes, with the byte that ends each: what eight lines at a time can be.
/// 19 digits fit into a number whatever they are, and a count has to fit into eight bytes.
pub(super) const LONGEST: [u16; 4] = [32, 20, 9, 20];

/// What a path does with its vectors. A value of such a type is the proof that the processor has them.
pub(super) trait Vectors: Copy {
    /// A word and its tab, at most 32 bytes.
    type Word: Copy;
    /// Counts added up in several places.
    type Sums: Copy;

    /// Marks the 64 bytes of `text` from `at` on.
    fn mark(self, text: &[u8], at: usize, marks: &mut Marks);

    /// The first `length` bytes from `start` on, and the tab behind them.
    fn word(self, text: &[u8], start: usize, length: usize) -> Self::Word;

    /// No counts yet.
    fn no_sums(self) -> Self::Sums;

    /// Of eight lines, whose ends are given, how many at their begin have the word; adds the counts of these. `None` if
    /// one of the eight has a field that is too long.
    fn eight(self, text: &[u8], ends: &[u16; 33], word: Self::Word, sums: &mut Self::Sums) -> Option<usize>;

    /// All counts together.
    fn sum(self, sums: Self::Sums) -> u64;
}

/// Adds the lines of `piece` to `totals`, eight at a time. What is left over, or odd, is done line by line.
///
/// # Errors
/// Where the first malformed line begins.
#[inline(always)]
pub(super) fn add<V: Vectors>(vectors: V, piece: &[u8], totals: &mut WordTotals) -> Result<(), usize> {
    let mut begin = 0;
    while begin < piece.len() {
        let done = window(vectors, &piece[begin..], totals);
        begin += done;
        if done == 0 {
            begin = portable::lines(piece, begin, 8, totals)?;
        }
    }
    Ok(())
}

/// Adds lines from the begin of `text` on, and says how many bytes they are: none when the first lines are odd or wrong,
/// or when there are too few.
#[inline(always)]
fn window<V: Vectors>(vectors: V, text: &[u8], totals: &mut WordTotals) -> usize {
    let limit = text.len().saturating_sub(BEYOND).min(WINDOW) / 64 * 64;
    let mut marks = Marks::new();
    let mut marked = 0;
    let mut runs = Runs { vectors, text, totals, run: None };
    // Where the lines that are not done begin.
    let mut begin = 0;
    let mut short = false;
    while marked < limit {
        let until = (marked + STRETCH).min(limit);
        while marked < until {
            vectors.mark(text, marked, &mut marks);
            marked += 64;
        }
        if !marks.right() {
            break;
        }
        let done = if short { runs.ones(&marks) } else { runs.eights(&marks) };
        begin = marks.start(done.lines);
        if done.odd {
            break;
        }
        short = done.runs * SHORT > done.lines;
        marks.forget(done.lines);
    }
    runs.end();
    begin
}

/// When runs have on average fewer lines than this, lines are done one by one.
const SHORT: usize = 3;

/// How far a stretch's lines were worked through.
struct Done {
    lines: usize,
    /// How many runs began.
    runs: usize,
    /// Whether a field of the next lines is too long.
    odd: bool,
}

/// Neighbouring lines with the same word.
struct Run<V: Vectors> {
    start: usize,
    end: usize,
    word: V::Word,
    sums: V::Sums,
}

struct Runs<'a, V: Vectors> {
    vectors: V,
    text: &'a [u8],
    totals: &'a mut WordTotals,
    /// The last run, which may go on.
    run: Option<Run<V>>,
}

impl<V: Vectors> Runs<'_, V> {
    #[inline(always)]
    fn begin(&self, marks: &Marks, line: usize) -> Run<V> {
        let (start, end) = (marks.start(line), marks.ends(line)[0]);
        Run { start, end, word: self.vectors.word(self.text, start, end - start), sums: self.vectors.no_sums() }
    }

    #[inline(always)]
    fn end(&mut self) {
        if let Some(run) = self.run.take() {
            self.totals.add_run(&self.text[run.start..run.end], self.vectors.sum(run.sums));
        }
    }

    #[inline(always)]
    fn eights(&mut self, marks: &Marks) -> Done {
        let lines = marks.lines();
        let mut done = Done { lines: 0, runs: 0, odd: false };
        if lines < 8 {
            return done;
        }
        let mut run = self.run.take().unwrap_or_else(|| self.begin(marks, 0));
        while done.lines + 8 <= lines {
            match self.vectors.eight(self.text, marks.eight(done.lines), run.word, &mut run.sums) {
                Some(8) => done.lines += 8,
                Some(same) => {
                    done.lines += same;
                    done.runs += 1;
                    self.totals.add_run(&self.text[run.start..run.end], self.vectors.sum(run.sums));
                    run = self.begin(marks, done.lines);
                }
                None => {
                    done.odd = true;
                    break;
                }
            }
        }
        self.run = Some(run);
        done
    }

    /// Lines one by one: where hardly two neighbours are alike, comparing eight is in vain seven times of eight.
    #[inline(always)]
    fn ones(&mut self, marks: &Marks) -> Done {
        self.end();
        let mut done = Done { lines: 0, runs: 0, odd: false };
        let mut run: (&[u8], u64) = (&[], 0);
        while done.lines < marks.lines() / 8 * 8 {
            let start = marks.start(done.lines);
            let [word, year, count, volumes] = marks.ends(done.lines);
            let [_, years, counts, volume_counts] = LONGEST.map(usize::from);
            if year - word > years || count - year > counts || volumes - count > volume_counts {
                done.odd = true;
                break;
            }
            let digits = self.text[year + 1..].first_chunk().expect("a path may read beyond a line");
            let value = portable::number(u64::from_le_bytes(*digits), count - year - 1);
            let word = &self.text[start..word];
            if word == run.0 {
                run.1 += value;
            } else {
                if done.lines > 0 {
                    self.totals.add_run(run.0, run.1);
                }
                run = (word, value);
                done.runs += 1;
            }
            done.lines += 1;
        }
        if done.lines > 0 {
            self.totals.add_run(run.0, run.1);
        }
        done
    }
}
