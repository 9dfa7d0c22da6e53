//! Sixteen bytes at once on every processor: with SSE2, which is part of x86-64, with NEON, which is part of 64-bit ARM, or as
//! one large number. Only SSE2 was measured.
#![allow(unsafe_code)] // Calls of functions that need SSE2 or NEON, which these processors always have.

#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
use core::arch::aarch64::*;
#[cfg(target_arch = "x86_64")]
use core::arch::x86_64::*;

/// A set of 16 bytes: the lowest bit, or one of the lowest four or eight, is for the first byte.
#[cfg(target_arch = "x86_64")]
pub(super) type Places = u32;
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
pub(super) type Places = u64;
#[cfg(not(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little"))))]
pub(super) type Places = u128;

/// The number of bits per byte.
const STEP: u32 = if cfg!(target_arch = "x86_64") { 1 } else { Places::BITS / 16 };

/// The bytes before a place.
#[inline(always)]
pub(super) const fn before(place: u32) -> Places {
    (1 << (STEP * place)) - 1
}

/// The first of the places; 16 or more if there is none.
#[inline(always)]
pub(super) fn first(places: Places) -> usize {
    (places.trailing_zeros() / STEP) as usize
}

/// One of the bytes, read from memory. The compiler would otherwise extract it from the loaded vector, which it writes to
/// memory for that.
#[inline(always)]
pub(super) fn byte(bytes: &[u8; 16], place: usize) -> u8 {
    // SAFETY: a reference can be read.
    unsafe { std::ptr::read_volatile(&bytes[place % 16]) }
}

/// Which bytes are not digits.
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

/// Which bytes are not digits: the highest of the four bits that a byte is narrowed to, because NEON cannot take one bit of
/// each byte.
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
#[inline(always)]
pub(super) fn no_digits(bytes: &[u8; 16]) -> Places {
    // SAFETY: 64-bit ARM has NEON, and the pointer is to 16 bytes.
    let no_digits = unsafe { vcgtq_u8(vsubq_u8(vld1q_u8(bytes.as_ptr()), vdupq_n_u8(b'0')), vdupq_n_u8(9)) };
    narrowed(no_digits) & 0x8888_8888_8888_8888
}

/// Narrows bytes of equal bits to four bits each.
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
#[inline(always)]
fn narrowed(bytes: uint8x16_t) -> u64 {
    // SAFETY: 64-bit ARM has NEON.
    unsafe { vget_lane_u64::<0>(vreinterpret_u64_u8(vshrn_n_u16::<4>(vreinterpretq_u16_u8(bytes)))) }
}

/// Which bytes are not digits: the highest bit of each.
#[cfg(not(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little"))))]
#[inline(always)]
pub(super) fn no_digits(bytes: &[u8; 16]) -> Places {
    const EACH: u128 = u128::MAX / 0xff;
    let values = u128::from_le_bytes(*bytes) ^ EACH * 0x30;
    // A value from ten on, with this added, sets its highest bit. The sum leaves out the highest bit itself, so that no byte
    // carries into the next.
    (((values & EACH * 0x7f) + EACH * (0x80 - 10)) | values) & EACH * 0x80
}

/// Whether the kept bits of `bytes` equal `others`.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn equal(bytes: &[u8; 16], kept: &[u8; 16], others: &[u8; 16]) -> bool {
    // SAFETY: x86-64 has SSE2, and the pointers are to 16 bytes.
    unsafe {
        let [bytes, kept, others] = [bytes, kept, others].map(|bytes| _mm_loadu_si128(bytes.as_ptr().cast()));
        _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_and_si128(bytes, kept), others)) == 0xffff
    }
}

/// Whether the kept bits of `bytes` equal `others`.
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
#[inline(always)]
pub(super) fn equal(bytes: &[u8; 16], kept: &[u8; 16], others: &[u8; 16]) -> bool {
    // SAFETY: 64-bit ARM has NEON, and the pointers are to 16 bytes.
    let same = unsafe {
        let [bytes, kept, others] = [bytes, kept, others].map(|bytes| vld1q_u8(bytes.as_ptr()));
        vceqq_u8(vandq_u8(bytes, kept), others)
    };
    narrowed(same) == u64::MAX
}

/// Whether the kept bits of `bytes` equal `others`.
#[cfg(not(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little"))))]
#[inline(always)]
pub(super) fn equal(bytes: &[u8; 16], kept: &[u8; 16], others: &[u8; 16]) -> bool {
    u128::from_le_bytes(*bytes) & u128::from_le_bytes(*kept) == u128::from_le_bytes(*others)
}
