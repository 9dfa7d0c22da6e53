//! The kernel `runs`. It does little work per line, because most lines have the same word as the line before.
//!
//! The kernel uses seven ideas. Times are nanoseconds per line of the generated file (22 bytes per line, 46 lines per
//! word). Each time is the fastest of 100 passes over 250 KB in the second-level cache of one core of an AMD EPYC (Zen
//! 4). The kernel `bytes` takes 25.2 ns there.
//!
//! 1. Add up neighbouring lines with the same word, then look the word up once. Parse eight digits at a time with
//!    multiplications instead of a loop (`portable`), because a loop mispredicts the length. Both together: 9.9 ns.
//!    Compare 16 bytes at once, and alternate between both halves of a piece: 6.6 ns. One half then proceeds while the
//!    other waits for the end of its line. Read chunks of 64 bytes, so that a usual line needs no bounds check: 5.9 ns.
//!    (The chunks slow down a shuffled file, which has no usual lines, by a factor of 1.05.)
//! 2. Check the format of 64 bytes at a time, as bits. The bits give the offsets of all fields and prove that every
//!    line is well formed (`field_index`). If lines are still added one by one, this pays only with an instruction that
//!    turns bits into positions.
//! 3. Compare eight lines with the word, and add their counts, at once (`batch8`, `same_word`). AVX2 3.8 ns, AVX-512
//!    2.2 ns. The offsets must be read from memory as numbers. If the compiler extracts them from vectors, AVX-512
//!    takes 1.13 times as long. AVX2 takes 1.15 times as long if a loop finds positions bit by bit instead of
//!    `avx2::places`.
//! 4. While words arrive in increasing order, keep the totals in a list and hash nothing (`WordTotals::add_runs`). This
//!    makes no difference while a table fits into the cache. A file of 400 MB with 400,000 words takes 1.30 times as
//!    long with a table.
//! 5. Find the begins of runs among eight lines without a branch. `avx2` writes all eight and overwrites those that
//!    begin no run. `avx512` omits these with the instruction that turns bits into positions. For a sorted file of 1.8
//!    GB, overwriting with AVX-512 takes 0.97 times as long, and omitting 0.98 times as long as overwriting. AVX2 gains
//!    nothing there. In a shuffled file of 100 MB every line begins a run. It takes 0.64 times as long with AVX-512 as
//!    with such lines one by one, and 0.93 times with AVX2.
//! 6. Compare a word with the previous word as a number, and store the word with one copy of 32 bytes (`Key`, `List`).
//!    The first use of memory is expensive, so a word takes only its own bytes and 8 more in the list. `words::reserve`
//!    gives the gain.
//! 7. If words arrive in no order, look up 32 words together, step by step, and prefetch what the next step reads
//!    (`words::tables`). The example is a shuffled file of 225 MB with 225,000 words, whose tables exceed the private
//!    cache of a core. A whole process with AVX-512 takes 0.58 times as long. While other programs filled the shared
//!    cache, the factor was 0.35, and 0.43 for the portable path.
//!
//! Whole processes read a memory map of 1.8 GB; times are medians of 15 interleaved rounds. If the kernel read the file
//! into the page cache in order: `wc -l` 203 ms, AVX-512 237, AVX2 388, and a sum of all bytes 63. If the kernel read
//! the file page by page: `wc -l` 294 ms, AVX-512 383, AVX2 532, and a sum of all bytes 226. The module `input` of the
//! task explains the cost of such a map.
//!
//! Text is prefetched 3 KiB ahead (`batch8::AHEAD`). In 9 and 11 interleaved rounds, AVX-512 took 0.97 and 0.98 times
//! as long, and AVX2 0.98. Distances of 2, 4 and 5 KiB gained less.
//!
//! These changes did not help on that machine: stretches of 512 bytes, 2 or 4 KiB; prefetching text only to the
//! second-level cache; one codegen unit for this crate (AVX-512 and AVX2 as before, portable 5 % slower). The module
//! `input` lists what did not help with the map.
//!
//! On 64-bit ARM only the portable path exists. It compares 16 bytes with NEON (`simd128`). Miri has run this path on
//! short texts. Its speed was not measured.
//!
//! The vector paths leave unusual lines to the portable path: a word beyond 31 bytes, a count beyond eight digits, the
//! last lines of a piece, a malformed line. The portable path leaves its own unusual lines to the kernel `bytes`, which
//! decides whether they are malformed.

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

/// The instructions that the kernel `runs` may use.
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

/// A kernel: adds a piece of whole lines to the totals. The error is the offset of the first malformed line.
pub type Add = fn(&[u8], &mut WordTotals) -> Result<(), usize>;

impl Vector {
    /// All values, the simplest first.
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

    /// Returns the kernel with these instructions; `None` if this processor does not have them.
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
