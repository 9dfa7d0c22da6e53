//! Room for lists that grow long.
//!
//! Memory that a process uses for the first time comes in pages of 4 KiB, each with a page fault, or of 2 MiB for one; and it
//! is cleared first. What that costs depends on whether the system has it at hand. A virtual machine may have given unused
//! memory back to its host in pieces of 2 MiB, and gets each again only in some 3 ms. So what is best is as little as
//! possible, in small pages: it seems that these come from pieces that are too small to be given back.
//!
//! Whole processes over 1.8 GB with AVX-512 on such a machine, medians of 11 rounds by turns, each three seconds after the
//! last one: 419 ms with 16 bytes a word (and its letters) in large pages, 291 with 8 bytes in small ones. At once after
//! another run: 295 and 289. With 8 bytes, in another quarter of an hour: large pages 331 and 290, small ones 284 and 281,
//! small ones asked for in steps 276 and 275.
#![allow(unsafe_code)] // Asking the system for memory before it is used.

/// What a vector holds, in bytes, from which on its room is asked for in whole steps.
const LONG: usize = 1 << 20;

/// Makes room for `more` items.
///
/// A long vector grows by an eighth, and the system is asked for all of that memory at once: one call instead of a page
/// fault for every 4 KiB.
#[cold]
pub(super) fn make<T>(items: &mut Vec<T>, more: usize) {
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
        let whole = items.spare_capacity_mut();
        let pages = whole.as_mut_ptr().cast::<u8>();
        let before = pages.align_offset(4096);
        let length = size_of_val(whole).saturating_sub(before) / 4096 * 4096;
        // SAFETY: the stretch is ours and not in use yet, and the advice changes none of its bytes. Where it is not
        // followed, memory comes as it is written to.
        let _ =
            unsafe { rustix::mm::madvise(pages.add(before).cast(), length, rustix::mm::Advice::LinuxPopulateWrite) };
    }
}
