//! Memory for lists that grow long.
//!
//! Memory that a process uses for the first time arrives in pages of 4 KiB or 2 MiB. Each costs a page fault, and the kernel
//! clears it first. The cost depends on whether the kernel has the memory at hand: a virtual machine may have returned
//! unused memory to its host in pieces of 2 MiB, and gets each piece back only after some 3 ms. So the best is to use as
//! little as possible, in small pages, which seem to come from pieces that are too small to return.
//!
//! Measured as whole processes over 1.8 GB with AVX-512 on such a machine, medians of 11 interleaved rounds, each three
//! seconds after the last: 419 ms with 16 bytes a word (besides the word itself) in large pages, 291 with 8 bytes in small
//! pages. Immediately after another run: 295 and 289. With 8 bytes, in another quarter of an hour: large pages 331 and 290,
//! small pages 284 and 281, small pages reserved in steps 276 and 275.
#![allow(unsafe_code)] // Asks the kernel for memory before it is used.

/// The size in bytes from which on a vector reserves memory in large steps.
const LONG: usize = 1 << 20;

/// Reserves space for `more` items.
///
/// A long vector grows by an eighth and asks the kernel for all of that memory at once: one call instead of a page fault for
/// every 4 KiB.
#[cold]
pub(super) fn reserve<T>(items: &mut Vec<T>, more: usize) {
    if items.capacity() - items.len() >= more {
        return;
    }
    let bytes = size_of::<T>() * items.len();
    if bytes < LONG {
        return items.reserve(more);
    }
    items.reserve_exact(more.max(items.len() / 8));
    #[cfg(target_os = "linux")]
    {
        let spare = items.spare_capacity_mut();
        let pages = spare.as_mut_ptr().cast::<u8>();
        let before = pages.align_offset(4096);
        let length = size_of_val(spare).saturating_sub(before) / 4096 * 4096;
        // SAFETY: the range belongs to the vector and is unused, and the advice changes none of its bytes. If the kernel
        // ignores it, memory arrives when it is first written.
        let _ =
            unsafe { rustix::mm::madvise(pages.add(before).cast(), length, rustix::mm::Advice::LinuxPopulateWrite) };
    }
}
