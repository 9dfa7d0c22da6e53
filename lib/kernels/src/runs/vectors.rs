//! What a vector path provides, and the limits that all of them share.

use super::field_index::{Begins, Proof};

/// How many bytes from the begin of a line or a count a path may read.
pub(super) const BEYOND: usize = 32;

/// The shortest field, with the byte that ends it.
pub(super) const SHORTEST: u16 = 2;

/// The longest word, year, count and volumes of a batch, each with the byte that ends it. Any 19 digits fit into a `u64`,
/// and a count must fit into eight bytes.
pub(super) const LONGEST: [u16; 4] = [32, 20, 9, 20];

/// Where the fields of a run's first line begin.
pub(super) type Begin = [u16; 4];

/// What a path does with its vectors. A value of such a type proves that the processor has them, and AVX2.
pub(super) trait Vectors: Copy {
    /// Eight counts, or sums of counts.
    type Counts: Copy;

    /// Continues the proof over the 64 bytes of the text from `at` on, and notes where fields begin.
    fn mark(self, bytes: &[u8; 64], at: usize, proof: Proof, begins: &mut Begins) -> Proof;

    /// Eight zeros.
    fn none(self) -> Self::Counts;

    /// The counts of eight lines, given where their fields begin. `None` if one of the lines has a field that is empty or
    /// too long.
    fn counts(self, text: &[u8], begins: &[u16; 33]) -> Option<Self::Counts>;

    /// Adds eight counts to eight sums.
    fn plus(self, sums: Self::Counts, counts: Self::Counts) -> Self::Counts;

    /// The sum of all eight.
    fn sum(self, counts: Self::Counts) -> u64;

    /// Writes, for each of eight lines that begins a run, where its fields begin and the sum of all counts before it.
    /// `which` has a bit for each such line. What follows the last of them may be anything.
    fn begun(
        self,
        begins: &[u16; 33],
        which: u8,
        before: u64,
        counts: Self::Counts,
        into: (&mut [Begin; 8], &mut [u64; 8]),
    );
}
