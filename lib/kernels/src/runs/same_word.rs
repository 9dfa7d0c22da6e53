//! Finds neighbouring lines with the same word. All paths with AVX2 use this code. It compares 32 bytes of a line at
//! once.
#![allow(unsafe_code)] // Loads at computed offsets, and calls of functions that need these vectors.

use super::field_index::scalar;
use super::vectors::{BEYOND, Vectors};
use core::arch::x86_64::*;

/// A word and its tab, together at most 32 bytes.
#[derive(Clone, Copy)]
pub(super) struct Word<V> {
    /// The word, its tab and the bytes after them.
    bytes: __m256i,
    /// The length of the word and its tab.
    length: u32,
    /// Proves that the processor has the instructions.
    vectors: V,
}

impl<V: Vectors> Word<V> {
    /// A word that no line begins with, because no word is empty.
    #[inline(always)]
    pub(super) fn none(vectors: V) -> Self {
        // SAFETY: a value of `Vectors` proves that the processor has AVX2.
        let bytes = unsafe { _mm256_set1_epi8(b'\t' as i8) };
        Word { bytes, length: 1, vectors }
    }

    /// Returns `true` if all eight lines have this word.
    #[inline(always)]
    pub(super) fn all_have(self, text: &[u8], begins: &[u16; 33]) -> bool {
        // SAFETY: a value of `Vectors` proves that the processor has AVX2.
        unsafe { all_have(text, begins, self.bytes, self.length) }
    }

    /// Returns one bit for each of eight lines: 1 if its word differs from that of the line before. Afterwards `self`
    /// is the word of the last line.
    #[inline(always)]
    pub(super) fn change(&mut self, text: &[u8], begins: &[u16; 33]) -> u8 {
        // SAFETY: a value of `Vectors` proves that the processor has AVX2.
        let (changes, bytes, length) = unsafe { changes(text, begins, self.bytes, self.length) };
        *self = Word { bytes, length, vectors: self.vectors };
        changes
    }
}

#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn all_have(text: &[u8], begins: &[u16; 33], word: __m256i, length: u32) -> bool {
    let zero = _mm256_setzero_si256();
    let mut other = zero;
    for line in starts(text, begins) {
        other = _mm256_or_si256(other, _mm256_xor_si256(line, word));
    }
    _bzhi_u32(differing(other, zero), length) == 0
}

#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn changes(text: &[u8], begins: &[u16; 33], mut word: __m256i, mut length: u32) -> (u8, __m256i, u32) {
    let mut changes = 0;
    for (number, line) in starts(text, begins).into_iter().enumerate() {
        let differs = _bzhi_u32(differing(line, word), length) != 0;
        changes |= u8::from(differs) << number;
        word = line;
        length = (scalar(&begins[4 * number + 1]) - scalar(&begins[4 * number])) as u32;
    }
    (changes, word, length)
}

/// Returns one bit for each of 32 bytes: 1 if the two bytes differ.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn differing(some: __m256i, others: __m256i) -> u32 {
    !(_mm256_movemask_epi8(_mm256_cmpeq_epi8(some, others)) as u32)
}

/// Loads the first 32 bytes of each of eight lines.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn starts(text: &[u8], begins: &[u16; 33]) -> [__m256i; 8] {
    let at = |line: usize| scalar(&begins[4 * line]);
    // Line offsets increase, so the last line is the farthest.
    assert!(at(7) + BEYOND <= text.len());
    // SAFETY: checked above.
    std::array::from_fn(|line| unsafe { _mm256_loadu_si256(text.as_ptr().add(at(line)).cast()) })
}
