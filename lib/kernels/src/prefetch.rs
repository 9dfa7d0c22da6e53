//! Prefetching memory before it is needed.
#![allow(unsafe_code)] // An instruction that changes only what a cache contains.

/// Lets the processor fetch what is referred to, without waiting for it. Does nothing if Rust has no name for that.
#[inline(always)]
pub(crate) fn prefetch<T>(what: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: x86-64 has this instruction, which is harmless for any address; this one is that of a reference.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(what).cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = what;
}
