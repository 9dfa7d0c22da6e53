//! What the vector paths share: windows, stretches, groups of eight lines, runs.

use super::marks::{Begins, Proof, STRETCH};
use super::portable;
use crate::words::WordTotals;

/// How many bytes from the begin of a line or a count on a path may read.
pub(super) const BEYOND: usize = 32;

/// A window: places in it fit into 16 bits.
const WINDOW: usize = 64 * 1024 - 64;

/// The shortest field, with the byte that ends it.
pub(super) const SHORTEST: u16 = 2;

/// The longest word and its tab, year, count and volumes, with the byte that ends each: what eight lines at a time can be.
/// 19 digits fit into a number whatever they are, and a count has to fit into eight bytes.
pub(super) const LONGEST: [u16; 4] = [32, 20, 9, 20];

/// What a path does with its vectors. A value of such a type is the proof that the processor has them.
pub(super) trait Vectors: Copy {
    /// A word and its tab, at most 32 bytes.
    type Word: Copy;
    /// Eight counts, or sums of such.
    type Counts: Copy;

    /// Goes on with the proof over the 64 bytes of the text that begin at `at`, and notes where fields begin.
    fn mark(self, bytes: &[u8; 64], at: usize, proof: Proof, begins: &mut Begins) -> Proof;

    /// The `length` bytes from `start` on, at most 32.
    fn word(self, text: &[u8], start: usize, length: usize) -> Self::Word;

    /// No counts yet.
    fn none(self) -> Self::Counts;

    /// The counts of eight lines, given by where their fields begin. `None` if one of the eight has a field that is empty
    /// or too long.
    fn counts(self, text: &[u8], begins: &[u16; 33]) -> Option<Self::Counts>;

    /// Whether eight lines have the word.
    fn all_have(self, text: &[u8], begins: &[u16; 33], word: Self::Word) -> bool;

    /// Which of eight lines have the word, a bit for each.
    fn which_have(self, text: &[u8], begins: &[u16; 33], word: Self::Word) -> u8;

    /// With those of eight counts added whose bits are set.
    fn plus(self, sums: Self::Counts, counts: Self::Counts, lines: u8) -> Self::Counts;

    /// All counts together.
    fn sum(self, sums: Self::Counts) -> u64;
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
    let limit = text.len().saturating_sub(BEYOND).min(WINDOW) / 64;
    let (mut proof, mut begins) = (Proof::new(), Begins::new());
    let mut at = 0;
    let mut runs = Runs { vectors, text, totals, run: None };
    // Where the lines that are not done begin.
    let mut begin = 0;
    let mut short = false;
    for stretch in text.as_chunks().0[..limit].chunks(STRETCH / 64) {
        for bytes in stretch {
            proof = vectors.mark(bytes, at, proof, &mut begins);
            at += 64;
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
    /// Whether a field of the next lines is empty or too long.
    odd: bool,
}

/// Neighbouring lines with the same word.
#[derive(Clone, Copy)]
struct Run<V: Vectors> {
    /// Where one of the lines begins.
    start: usize,
    /// How many letters the word has.
    letters: usize,
    word: V::Word,
    sums: V::Counts,
}

struct Runs<'a, V: Vectors> {
    vectors: V,
    text: &'a [u8],
    totals: &'a mut WordTotals,
    /// The last run, which may go on.
    run: Option<Run<V>>,
}

impl<V: Vectors> Runs<'_, V> {
    /// A run of the line's word, without a count yet.
    #[inline(always)]
    fn begin(&self, begins: &Begins, line: usize) -> Run<V> {
        let [start, year, ..] = begins.line(line);
        let word = self.vectors.word(self.text, start, year - start);
        Run { start, letters: year - start - 1, word, sums: self.vectors.none() }
    }

    #[inline(always)]
    fn end(&mut self) {
        if let Some(run) = self.run.take() {
            self.add(run, run.sums);
        }
    }

    #[inline(always)]
    fn add(&mut self, run: Run<V>, sums: V::Counts) {
        self.totals.add_run_at(&self.text[run.start..], run.letters, self.vectors.sum(sums));
    }

    /// Lines eight by eight, as far as there are eight.
    ///
    /// Where a run ends, the last of the eight lines most often has the word of all that are not of this run. So the next
    /// eight are looked at with its word, and nothing waits to hear where the run ended.
    #[inline(always)]
    fn eights(&mut self, begins: &Begins, lines: usize) -> Done {
        let mut done = Done { lines: 0, runs: 0, odd: false };
        if lines < 8 {
            return done;
        }
        let (vectors, text) = (self.vectors, self.text);
        let mut run = self.run.take().unwrap_or_else(|| self.begin(begins, 0));
        while done.lines + 8 <= lines {
            let eight = begins.eight(done.lines);
            let Some(counts) = vectors.counts(text, eight) else {
                done.odd = true;
                break;
            };
            if vectors.all_have(text, eight, run.word) {
                run.sums = vectors.plus(run.sums, counts, u8::MAX);
                done.lines += 8;
                continue;
            }
            let own = vectors.which_have(text, eight, run.word);
            let next = self.begin(begins, done.lines + 7);
            done.runs += 1;
            if vectors.which_have(text, eight, next.word) == !own {
                self.add(run, vectors.plus(run.sums, counts, own));
                run = Run { sums: vectors.plus(next.sums, counts, !own), ..next };
                done.lines += 8;
            } else {
                let same = own.trailing_ones();
                self.add(run, vectors.plus(run.sums, counts, ((1u32 << same) - 1) as u8));
                done.lines += same as usize;
                run = self.begin(begins, done.lines);
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
            let [_, years, counts, volume_counts] = LONGEST.map(|longest| usize::from(SHORTEST)..=usize::from(longest));
            let plain = year - start >= usize::from(SHORTEST)
                && years.contains(&(count - year))
                && counts.contains(&(volumes - count))
                && volume_counts.contains(&(next - volumes));
            if !plain {
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
