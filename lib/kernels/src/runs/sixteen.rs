//! Sixteen bytes at once, as every processor can: with SSE2, which is part of x86-64, with NEON, which is part of 64-bit ARM, or
//! else as one large number. What it is worth was measured with SSE2 only.
#![allow(unsafe_code)] // Calls of functions that need SSE2 or NEON, which these processors always have.

#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
use core::arch::aarch64::*;
#[cfg(target_arch = "x86_64")]
use core::arch::x86_64::*;

/// Which of 16 bytes: the lowest bit, or one of the lowest four or eight, is for the first.
#[cfg(target_arch = "x86_64")]
pub(super) type Places = u32;
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
pub(super) type Places = u64;
#[cfg(not(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little"))))]
pub(super) type Places = u128;

/// How many bits there are for each byte.
const STEP: u32 = if cfg!(target_arch = "x86_64") { 1 } else { Places::BITS / 16 };

/// The bytes in front of a place.
#[inline(always)]
pub(super) const fn before(place: u32) -> Places {
    (1 << (STEP * place)) - 1
}

/// The first of some places; beyond all when there is none.
#[inline(always)]
pub(super) fn first(places: Places) -> usize {
    (places.trailing_zeros() / STEP) as usize
}

/// One of the bytes, read from memory. The compiler would rather take it out of the vector that was loaded anyway, and
/// writes that to memory for it.
#[inline(always)]
pub(super) fn byte(bytes: &[u8; 16], place: usize) -> u8 {
    // SAFETY: what is referred to can be read.
    unsafe { std::ptr::read_volatile(&bytes[place % 16]) }
}

/// Which bytes are no digits.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn no_digits(bytes: &[u8; 16]) -> Places {
    // SAFETY: x86-64 has SSE2, and the pointer is to 16 bytes.
    unsafe {
        let values = _mm_sub_epi8(_mm_loadu_si128(bytes.as_ptr().cast()), _mm_set1_epi8(b'0' as i8));
        let digits = _mm_cmpeq_epi8(_mm_min_epu8(values, _mm_set1_epi8(9)), values);
        _mm_movemask_epi8(digits) as u32 ^ 0xffff
    }
}

/// Which bytes are no digits: the highest bit of the four that a byte is narrowed to, for NEON has nothing that takes one bit
/// of each.
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
#[inline(always)]
pub(super) fn no_digits(bytes: &[u8; 16]) -> Places {
    // SAFETY: 64-bit ARM has NEON, and the pointer is to 16 bytes.
    let no_digits = unsafe { vcgtq_u8(vsubq_u8(vld1q_u8(bytes.as_ptr()), vdupq_n_u8(b'0')), vdupq_n_u8(9)) };
    narrowed(no_digits) & 0x8888_8888_8888_8888
}

/// Four bits for each byte, all of whose bits are the same.
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
#[inline(always)]
fn narrowed(bytes: uint8x16_t) -> u64 {
    // SAFETY: 64-bit ARM has NEON.
    unsafe { vget_lane_u64::<0>(vreinterpret_u64_u8(vshrn_n_u16::<4>(vreinterpretq_u16_u8(bytes)))) }
}

/// Which bytes are no digits: the highest bit of each.
#[cfg(not(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little"))))]
#[inline(always)]
pub(super) fn no_digits(bytes: &[u8; 16]) -> Places {
    const EACH: u128 = u128::MAX / 0xff;
    let values = u128::from_le_bytes(*bytes) ^ EACH * 0x30;
    // From ten on, a byte with this added reaches its highest bit. The highest bit itself is kept out of the sum, so that
    // no byte carries into the next.
    (((values & EACH * 0x7f) + EACH * (0x80 - 10)) | values) & EACH * 0x80
}

/// Whether bytes, as far as they are kept, are others.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn are(bytes: &[u8; 16], kept: &[u8; 16], others: &[u8; 16]) -> bool {
    // SAFETY: x86-64 has SSE2, and the pointers are to 16 bytes.
    unsafe {
        let [bytes, kept, others] = [bytes, kept, others].map(|bytes| _mm_loadu_si128(bytes.as_ptr().cast()));
        _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_and_si128(bytes, kept), others)) == 0xffff
    }
}

/// Whether bytes, as far as they are kept, are others.
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
#[inline(always)]
pub(super) fn are(bytes: &[u8; 16], kept: &[u8; 16], others: &[u8; 16]) -> bool {
    // SAFETY: 64-bit ARM has NEON, and the pointers are to 16 bytes.
    let same = unsafe {
        let [bytes, kept, others] = [bytes, kept, others].map(|bytes| vld1q_u8(bytes.as_ptr()));
        vceqq_u8(vandq_u8(bytes, kept), others)
    };
    narrowed(same) == u64::MAX
}

/// Whether bytes, as far as they are kept, are others.
#[cfg(not(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little"))))]
#[inline(always)]
pub(super) fn are(bytes: &[u8; 16], kept: &[u8; 16], others: &[u8; 16]) -> bool {
    u128::from_le_bytes(*bytes) & u128::from_le_bytes(*kept) == u128::from_le_bytes(*others)
}
