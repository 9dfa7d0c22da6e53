//! Room for lists that grow long.
#![allow(unsafe_code)] // Telling the system what a stretch of memory is for.

/// What a vector holds, in bytes, from which on it is given room for good: 260,000 words. Shorter ones gain nothing that
/// can be seen, and on a virtual machine that gives unused memory back to its host, the first use of a large page takes 3 ms.
const LONG: usize = 4 << 20;

/// That room in bytes. Only addresses are used up by it; memory comes as it is written to.
const ROOM: usize = 64 << 20;

/// Makes room for `more` items.
///
/// A vector that has become long gets room for four million words at once, in pages of 2 MiB where the system has such:
/// one page fault instead of 512. Twice as much room each time, as a vector takes by itself, would move memory to where
/// large pages do not fit.
#[cold]
pub(super) fn make<T>(items: &mut Vec<T>, more: usize) {
    if items.capacity() - items.len() >= more {
        return;
    }
    let bytes = size_of::<T>() * items.len();
    if bytes < LONG {
        return items.reserve(more);
    }
    items.reserve_exact(more.max(items.len()).max(ROOM / size_of::<T>()));
    #[cfg(target_os = "linux")]
    {
        let whole = items.spare_capacity_mut();
        let pages = whole.as_mut_ptr().cast::<u8>();
        let before = pages.align_offset(4096);
        let length = size_of_val(whole).saturating_sub(before) / 4096 * 4096;
        // SAFETY: the stretch is ours and not in use yet, and the advice changes none of its bytes. Where it is not
        // followed, for instance because large pages are forbidden, pages are small.
        let _ = unsafe { rustix::mm::madvise(pages.add(before).cast(), length, rustix::mm::Advice::LinuxHugepage) };
    }
}
