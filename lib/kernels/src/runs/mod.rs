//! The kernel that does as little as possible per line, because most lines have the word of the line before.
//!
//! Seven ideas. The nanoseconds are per line of the generated file (22 bytes, 46 lines a word): the fastest of 100 passes over
//! 250 KB in the second-level cache of one core of an AMD EPYC (Zen 4). The kernel `bytes` takes 25.2 ns there.
//!
//! 1. Add up equal neighbours first, and look their word up once. Parse numbers eight digits at a time, with multiplications
//!    instead of a loop, so that their lengths cause no mispredicted branch (`portable`). Together: 9.9 ns. With 16 bytes
//!    compared at once, and both halves of a piece processed in turn, so that neither waits for the end of the other's line:
//!    6.6 ns. With chunks of 64 bytes, so that a usual line needs no bounds check: 5.9 ns. (A shuffled file, whose lines are
//!    never usual in this sense, takes 1.05 times as long.)
//! 2. Check the format of 64 bytes at a time, as bits. That gives the places of all fields and proves that every line is well
//!    formed (`field_index`). If lines are then still added one by one, it pays only with an instruction that turns bits into
//!    places.
//! 3. Compare eight lines with the word, and add their counts, at once (`batch8`, `same_word`). AVX2 3.8 ns, AVX-512 2.2 ns.
//!    Places must be read from memory as numbers for that: the compiler by itself extracts them from vectors, and AVX-512
//!    takes 1.13 times as long. AVX2 takes 1.15 times as long if places are found bit by bit (`avx2::places` spreads bits).
//! 4. As long as words come in increasing order, keep the totals in a list and hash nothing (`WordTotals::add_runs`). No
//!    difference while a table fits into the cache; a file of 400 MB with 400,000 words takes 1.30 times as long with a table.
//! 5. Find where runs begin among eight lines without a branch: note all eight, then overwrite those that begin none (`avx2`),
//!    or leave them out with the instruction that turns bits into places (`avx512`). A sorted file of 1.8 GB takes 0.97 times
//!    as long with AVX-512 and overwriting, and 0.98 times as long as that with leaving out; with AVX2 no less. A shuffled
//!    file of 100 MB, whose every line begins a run, takes 0.64 times as long as with such lines one by one; with AVX2 0.93
//!    times.
//! 6. Compare a word with the one before as a number, and store it with one copy of 32 bytes (`Key`, `List`). Memory is
//!    expensive when it is first used: a word takes 8 bytes and its own bytes in the list, and `words::reserve` has the gain.
//! 7. If words come in no order, look up 32 of them together, step by step, and prefetch what the next step reads
//!    (`words::tables`). A shuffled file of 225 MB with 225,000 words, whose tables no core's own cache holds, takes 0.58 times
//!    as long as a whole process with AVX-512. While other programs filled the shared cache it was 0.35, and 0.43 for the
//!    portable path.
//!
//! Whole processes over 1.8 GB through a memory map, medians of 15 interleaved rounds, of a file that the page cache has read
//! in order: `wc -l` 203 ms, AVX-512 237, AVX2 388. Of a file that it has read page by page: `wc -l` 294, AVX-512 383, AVX2
//! 532; and a sum of the map's bytes, 63 ms before, takes 226. The task's module `input` has the cost of such a map.
//!
//! Text is prefetched 3 KiB ahead (`batch8::AHEAD`): 0.97 and 0.98 times as long with AVX-512, 0.98 with AVX2, in 9 and 11
//! interleaved rounds; 2, 4 and 5 KiB gained less.
//!
//! What did not help on that machine: marking 512 bytes, 2 or 4 KiB at once; prefetching text only to the second-level cache;
//! one codegen unit for this crate (AVX-512 and AVX2 as before, portable 5 % slower); and what `input` tells of the map.
//!
//! On 64-bit ARM only the portable path exists, which compares 16 bytes with NEON (`simd128`). Miri has run it on short texts;
//! it was not measured.
//!
//! Unusual lines (a word beyond 31 bytes, a count beyond eight digits, the last lines of a piece, a malformed line) go to the
//! portable path, and what is unusual there goes to the kernel `bytes`, which thus decides.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod batch8;
#[cfg(target_arch = "x86_64")]
mod field_index;
mod portable;
#[cfg(target_arch = "x86_64")]
mod same_word;
mod simd128;
#[cfg(target_arch = "x86_64")]
mod vectors;

use crate::words::WordTotals;
use serde::{Deserialize, Serialize};

/// Which instructions the kernel `runs` may use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
pub enum Vector {
    /// The best that this processor has
    #[default]
    Auto,
    /// Only those that every processor has
    Portable,
    /// 32 bytes at a time, on x86-64
    Avx2,
    /// 64 bytes at a time, on x86-64
    Avx512,
}

/// A kernel: adds a piece of whole lines to the totals. Its error is where the first malformed line begins.
pub type Add = fn(&[u8], &mut WordTotals) -> Result<(), usize>;

impl Vector {
    /// All of them, the simplest first.
    pub const ALL: [Vector; 4] = [Vector::Portable, Vector::Avx2, Vector::Avx512, Vector::Auto];

    /// The name on the command line and in the record.
    pub fn name(self) -> &'static str {
        match self {
            Vector::Auto => "auto",
            Vector::Portable => "portable",
            Vector::Avx2 => "avx2",
            Vector::Avx512 => "avx512",
        }
    }

    /// The kernel with these instructions; `None` if this processor does not have them.
    pub fn kernel(self) -> Option<Add> {
        match self {
            Vector::Auto => [Vector::Avx512, Vector::Avx2, Vector::Portable].into_iter().find_map(Vector::kernel),
            Vector::Portable => Some(portable::add),
            #[cfg(target_arch = "x86_64")]
            Vector::Avx2 => avx2::Avx2::detect().map(|_| avx2::add as Add),
            #[cfg(target_arch = "x86_64")]
            Vector::Avx512 => avx512::Avx512::detect().map(|_| avx512::add as Add),
            #[cfg(not(target_arch = "x86_64"))]
            Vector::Avx2 | Vector::Avx512 => None,
        }
    }
}
