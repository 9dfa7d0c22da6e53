//! Compares sixteen bytes at once on every processor. x86-64 has SSE2 and 64-bit ARM has NEON; other processors use one
//! large number. Only SSE2 was measured.
#![allow(unsafe_code)] // Calls of functions that need SSE2 or NEON, which these processors always have.

#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
use core::arch::aarch64::*;
#[cfg(target_arch = "x86_64")]
use core::arch::x86_64::*;

/// A set of positions among 16 bytes. Each position has 1, 4 or 8 bits ([`STEP`]); the lowest bits are those of the
/// first byte.
#[cfg(target_arch = "x86_64")]
pub(super) type Places = u32;
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
pub(super) type Places = u64;
#[cfg(not(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little"))))]
pub(super) type Places = u128;

/// The number of bits per position.
const STEP: u32 = if cfg!(target_arch = "x86_64") { 1 } else { Places::BITS / 16 };

/// Returns all positions before `place`.
#[inline(always)]
pub(super) const fn before(place: u32) -> Places {
    (1 << (STEP * place)) - 1
}

/// Returns the first position; 16 or more if there is none.
#[inline(always)]
pub(super) fn first(places: Places) -> usize {
    (places.trailing_zeros() / STEP) as usize
}

/// Reads one byte from memory. Otherwise the compiler extracts the byte from a loaded vector by writing the vector to
/// memory.
#[inline(always)]
pub(super) fn byte(bytes: &[u8; 16], place: usize) -> u8 {
    // SAFETY: a reference is valid for reads.
    unsafe { std::ptr::read_volatile(&bytes[place % 16]) }
}

/// Returns the positions of bytes that are not digits.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn no_digits(bytes: &[u8; 16]) -> Places {
    // SAFETY: every x86-64 processor has SSE2, and the pointer refers to 16 bytes.
    unsafe {
        let values = _mm_sub_epi8(_mm_loadu_si128(bytes.as_ptr().cast()), _mm_set1_epi8(b'0' as i8));
        let digits = _mm_cmpeq_epi8(_mm_min_epu8(values, _mm_set1_epi8(9)), values);
        _mm_movemask_epi8(digits) as u32 ^ 0xffff
    }
}

/// Returns the positions of bytes that are not digits. Each byte is narrowed to four bits, because NEON cannot collect
/// one bit of each byte. Only the highest of the four is kept.
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
#[inline(always)]
pub(super) fn no_digits(bytes: &[u8; 16]) -> Places {
    // SAFETY: every 64-bit ARM processor has NEON, and the pointer refers to 16 bytes.
    let no_digits = unsafe { vcgtq_u8(vsubq_u8(vld1q_u8(bytes.as_ptr()), vdupq_n_u8(b'0')), vdupq_n_u8(9)) };
    narrowed(no_digits) & 0x8888_8888_8888_8888
}

/// Narrows each byte, which is 0 or 255, to four bits.
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
#[inline(always)]
fn narrowed(bytes: uint8x16_t) -> u64 {
    // SAFETY: 64-bit ARM has NEON.
    unsafe { vget_lane_u64::<0>(vreinterpret_u64_u8(vshrn_n_u16::<4>(vreinterpretq_u16_u8(bytes)))) }
}

/// Returns the positions of bytes that are not digits: the highest bit of each byte.
#[cfg(not(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little"))))]
#[inline(always)]
pub(super) fn no_digits(bytes: &[u8; 16]) -> Places {
    const EACH: u128 = u128::MAX / 0xff;
    let values = u128::from_le_bytes(*bytes) ^ EACH * 0x30;
    // Adding this number to a value of ten or more sets the highest bit. The sum excludes the highest bit of the value,
    // so that no byte carries into the next.
    (((values & EACH * 0x7f) + EACH * (0x80 - 10)) | values) & EACH * 0x80
}

/// Returns `true` if the bits of `bytes` selected by `kept` equal `others`.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn equal(bytes: &[u8; 16], kept: &[u8; 16], others: &[u8; 16]) -> bool {
    // SAFETY: every x86-64 processor has SSE2, and the pointers refer to 16 bytes.
    unsafe {
        let [bytes, kept, others] = [bytes, kept, others].map(|bytes| _mm_loadu_si128(bytes.as_ptr().cast()));
        _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_and_si128(bytes, kept), others)) == 0xffff
    }
}

/// Returns `true` if the bits of `bytes` selected by `kept` equal `others`.
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
#[inline(always)]
pub(super) fn equal(bytes: &[u8; 16], kept: &[u8; 16], others: &[u8; 16]) -> bool {
    // SAFETY: every 64-bit ARM processor has NEON, and the pointers refer to 16 bytes.
    let same = unsafe {
        let [bytes, kept, others] = [bytes, kept, others].map(|bytes| vld1q_u8(bytes.as_ptr()));
        vceqq_u8(vandq_u8(bytes, kept), others)
    };
    narrowed(same) == u64::MAX
}

/// Returns `true` if the bits of `bytes` selected by `kept` equal `others`.
#[cfg(not(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little"))))]
#[inline(always)]
pub(super) fn equal(bytes: &[u8; 16], kept: &[u8; 16], others: &[u8; 16]) -> bool {
    u128::from_le_bytes(*bytes) & u128::from_le_bytes(*kept) == u128::from_le_bytes(*others)
}
