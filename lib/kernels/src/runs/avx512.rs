//! The AVX-512 path: 64 bytes at a time. It needs VBMI2, which Intel's Ice Lake, AMD's Zen 4 and later have.
#![allow(unsafe_code)] // Loads at computed offsets, and calls of functions that need these vectors.

use super::field_index::{Begins, Masks, Proof, scalar};
use super::vectors::{BEYOND, Begin, LONGEST, SHORTEST, Vectors};
use super::{batch8, portable};
use crate::words::WordTotals;
use core::arch::x86_64::*;

batch8::vector_path!(
    Avx512,
    "avx512f,avx512bw,avx512vl,avx512vbmi2,bmi1,bmi2,lzcnt,popcnt",
    ["avx512f", "avx512bw", "avx512vl", "avx512vbmi2", "bmi1", "bmi2", "lzcnt", "popcnt"]
);

impl Vectors for Avx512 {
    type Counts = __m512i;

    #[inline(always)]
    fn mark(self, bytes: &[u8; 64], at: usize, proof: Proof, begins: &mut Begins) -> Proof {
        // SAFETY: `self` exists only where the processor has these features.
        unsafe { mark(bytes, at, proof, begins) }
    }

    #[inline(always)]
    fn none(self) -> __m512i {
        // SAFETY: `self` exists only where the processor has these features.
        unsafe { _mm512_setzero_si512() }
    }

    #[inline(always)]
    fn counts(self, text: &[u8], begins: &[u16; 33]) -> Option<__m512i> {
        // SAFETY: `self` exists only where the processor has these features.
        unsafe { counts(text, begins) }
    }

    #[inline(always)]
    fn plus(self, sums: __m512i, counts: __m512i) -> __m512i {
        // SAFETY: `self` exists only where the processor has these features.
        unsafe { _mm512_add_epi64(sums, counts) }
    }

    #[inline(always)]
    fn sum(self, counts: __m512i) -> u64 {
        // SAFETY: `self` exists only where the processor has these features.
        unsafe { _mm512_reduce_add_epi64(counts) as u64 }
    }

    #[inline(always)]
    fn begun(
        self,
        begins: &[u16; 33],
        which: u8,
        before: u64,
        counts: __m512i,
        into: (&mut [Begin; 8], &mut [u64; 8]),
    ) {
        // SAFETY: `self` exists only where the processor has these features.
        unsafe { begun(begins, which, before, counts, into) }
    }
}

/// Computes the sum of the counts before each count in three steps. The steps add vectors shifted by one, two and four
/// counts.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi2,bmi1,bmi2,lzcnt,popcnt")]
fn begun(begins: &[u16; 33], which: u8, before: u64, counts: __m512i, into: (&mut [Begin; 8], &mut [u64; 8])) {
    let zero = _mm512_setzero_si512();
    let sums = _mm512_alignr_epi64::<7>(counts, zero);
    let sums = _mm512_add_epi64(sums, _mm512_alignr_epi64::<7>(sums, zero));
    let sums = _mm512_add_epi64(sums, _mm512_alignr_epi64::<6>(sums, zero));
    let sums = _mm512_add_epi64(sums, _mm512_alignr_epi64::<4>(sums, zero));
    let sums = _mm512_add_epi64(sums, _mm512_set1_epi64(before as i64));
    // SAFETY: `begins` has 32 entries from the first on, and each output has space for eight.
    unsafe {
        let begins = _mm512_loadu_si512(begins.as_ptr().cast());
        _mm512_storeu_si512(into.0.as_mut_ptr().cast(), _mm512_maskz_compress_epi64(which, begins));
        _mm512_storeu_si512(into.1.as_mut_ptr().cast(), _mm512_maskz_compress_epi64(which, sums));
    }
}

/// Compares 64 bytes at once. `vpcompressb` turns the bits of the field ends into positions. There are rarely more than
/// 16 ends.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi2,bmi1,bmi2,lzcnt,popcnt")]
fn mark(bytes: &[u8; 64], at: usize, proof: Proof, begins: &mut Begins) -> Proof {
    const PLACES: [u8; 64] = {
        let mut places = [0; 64];
        let mut place = 0;
        while place < 64 {
            places[place] = place as u8;
            place += 1;
        }
        places
    };
    // SAFETY: both pointers refer to 64 bytes.
    let (bytes, places) =
        unsafe { (_mm512_loadu_si512(bytes.as_ptr().cast()), _mm512_loadu_si512(PLACES.as_ptr().cast())) };
    let digits = _mm512_sub_epi8(bytes, _mm512_set1_epi8(b'0' as i8));
    let (after, ends) = proof.check(&Masks {
        tabs: _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(b'\t' as i8)),
        feeds: _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(b'\n' as i8)),
        no_digits: _mm512_cmpgt_epu8_mask(digits, _mm512_set1_epi8(9)),
    });
    let places = _mm512_maskz_compress_epi8(ends, places);
    let begin = (at + 1) as i16;
    let next = begins.next(proof).as_mut_ptr();
    let first = _mm256_cvtepu8_epi16(_mm512_castsi512_si128(places));
    // SAFETY: there is space for 64.
    unsafe { _mm256_storeu_si256(next.cast(), _mm256_add_epi16(first, _mm256_set1_epi16(begin))) };
    if ends.count_ones() > 16 {
        let half = |places| _mm512_add_epi16(_mm512_cvtepu8_epi16(places), _mm512_set1_epi16(begin));
        let (low, high) = (half(_mm512_castsi512_si256(places)), half(_mm512_extracti64x4_epi64::<1>(places)));
        // SAFETY: there is space for 64.
        unsafe {
            _mm512_storeu_si512(next.cast(), low);
            _mm512_storeu_si512(next.add(32).cast(), high);
        }
    }
    after
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi2,bmi1,bmi2,lzcnt,popcnt")]
fn counts(text: &[u8], begins: &[u16; 33]) -> Option<__m512i> {
    // SAFETY: `begins` has 32 entries from the first of the 33 on, and 32 from the second on.
    let (before, after) =
        unsafe { (_mm512_loadu_si512(begins.as_ptr().cast()), _mm512_loadu_si512(begins.as_ptr().add(1).cast())) };
    // The lengths of word, year, count and volumes, one line in each 64 bits. Each length includes the byte that ends
    // the field.
    let lengths = _mm512_sub_epi16(after, before);
    let [words, years, counts, volumes] = LONGEST.map(|longest| u64::from(longest - SHORTEST));
    let longest = _mm512_set1_epi64((words | years << 16 | counts << 32 | volumes << 48) as i64);
    let longer = _mm512_sub_epi16(lengths, _mm512_set1_epi16(SHORTEST as i16));
    if _mm512_cmpgt_epu16_mask(longer, longest) != 0 {
        return None;
    }
    let at = |place: usize| scalar(&begins[place]);
    // Field offsets increase, so the last count is the farthest.
    assert!(at(30) + BEYOND <= text.len());

    // SAFETY: checked above.
    let count = |line: usize| unsafe { text.as_ptr().add(at(4 * line + 2)).cast::<i64>().read_unaligned() };
    let counts = _mm512_set_epi64(count(7), count(6), count(5), count(4), count(3), count(2), count(1), count(0));
    // Shifts the digits to the end of the eight bytes and fills up with zeros.
    let digits = _mm512_xor_si512(counts, _mm512_set1_epi8(b'0' as i8));
    let eight_times_length = _mm512_and_si512(_mm512_srli_epi64::<29>(lengths), _mm512_set1_epi64(0xffff << 3));
    let digits = _mm512_sllv_epi64(digits, _mm512_sub_epi64(_mm512_set1_epi64(72), eight_times_length));
    // Combines neighbours: two digits to a pair, two pairs to a group of four, two groups to the count.
    let pairs = _mm512_maddubs_epi16(digits, _mm512_set1_epi16(0x010a));
    let fours = _mm512_madd_epi16(pairs, _mm512_set1_epi32(0x0001_0064));
    let high = _mm512_mul_epu32(fours, _mm512_set1_epi64(10_000));
    Some(_mm512_add_epi64(high, _mm512_srli_epi64::<32>(fours)))
}
