//! Where the fields of a stretch of lines end, and the proof that the lines are well formed: 64 bytes at a time, one bit
//! a byte.

use core::arch::x86_64::_pdep_u64;

/// How many bytes are marked before their lines are looked at.
pub(super) const STRETCH: usize = 1024;

/// Lines that are not yet done when the next stretch is marked: fewer than eight, and an unfinished one.
const LEFT: usize = 4 * 8 + 4;

/// Room for four ends a line, for a byte of 64 that all are ends, and for storing 32 at once.
const ROOM: usize = LEFT + STRETCH + 64;

/// The ends of fields, as places in a text of less than 64 KiB.
pub(super) struct Marks {
    /// From the fourth on, four a line: the tab after the word, after the year, after the count, and the line feed. So
    /// the one before a line's first is where the line before it ends.
    ends: [u16; ROOM],
    /// How many are known.
    count: usize,
    /// All bits that had to be clear and were not.
    wrong: u64,
    /// 1 if the last byte marked was an end.
    after_end: u64,
    /// 1 if the last byte marked was within a line's numbers.
    in_numbers: u64,
}

/// One bit for each of 64 bytes.
pub(super) struct Masks {
    pub(super) tabs: u64,
    pub(super) feeds: u64,
    /// Whatever is no digit, tabs and line feeds too.
    pub(super) no_digits: u64,
}

impl Marks {
    /// The text begins with a line.
    pub(super) fn new() -> Self {
        Marks { ends: [u16::MAX; ROOM], count: 0, wrong: 0, after_end: 1, in_numbers: 0 }
    }

    /// Holds the next 64 bytes against the format, and says where fields end.
    ///
    /// Three proofs. Every fourth end is a line feed and no other: dealing a pattern of every fourth bit out to the ends
    /// (`pdep`) must give the line feeds. No field is empty: no end follows an end. Numbers are digits: between a line's
    /// first tab and its line feed, what is no digit is an end. The bits between the two are a subtraction, like 1000 -
    /// 1 = 999: line feeds minus first tabs.
    #[inline]
    #[target_feature(enable = "bmi2,popcnt")]
    pub(super) fn check(&mut self, masks: &Masks) -> u64 {
        let Masks { tabs, feeds, no_digits } = masks;
        let ends = tabs | feeds;
        let fourth = 0x8888_8888_8888_8888 >> (self.count % 4);
        let first_tabs = _pdep_u64(u64::rotate_left(fourth, 1), ends);
        let numbers = feeds.wrapping_sub(first_tabs).wrapping_sub(self.in_numbers);
        self.wrong |= _pdep_u64(fourth, ends) ^ feeds;
        self.wrong |= ends & (ends << 1 | self.after_end);
        self.wrong |= (no_digits ^ ends) & numbers;
        self.after_end = ends >> 63;
        self.in_numbers = numbers >> 63;
        ends
    }

    /// Room for the next ends. At most 32 of 64 bytes can be, unless two are neighbours, which is wrong anyway.
    #[inline]
    pub(super) fn next(&mut self) -> &mut [u16; 32] {
        let from = 4 + self.count;
        self.ends[from..].first_chunk_mut().expect("there is room behind a stretch of nothing but ends")
    }

    /// Takes over what was written to the room for the next ends.
    #[inline]
    #[target_feature(enable = "popcnt")]
    pub(super) fn written(&mut self, ends: u64) {
        self.count += ends.count_ones() as usize;
    }

    /// Whether all that was marked can be lines.
    #[inline]
    pub(super) fn right(&self) -> bool {
        self.wrong == 0
    }

    /// How many lines are complete.
    #[inline]
    pub(super) fn lines(&self) -> usize {
        self.count / 4
    }

    /// Where a line begins.
    #[inline]
    pub(super) fn start(&self, line: usize) -> usize {
        usize::from(self.ends[4 * line + 3].wrapping_add(1))
    }

    /// Where a line's word, year, count and volumes end.
    #[inline]
    pub(super) fn ends(&self, line: usize) -> [usize; 4] {
        let ends: &[u16; 4] = self.ends[4 * line + 4..].first_chunk().expect("a line has four ends");
        ends.map(usize::from)
    }

    /// The end before that of a line's word, and the following 32, the ends of eight lines.
    #[inline]
    pub(super) fn eight(&self, line: usize) -> &[u16; 33] {
        self.ends[4 * line + 3..].first_chunk().expect("there is room behind the last line")
    }

    /// Forgets the lines before `line`; fewer than eight are left.
    #[inline]
    pub(super) fn forget(&mut self, line: usize) {
        let left: [u16; LEFT] = *self.ends[4 * line + 3..].first_chunk().expect("there is room behind the last line");
        self.ends[3..3 + LEFT].copy_from_slice(&left);
        self.count -= 4 * line;
    }
}
