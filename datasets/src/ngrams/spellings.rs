//! A buffer for many spellings.

use std::cmp::Ordering;

/// Spellings, one after another.
#[derive(Default)]
pub(super) struct Spellings(Vec<u8>);

/// A reference to one spelling in [`Spellings`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Spelled {
    /// Returns the first eight bytes as a number, padded with zeros. Most comparisons need no more.
    prefix: u64,
    /// The start times 256, plus the length. One number, so that sorting moves fewer bytes.
    place: u64,
}

impl Spelled {
    fn start(self) -> usize {
        (self.place >> 8) as usize
    }

    /// Returns the length in bytes.
    pub(super) fn length(self) -> usize {
        (self.place & 0xff) as usize
    }
}

impl Spellings {
    /// Adds the spelling that `spell` appends.
    pub(super) fn add(&mut self, spell: impl FnOnce(&mut Vec<u8>)) -> Spelled {
        let start = self.0.len();
        spell(&mut self.0);
        let spelling = &self.0[start..];
        let length = u8::try_from(spelling.len()).expect("a lemma and a tag are shorter than 256 bytes");
        Spelled { prefix: prefix(spelling), place: (start as u64) << 8 | u64::from(length) }
    }

    pub(super) fn of(&self, spelled: Spelled) -> &[u8] {
        &self.0[spelled.start()..spelled.start() + spelled.length()]
    }

    /// Returns the same spellings in the given order, so that later reads of memory are sequential.
    pub(super) fn arranged<'a>(&self, order: impl Iterator<Item = &'a mut Spelled>) -> Self {
        const BLOCK: usize = 32;
        let mut arranged = Vec::with_capacity(self.0.len() + BLOCK);
        for spelled in order {
            let start = arranged.len();
            match self.0[spelled.start()..].first_chunk::<BLOCK>() {
                // Most spellings are shorter than a block. Copying a fixed size does not depend on the length, so the
                // processor overlaps copies.
                Some(block) if spelled.length() <= BLOCK => {
                    arranged.extend_from_slice(block);
                    arranged.truncate(start + spelled.length());
                }
                _ => arranged.extend_from_slice(self.of(*spelled)),
            }
            spelled.place = (start as u64) << 8 | spelled.place & 0xff;
        }
        Self(arranged)
    }

    /// Compares two spellings by their bytes.
    pub(super) fn order(&self, one: Spelled, other: Spelled) -> Ordering {
        one.prefix.cmp(&other.prefix).then_with(|| self.of(one).cmp(self.of(other)))
    }
}

/// Returns the first eight bytes as a number, padded with zeros.
pub(super) fn prefix(spelling: &[u8]) -> u64 {
    // Copying a variable number of bytes takes a function call. Most spellings have eight bytes.
    let bytes = spelling.first_chunk().copied().unwrap_or_else(|| {
        let mut bytes = [0; 8];
        bytes[..spelling.len()].copy_from_slice(spelling);
        bytes
    });
    u64::from_be_bytes(bytes)
}
