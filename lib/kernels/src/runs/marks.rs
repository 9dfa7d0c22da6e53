//! Where the fields of a stretch of lines begin, and the proof that the lines are well formed: 64 bytes at a time, one
//! bit a byte.
#![allow(unsafe_code)] // A read that the compiler may not move into a vector.

use core::arch::x86_64::_pdep_u64;

/// How many bytes are marked before their lines are looked at.
pub(super) const STRETCH: usize = 1024;

/// What fewer than eight lines and an unfinished one have, and where the line after them begins.
const LEFT: usize = 4 * 8 + 1;

/// Room for what is left of one stretch and all of the next, should every byte of it end a field, and for storing 64
/// at once.
const ROOM: usize = PLACES + 64;

/// More than any place among the begins: a power of two, so that a place is within it without a question.
const PLACES: usize = 2 * STRETCH;

/// Where fields begin, as places in a text of less than 64 KiB: a line's word, its year, its count, its volumes, then
/// the next line's word.
pub(super) struct Begins([u16; ROOM]);

/// How far the format was proven, between one 64 bytes and the next. Apart from the begins, for this stays in registers.
#[derive(Clone, Copy)]
pub(super) struct Proof {
    /// How many ends of fields there are.
    ends: usize,
    /// All bits that had to be clear and were not.
    wrong: u64,
    /// 1 if the last byte was within a line's numbers.
    in_numbers: u64,
}

/// One bit for each of 64 bytes.
pub(super) struct Masks {
    pub(super) tabs: u64,
    pub(super) feeds: u64,
    /// Whatever is no digit, tabs and line feeds too.
    pub(super) no_digits: u64,
}

impl Proof {
    /// Nothing is proven yet; the text begins with a line.
    pub(super) fn new() -> Self {
        Proof { ends: 0, wrong: 0, in_numbers: 0 }
    }

    /// Holds the next 64 bytes against the format, and says where fields end.
    ///
    /// Two proofs. Every fourth end is a line feed and no other: dealing a pattern of every fourth bit out to the ends
    /// (`pdep`) must give the line feeds. Numbers are digits: between a line's first tab and its line feed, what is no
    /// digit is an end. The bits between the two come from a subtraction, line feeds minus first tabs, as 1000 - 10 = 990
    /// has a nine in every place from the second to the third.
    ///
    /// That no field is empty is left to whoever takes their lengths, for there it costs next to nothing.
    #[inline]
    #[target_feature(enable = "bmi2,popcnt")]
    pub(super) fn go_on(self, masks: &Masks) -> (Self, u64) {
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

    /// Whether everything can be lines so far.
    #[inline]
    pub(super) fn holds(self) -> bool {
        self.wrong == 0
    }

    /// How many lines are complete.
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

/// One place out of many, read from memory. The compiler would rather take it out of the vector that a path has loaded
/// anyway: two slow instructions where a load is one.
#[inline(always)]
pub(super) fn scalar(begin: &u16) -> usize {
    // SAFETY: what is referred to can be read.
    usize::from(unsafe { std::ptr::read_volatile(begin) })
}

impl Begins {
    pub(super) fn new() -> Self {
        Begins([0; ROOM])
    }

    /// Forgets all but the begin of a text, which is where its first line's word begins.
    #[inline]
    pub(super) fn restart(&mut self) {
        self.0[0] = 0;
    }

    /// Room for the begins behind the next ends.
    #[inline]
    pub(super) fn next(&mut self, proof: Proof) -> &mut [u16; 64] {
        self.0[(proof.ends + 1) % PLACES..].first_chunk_mut().expect("there is room for 64 behind all places")
    }

    /// Where a line's word, year, count and volumes begin.
    #[inline]
    pub(super) fn line(&self, line: usize) -> [usize; 4] {
        let begins: &[u16; 4] = self.0[4 * line..].first_chunk().expect("a line has four fields");
        begins.map(usize::from)
    }

    /// Where the fields of eight lines begin, and the line after them.
    #[inline]
    pub(super) fn eight(&self, line: usize) -> &[u16; 33] {
        self.0[4 * line..].first_chunk().expect("there is room behind the last line")
    }

    /// Forgets the first lines; fewer than eight are left.
    #[inline]
    pub(super) fn forget(&mut self, lines: usize) {
        let left: [u16; LEFT] = *self.0[4 * lines..].first_chunk().expect("there is room behind the last line");
        self.0[..LEFT].copy_from_slice(&left);
    }
}
