//! The kernel that does as little as possible for each line, because most lines have the word of the line before.
//!
//! Seven ideas. The nanoseconds are for one line of the generated file (22 bytes, 46 lines a word), the fastest of 100 goes
//! over 250 KB in the second-level cache of one core of an AMD EPYC (Zen 4); the kernel `bytes` needs 25.2 there.
//!
//! 1. Equal neighbours are added up first and looked for once. And numbers are read eight digits at a time, with
//!    multiplications instead of a loop, so that their lengths mislead no branch (`portable`). Together: 9.9 here. With 16
//!    bytes looked at at once, and both halves of a piece worked through in turn, so that one does not wait for the other's
//!    line to end: 6.6. With 64 bytes known to be there, so that no place in a usual line is questioned: 5.9. (A shuffled
//!    file, whose lines are never usual in this way, takes 1.05 times as long.)
//! 2. The text is held against the format 64 bytes at a time, as bits; that gives the places of all fields and proves
//!    that every line is well formed (`marks`). Where the lines are then still done one by one, that pays only with an
//!    instruction that turns bits into places.
//! 3. Eight lines are compared with the word, and their counts added, at once (`eights`, `alike`). AVX2 3.8, AVX-512 2.2.
//!    Places have to be read as numbers from memory for that: left alone, the compiler takes them out of vectors, and
//!    AVX-512 takes 1.13 times as long. AVX2 takes 1.15 times as long where places are found bit by bit (`avx2::places`
//!    spreads bits).
//! 4. As long as words come in increasing order, the totals are a list and nothing is hashed (`WordTotals::add_runs`). No
//!    difference while a table fits into the cache; a file of 400 MB with 400,000 words takes 1.30 times as long with a
//!    table.
//! 5. Where runs begin among eight lines, no branch asks: all eight are noted, and those that begin none are overwritten
//!    (`avx2`) or left out by the instruction that turns bits into places (`avx512`). A sorted file of 1.8 GB takes 0.97 times as
//!    long with AVX-512 where they are overwritten, and 0.98 times as long as that where they are left out; with AVX2 no less.
//!    A shuffled one of 100 MB, whose every line begins a run, takes 0.64 times as long as when such lines were done one by one,
//!    with AVX2 0.93 times.
//! 6. A word is held against the one before as a number, and stored by one copy of 32 bytes (`Key`, `List`). And memory that
//!    is used for the first time is dear: in the list a word takes 8 bytes and its letters, and `words::room` says what
//!    that is worth.
//! 7. Where words come in no order, 32 of them are looked for at the same time, step by step, and what the next step reads
//!    is asked for before it begins (`words::tables`). A shuffled file of 225 MB with 225,000 words, whose tables no
//!    core's own cache holds, takes 0.58 times as long as a whole process with AVX-512. In minutes when others filled the
//!    cache that cores share it was 0.35, and the portable path 0.43.
//!
//! As a whole process over 1.8 GB through a map, medians of 15 rounds by turns, of a file that the page cache has read in
//! order: `wc -l` 203 ms, AVX-512 237, AVX2 388. Of one that it has read page by page: `wc -l` 294, AVX-512 383, AVX2 532; and a
//! sum of the map's bytes, 63 ms there, takes 226 here: `input` says what such a map costs.
//!
//! Text is asked for 3 KiB ahead (`eights::AHEAD`): 0.97 and 0.98 times as long with AVX-512, 0.98 with AVX2, in 9 and 11
//! rounds by turns; 2, 4 and 5 KiB gave less.
//!
//! What did not help on that machine: marking 512 bytes, 2 or 4 KiB at once, asking for text only to the second-level cache,
//! one codegen unit for this crate (AVX-512 and AVX2 as before, portable 5 % slower), and what `input` tells of the map.
//!
//! On 64-bit ARM there is the portable path, which looks at 16 bytes with NEON there (`sixteen`). Miri has run it on short texts;
//! it was not measured.
//!
//! Whatever is odd (a word beyond 31 bytes, a count beyond eight digits, the lines at the end of a piece, a line that is
//! wrong) goes to the portable path, and what is odd there goes to the kernel `bytes`, which thus decides.

#[cfg(target_arch = "x86_64")]
mod alike;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod eights;
#[cfg(target_arch = "x86_64")]
mod marks;
mod portable;
mod sixteen;

use crate::words::WordTotals;
use serde::{Deserialize, Serialize};

/// Which instructions the kernel `runs` may use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
pub enum Vector {
    /// The best that this processor has
    #[default]
    Auto,
    /// Those that every processor has
    Portable,
    /// 32 bytes at a time, on x86-64
    Avx2,
    /// 64 bytes at a time, on x86-64
    Avx512,
}

/// A way to add a piece of whole lines to the totals.
pub type Add = fn(&[u8], &mut WordTotals) -> Result<(), usize>;

impl Vector {
    /// All of them, the plainest first.
    pub const ALL: [Vector; 4] = [Vector::Portable, Vector::Avx2, Vector::Avx512, Vector::Auto];

    /// As on the command line and in the record.
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
