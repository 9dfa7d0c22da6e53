//! The interface of a vector path, and the limits that all vector paths share.

use super::field_index::{Begins, Proof};

/// The number of bytes that a path may read from the start of a line or a count.
pub(super) const BEYOND: usize = 32;

/// The length of the shortest field, with the byte that ends it.
pub(super) const SHORTEST: u16 = 2;

/// The greatest lengths of word, year, count and volumes in a batch, each with the byte that ends it. Any 19 digits fit
/// into a `u64`. The digits of a count must fit into eight bytes.
pub(super) const LONGEST: [u16; 4] = [32, 20, 9, 20];

/// The offsets of the fields of the first line of a run.
pub(super) type Begin = [u16; 4];

/// The vector operations of a path. A value of such a type proves that the processor has these instructions and AVX2.
pub(super) trait Vectors: Copy {
    /// Eight counts, or sums of counts.
    type Counts: Copy;

    /// Continues the proof over the 64 bytes of the text from `at` on, and adds the offsets of their fields to
    /// `begins`.
    fn mark(self, bytes: &[u8; 64], at: usize, proof: Proof, begins: &mut Begins) -> Proof;

    /// Eight zeros.
    fn none(self) -> Self::Counts;

    /// Parses the counts of eight lines, given the offsets of their fields. `None` if a field of these lines is empty
    /// or too long.
    fn counts(self, text: &[u8], begins: &[u16; 33]) -> Option<Self::Counts>;

    /// Adds eight counts to eight sums.
    fn plus(self, sums: Self::Counts, counts: Self::Counts) -> Self::Counts;

    /// Returns the sum of eight counts.
    fn sum(self, counts: Self::Counts) -> u64;

    /// Writes the field offsets of each line that begins a run, and the sum of all counts before that line. `which` has
    /// a bit for each such line among eight. The entries after the last written one are undefined.
    fn begun(
        self,
        begins: &[u16; 33],
        which: u8,
        before: u64,
        counts: Self::Counts,
        into: (&mut [Begin; 8], &mut [u64; 8]),
    );
}
