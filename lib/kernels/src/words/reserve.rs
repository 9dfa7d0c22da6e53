//! Reserves memory for long lists.
//!
//! When a process first uses memory, the kernel provides pages of 4 KiB or 2 MiB. Each page costs a page fault, and the
//! kernel clears the page first. A virtual machine may have returned unused memory to its host in pieces of 2 MiB. It
//! gets each piece back only after some 3 ms. Therefore it is best to use little memory, in small pages. These seem to
//! come from pieces that are too small to return.
//!
//! The following times are for whole processes over 1.8 GB with AVX-512 on such a machine, as medians of 11 interleaved
//! rounds. The first time is for a run three seconds after the last run, the second for a run immediately after
//! another.
//!
//! - 16 bytes per word (besides the word itself) in large pages: 419 and 295 ms.
//! - 8 bytes per word in small pages: 291 and 289 ms.
//! - 8 bytes per word, measured at another time: large pages 331 and 290 ms, small pages 284 and 281 ms, small pages
//!   reserved in steps 276 and 275 ms.
#![allow(unsafe_code)] // Requests memory from the kernel before the first use.

/// The size in bytes from which a vector reserves memory in large steps.
const LONG: usize = 1 << 20;

/// Reserves space for `more` items.
///
/// A long vector grows by an eighth and requests all of that memory at once. That takes one system call instead of a
/// page fault for every 4 KiB.
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
        // SAFETY: the range belongs to the vector and is unused, and the advice changes no bytes. If the kernel ignores
        // the advice, it provides the memory at the first write.
        let _ =
            unsafe { rustix::mm::madvise(pages.add(before).cast(), length, rustix::mm::Advice::LinuxPopulateWrite) };
    }
}
