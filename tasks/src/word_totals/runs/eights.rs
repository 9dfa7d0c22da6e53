//! What the vector paths share: windows, stretches, groups of eight lines, runs.

use super::marks::{Begins, Proof, STRETCH};
use super::portable;
use crate::words::WordTotals;

/// How many bytes from the begin of a line or a count on a path may read.
pub(super) const BEYOND: usize = 32;

/// A window: places in it fit into 16 bits.
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

    /// Goes on with the proof over the 64 bytes of `text` from `at` on, and notes where fields begin.
    fn mark(self, text: &[u8], at: usize, proof: Proof, begins: &mut Begins) -> Proof;

    /// The `length` bytes from `start` on, at most 32.
    fn word(self, text: &[u8], start: usize, length: usize) -> Self::Word;

    /// No counts yet.
    fn no_sums(self) -> Self::Sums;

    /// Of eight lines, given by where their fields begin, how many at their head have the word; adds the counts of these.
    /// `None` if one of the eight has a field that is too long.
    fn eight(self, text: &[u8], begins: &[u16; 33], word: Self::Word, sums: &mut Self::Sums) -> Option<usize>;

    /// All counts together.
    fn sum(self, sums: Self::Sums) -> u64;
}

/// Adds the lines of `piece` to `totals`, eight at a time. What is left over, or odd, is done line by line.
///
/// # Errors
/// Where the first malformed line begins.
#[inline(always)]
pub(super) fn add<V: Vectors>(vectors: V, piece: &[u8], totals: &mut WordTotals) -> Result<(), usize> {
    let (mut begin, mut by_line) = (0, 8);
    while begin < piece.len() {
        let done = window(vectors, &piece[begin..], totals);
        begin += done;
        if done > 0 {
            by_line = 8;
        } else {
            begin = portable::lines(piece, begin, by_line, totals)?;
            // Where all lines are odd, windows are not opened in vain for every eight of them.
            by_line = (2 * by_line).min(1024);
        }
    }
    Ok(())
}

/// Adds lines from the begin of `text` on, and says how many bytes they are: none when the first lines are odd or wrong,
/// or when there are too few.
#[inline(always)]
fn window<V: Vectors>(vectors: V, text: &[u8], totals: &mut WordTotals) -> usize {
    let limit = text.len().saturating_sub(BEYOND).min(WINDOW) / 64 * 64;
    let (mut proof, mut begins) = (Proof::new(), Begins::new());
    let mut marked = 0;
    let mut runs = Runs { vectors, text, totals, run: None };
    // Where the lines that are not done begin.
    let mut begin = 0;
    let mut short = false;
    while marked < limit {
        let until = (marked + STRETCH).min(limit);
        while marked < until {
            proof = vectors.mark(text, marked, proof, &mut begins);
            marked += 64;
        }
        if !proof.holds() {
            break;
        }
        let lines = proof.lines();
        let done = if short { runs.ones(&begins, lines) } else { runs.eights(&begins, lines) };
        begin = begins.line(done.lines)[0];
        if done.odd {
            break;
        }
        short = done.runs * SHORT > done.lines;
        proof.forget(done.lines);
        begins.forget(done.lines);
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
    fn begin(&self, begins: &Begins, line: usize) -> Run<V> {
        let [start, year, ..] = begins.line(line);
        let word = self.vectors.word(self.text, start, year - start);
        Run { start, end: year - 1, word, sums: self.vectors.no_sums() }
    }

    #[inline(always)]
    fn end(&mut self) {
        if let Some(run) = self.run.take() {
            self.totals.add_run(&self.text[run.start..run.end], self.vectors.sum(run.sums));
        }
    }

    /// Lines eight by eight, as far as there are eight.
    #[inline(always)]
    fn eights(&mut self, begins: &Begins, lines: usize) -> Done {
        let mut done = Done { lines: 0, runs: 0, odd: false };
        if lines < 8 {
            return done;
        }
        let mut run = self.run.take().unwrap_or_else(|| self.begin(begins, 0));
        while done.lines + 8 <= lines {
            match self.vectors.eight(self.text, begins.eight(done.lines), run.word, &mut run.sums) {
                Some(8) => done.lines += 8,
                Some(same) => {
                    done.lines += same;
                    done.runs += 1;
                    self.totals.add_run(&self.text[run.start..run.end], self.vectors.sum(run.sums));
                    run = self.begin(begins, done.lines);
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
    fn ones(&mut self, begins: &Begins, lines: usize) -> Done {
        self.end();
        let mut done = Done { lines: 0, runs: 0, odd: false };
        let mut run: (&[u8], u64) = (&[], 0);
        while done.lines < lines {
            let [start, year, count, volumes] = begins.line(done.lines);
            let [next, ..] = begins.line(done.lines + 1);
            let [_, years, counts, volume_counts] = LONGEST.map(usize::from);
            if count - year > years || volumes - count > counts || next - volumes > volume_counts {
                done.odd = true;
                break;
            }
            let digits = self.text[count..].first_chunk().expect("a path may read behind the begin of a count");
            let value = portable::number(u64::from_le_bytes(*digits), volumes - count - 1);
            let word = &self.text[start..year - 1];
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
