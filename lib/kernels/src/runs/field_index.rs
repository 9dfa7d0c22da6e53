//! The field index: the offsets of all fields in a stretch of lines, and the proof that the lines are well formed. The
//! code processes 64 bytes at a time, with one bit per byte.
#![allow(unsafe_code)] // A read that the compiler may not move into a vector.

use core::arch::x86_64::_pdep_u64;

/// The number of bytes that are indexed before their lines are processed.
pub(super) const STRETCH: usize = 1024;

/// The most entries that remain after a batch: those of fewer than eight lines, one of them unfinished, and the line
/// after them.
const LEFT: usize = 4 * 8 + 1;

/// The space for all entries. It holds the rest of one stretch and all of the next, even if each byte ends a field. A
/// store of 64 entries at once needs 64 more.
const SPACE: usize = PLACES + 64;

/// An upper bound of all entry numbers. It is a power of two, so that a mask replaces a bounds check.
const PLACES: usize = 2 * STRETCH;

/// The offsets of fields in a text of less than 64 KiB. The order is word, year, count and volumes of a line, then the
/// word of the next line.
pub(super) struct Begins([u16; SPACE]);

/// The state of the proof between two blocks of 64 bytes. It is separate from `Begins`, so that it stays in registers.
#[derive(Clone, Copy)]
pub(super) struct Proof {
    /// The number of field ends.
    ends: usize,
    /// All bits that should be zero and were one.
    wrong: u64,
    /// 1 if the last byte was inside the numbers of a line.
    in_numbers: u64,
}

/// One bit for each of 64 bytes.
pub(super) struct Masks {
    pub(super) tabs: u64,
    pub(super) feeds: u64,
    /// All bytes that are not digits, including tabs and line feeds.
    pub(super) no_digits: u64,
}

impl Proof {
    /// Starts a proof for a text that begins with a line.
    pub(super) fn new() -> Self {
        Proof { ends: 0, wrong: 0, in_numbers: 0 }
    }

    /// Checks the format of the next 64 bytes. Returns one bit for each field end.
    ///
    /// - Every fourth end is a line feed, and no other end is. `pdep` distributes a pattern of every fourth bit over
    ///   the ends. The result must be the line feeds.
    /// - Numbers consist of digits: between the first tab of a line and its line feed, every byte that is not a digit
    ///   is an end. Line feeds minus first tabs gives the bits between them. In decimal: 1000 - 10 = 990, with a nine
    ///   in the second and the third place.
    ///
    /// This function does not detect empty fields. The code that computes field lengths does so at almost no cost.
    #[inline]
    #[target_feature(enable = "bmi2,popcnt")]
    pub(super) fn check(self, masks: &Masks) -> (Self, u64) {
        let Masks { tabs, feeds, no_digits } = masks;
        let ends = tabs | feeds;
        let fourth = 0x8888_8888_8888_8888 >> (self.ends % 4);
        let first_tabs = _pdep_u64(u64::rotate_left(fourth, 1), ends);
        let numbers = feeds.wrapping_sub(first_tabs).wrapping_sub(self.in_numbers);
        let wrong = (_pdep_u64(fourth, ends) ^ feeds) | ((no_digits ^ ends) & numbers);
        let proof = Proof {
            ends: self.ends + ends.count_ones() as usize,
            wrong: self.wrong | wrong,
            in_numbers: numbers >> 63,
        };
        (proof, ends)
    }

    /// Returns `true` if all bytes so far can be well-formed lines.
    #[inline]
    pub(super) fn holds(self) -> bool {
        self.wrong == 0
    }

    /// The number of complete lines.
    #[inline]
    pub(super) fn lines(self) -> usize {
        self.ends / 4
    }

    /// Removes the first lines.
    #[inline]
    pub(super) fn forget(&mut self, lines: usize) {
        self.ends -= 4 * lines;
    }
}

/// Reads one offset from memory. Otherwise the compiler extracts the offset from a loaded vector, which takes two slow
/// instructions instead of one load.
#[inline(always)]
pub(super) fn scalar(begin: &u16) -> usize {
    // SAFETY: a reference is valid for reads.
    usize::from(unsafe { std::ptr::read_volatile(begin) })
}

impl Begins {
    pub(super) fn new() -> Self {
        Begins([0; SPACE])
    }

    /// Removes all entries except the first: the start of the text, where the first word begins.
    #[inline]
    pub(super) fn restart(&mut self) {
        self.0[0] = 0;
    }

    /// Returns the space for the next entries.
    #[inline]
    pub(super) fn next(&mut self, proof: Proof) -> &mut [u16; 64] {
        self.0[(proof.ends + 1) % PLACES..].first_chunk_mut().expect("there is space for 64 after all places")
    }

    /// Returns the offsets of the word, year, count and volumes of a line.
    #[inline]
    pub(super) fn line(&self, line: usize) -> [usize; 4] {
        let begins: &[u16; 4] = self.0[4 * line..].first_chunk().expect("a line has four fields");
        begins.map(usize::from)
    }

    /// Returns the offsets of all fields of eight lines, and the offset of the line after them.
    #[inline]
    pub(super) fn eight(&self, line: usize) -> &[u16; 33] {
        self.0[4 * line..].first_chunk().expect("there is space after the last line")
    }

    /// Removes the first lines. Fewer than eight lines must remain.
    #[inline]
    pub(super) fn forget(&mut self, lines: usize) {
        let left: [u16; LEFT] = *self.0[4 * lines..].first_chunk().expect("there is space after the last line");
        self.0[..LEFT].copy_from_slice(&left);
    }
}
