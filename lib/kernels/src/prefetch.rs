//! Prefetches memory before it is needed.
#![allow(unsafe_code)] // The prefetch instruction changes only the contents of a cache.

/// Starts to load the referenced memory into the cache, without waiting. Does nothing on targets where Rust offers no
/// such instruction.
#[inline(always)]
pub(crate) fn prefetch<T>(what: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every x86-64 processor has this instruction. It is harmless for any address, and this address is that
        // of a reference.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(what).cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = what;
}
