//! The AVX2 path: 32 bytes at a time. Intel's Haswell, AMD's Zen 3 and later have AVX2. (Zen 1 and 2 have it too, but
//! their `pdep` is slow.)
#![allow(unsafe_code)] // Loads at computed offsets, and calls of functions that need these vectors.

use super::field_index::{Begins, Masks, Proof, scalar};
use super::vectors::{BEYOND, Begin, LONGEST, SHORTEST, Vectors};
use super::{batch8, portable};
use crate::words::WordTotals;
use core::arch::x86_64::*;

batch8::vector_path!(Avx2, "avx2,bmi1,bmi2,lzcnt,popcnt", ["avx2", "bmi1", "bmi2", "lzcnt", "popcnt"]);

impl Vectors for Avx2 {
    type Counts = [__m256i; 2];

    #[inline(always)]
    fn mark(self, bytes: &[u8; 64], at: usize, proof: Proof, begins: &mut Begins) -> Proof {
        // SAFETY: `self` exists only where the processor has these features.
        unsafe { mark(bytes, at, proof, begins) }
    }

    #[inline(always)]
    fn none(self) -> [__m256i; 2] {
        // SAFETY: `self` exists only where the processor has these features.
        unsafe { [_mm256_setzero_si256(); 2] }
    }

    #[inline(always)]
    fn counts(self, text: &[u8], begins: &[u16; 33]) -> Option<[__m256i; 2]> {
        // SAFETY: `self` exists only where the processor has these features.
        unsafe { counts(text, begins) }
    }

    #[inline(always)]
    fn plus(self, sums: [__m256i; 2], counts: [__m256i; 2]) -> [__m256i; 2] {
        // SAFETY: `self` exists only where the processor has these features.
        unsafe { [_mm256_add_epi64(sums[0], counts[0]), _mm256_add_epi64(sums[1], counts[1])] }
    }

    #[inline(always)]
    fn sum(self, counts: [__m256i; 2]) -> u64 {
        each(counts).iter().sum()
    }

    /// Writes an entry for every line. If a line begins no run, the next line overwrites its entry. This avoids an
    /// unpredictable branch for each begin of a run.
    #[inline(always)]
    fn begun(
        self,
        begins: &[u16; 33],
        which: u8,
        mut before: u64,
        counts: [__m256i; 2],
        into: (&mut [Begin; 8], &mut [u64; 8]),
    ) {
        let mut number = 0;
        for (line, (begin, count)) in begins.as_chunks().0.iter().zip(each(counts)).enumerate() {
            (into.0[number % 8], into.1[number % 8]) = (*begin, before);
            number += usize::from(which >> line & 1);
            before += count;
        }
    }
}

fn each(counts: [__m256i; 2]) -> [u64; 8] {
    // SAFETY: both types have 64 bytes, and any bits are valid numbers.
    unsafe { std::mem::transmute(counts) }
}

/// Compares 64 bytes in two steps of 32.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn mark(bytes: &[u8; 64], at: usize, proof: Proof, begins: &mut Begins) -> Proof {
    let (low, high) = (load(bytes, 0), load(bytes, 32));
    let equal = |byte: u8| {
        let byte = _mm256_set1_epi8(byte as i8);
        bits(_mm256_cmpeq_epi8(low, byte), _mm256_cmpeq_epi8(high, byte))
    };
    let digit = |bytes: __m256i| {
        let value = _mm256_sub_epi8(bytes, _mm256_set1_epi8(b'0' as i8));
        _mm256_cmpeq_epi8(_mm256_min_epu8(value, _mm256_set1_epi8(9)), value)
    };
    let masks = Masks { tabs: equal(b'\t'), feeds: equal(b'\n'), no_digits: !bits(digit(low), digit(high)) };
    let (after, ends) = proof.check(&masks);
    let next = begins.next(proof);
    if ends & ends << 1 != 0 {
        // Two neighbouring ends mean an empty field, which is malformed. There may then be more than eight ends in 16
        // bytes.
        let mut rest = ends;
        for begin in &mut next[..ends.count_ones() as usize] {
            *begin = (at + 1 + rest.trailing_zeros() as usize) as u16;
            rest &= rest - 1;
        }
        return after;
    }
    let mut have = 0;
    let begin = _mm_set1_epi16((at + 1) as i16);
    for part in 0..4 {
        let bits = ends >> (16 * part) & 0xffff;
        let places = _mm_cvtepu8_epi16(_mm_cvtsi64_si128(places(bits) as i64));
        let places = _mm_add_epi16(places, _mm_add_epi16(begin, _mm_set1_epi16(16 * part)));
        // SAFETY: no two ends are neighbours, so there are at most 8 in each part, and there is space for 64.
        unsafe { _mm_storeu_si128(next.as_mut_ptr().add(have).cast(), places) };
        have += bits.count_ones() as usize;
    }
    after
}

/// Returns the positions of the first eight set bits of 16, one byte each. Each bit becomes four bits (`pdep`). These
/// select (`pext`) its position from a list of all positions with four bits each.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn places(bits: u64) -> u64 {
    let fours = _pdep_u64(bits, 0x1111_1111_1111_1111) * 0xf;
    _pdep_u64(_pext_u64(0xfedc_ba98_7654_3210, fours), 0x0f0f_0f0f_0f0f_0f0f)
}

/// Returns the highest bit of each of 64 bytes.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn bits(low: __m256i, high: __m256i) -> u64 {
    u64::from(_mm256_movemask_epi8(low) as u32) | u64::from(_mm256_movemask_epi8(high) as u32) << 32
}

#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn counts(text: &[u8], begins: &[u16; 33]) -> Option<[__m256i; 2]> {
    let (low, high) = (lengths(begins, 0), lengths(begins, 4));
    let [words, years, counts, volumes] = LONGEST.map(|longest| u64::from(longest - SHORTEST));
    let longest = _mm256_set1_epi64x((words | years << 16 | counts << 32 | volumes << 48) as i64);
    let longer = |lengths| _mm256_subs_epu16(_mm256_sub_epi16(lengths, _mm256_set1_epi16(SHORTEST as i16)), longest);
    let longer = _mm256_or_si256(longer(low), longer(high));
    if _mm256_testz_si256(longer, longer) == 0 {
        return None;
    }
    let at = |place: usize| scalar(&begins[place]);
    // Field offsets increase, so the last count is the farthest.
    assert!(at(30) + BEYOND <= text.len());

    // SAFETY: checked above.
    let digits = |line: usize| unsafe { text.as_ptr().add(at(4 * line + 2)).cast::<i64>().read_unaligned() };
    let low = counts_of(_mm256_set_epi64x(digits(3), digits(2), digits(1), digits(0)), low);
    let high = counts_of(_mm256_set_epi64x(digits(7), digits(6), digits(5), digits(4)), high);
    Some([low, high])
}

/// Returns the lengths of the fields of four lines, one line in each 64 bits. Each length includes the byte that ends
/// the field.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn lengths(begins: &[u16; 33], line: usize) -> __m256i {
    let begins: &[u16; 17] = begins[4 * line..].first_chunk().expect("four lines are left");
    // SAFETY: `begins` has 16 entries from the first of the 17 on, and 16 from the second on.
    let (before, after) =
        unsafe { (_mm256_loadu_si256(begins.as_ptr().cast()), _mm256_loadu_si256(begins.as_ptr().add(1).cast())) };
    _mm256_sub_epi16(after, before)
}

/// Parses four counts, given the first eight bytes of each and the lengths of the fields of their lines.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn counts_of(bytes: __m256i, lengths: __m256i) -> __m256i {
    // Shifts the digits to the end of the eight bytes and fills up with zeros.
    let digits = _mm256_xor_si256(bytes, _mm256_set1_epi8(b'0' as i8));
    let eight_times_length = _mm256_and_si256(_mm256_srli_epi64::<29>(lengths), _mm256_set1_epi64x(0xffff << 3));
    let digits = _mm256_sllv_epi64(digits, _mm256_sub_epi64(_mm256_set1_epi64x(72), eight_times_length));
    // Combines neighbours: two digits to a pair, two pairs to a group of four, two groups to the count.
    let pairs = _mm256_maddubs_epi16(digits, _mm256_set1_epi16(0x010a));
    let fours = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x0001_0064));
    let high = _mm256_mul_epu32(fours, _mm256_set1_epi64x(10_000));
    _mm256_add_epi64(high, _mm256_srli_epi64::<32>(fours))
}

/// Loads 32 bytes from `at` on.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn load(text: &[u8], at: usize) -> __m256i {
    let bytes: &[u8; BEYOND] = text[at..].first_chunk().expect("32 bytes to load");
    // SAFETY: the pointer refers to 32 bytes.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}
