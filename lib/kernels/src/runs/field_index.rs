//! The index of fields: where the fields of a stretch of lines begin, and the proof that the lines are well formed. It takes
//! 64 bytes at a time, one bit a byte.
#![allow(unsafe_code)] // A read that the compiler may not move into a vector.

use core::arch::x86_64::_pdep_u64;

/// How many bytes are marked before their lines are read.
pub(super) const STRETCH: usize = 1024;

/// The begins of fewer than eight lines and an unfinished one, and of the line after them.
const LEFT: usize = 4 * 8 + 1;

/// The begins that are left of one stretch, all of the next even if each of its bytes ends a field, and 64 more for a store
/// of 64 at once.
const SPACE: usize = PLACES + 64;

/// More than any place among the begins: a power of two, so that a mask bounds a place without a branch.
const PLACES: usize = 2 * STRETCH;

/// Where fields begin, as places in a text of less than 64 KiB: a line's word, its year, its count, its volumes, then
/// the next line's word.
pub(super) struct Begins([u16; SPACE]);

/// The state of the proof between one 64 bytes and the next. It is separate from the begins, because it stays in registers.
#[derive(Clone, Copy)]
pub(super) struct Proof {
    /// The number of field ends.
    ends: usize,
    /// All bits that should be clear and were not.
    wrong: u64,
    /// 1 if the last byte was inside a line's numbers.
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
    /// Nothing is proven yet. The text begins with a line.
    pub(super) fn new() -> Self {
        Proof { ends: 0, wrong: 0, in_numbers: 0 }
    }

    /// Checks the format of the next 64 bytes, and returns where fields end.
    ///
    /// - Every fourth end is a line feed, and no other: distributing a pattern of every fourth bit over the ends (`pdep`)
    ///   must give the line feeds.
    /// - Numbers are digits: between a line's first tab and its line feed, every byte that is not a digit is an end. A
    ///   subtraction gives the bits between the two: line feeds minus first tabs, as 1000 - 10 = 990 has a nine in every
    ///   place from the second to the third.
    ///
    /// Empty fields are found by the code that takes the lengths of fields, where that costs nearly nothing.
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

    /// Whether all bytes so far can be well-formed lines.
    #[inline]
    pub(super) fn holds(self) -> bool {
        self.wrong == 0
    }

    /// The number of complete lines.
    #[inline]
    pub(super) fn lines(self) -> usize {
        self.ends / 4
    }

    /// Forgets the first lines.
    #[inline]
    pub(super) fn forget(&mut self, lines: usize) {
        self.ends -= 4 * lines;
    }
}

/// One of many places, read from memory. The compiler would otherwise extract it from the vector that a path has loaded: two
/// slow instructions instead of one load.
#[inline(always)]
pub(super) fn scalar(begin: &u16) -> usize {
    // SAFETY: a reference can be read.
    usize::from(unsafe { std::ptr::read_volatile(begin) })
}

impl Begins {
    pub(super) fn new() -> Self {
        Begins([0; SPACE])
    }

    /// Forgets all begins but that of the text, where the first line's word begins.
    #[inline]
    pub(super) fn restart(&mut self) {
        self.0[0] = 0;
    }

    /// Space for the begins after the next ends.
    #[inline]
    pub(super) fn next(&mut self, proof: Proof) -> &mut [u16; 64] {
        self.0[(proof.ends + 1) % PLACES..].first_chunk_mut().expect("there is space for 64 after all places")
    }

    /// Where a line's word, year, count and volumes begin.
    #[inline]
    pub(super) fn line(&self, line: usize) -> [usize; 4] {
        let begins: &[u16; 4] = self.0[4 * line..].first_chunk().expect("a line has four fields");
        begins.map(usize::from)
    }

    /// Where the fields of eight lines and the line after them begin.
    #[inline]
    pub(super) fn eight(&self, line: usize) -> &[u16; 33] {
        self.0[4 * line..].first_chunk().expect("there is space after the last line")
    }

    /// Forgets the first lines; fewer than eight are left.
    #[inline]
    pub(super) fn forget(&mut self, lines: usize) {
        let left: [u16; LEFT] = *self.0[4 * lines..].first_chunk().expect("there is space after the last line");
        self.0[..LEFT].copy_from_slice(&left);
    }
}
