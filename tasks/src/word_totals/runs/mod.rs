//! The kernel that does as little as possible for each line, because most lines have the word of the line before.
//!
//! Six ideas. The nanoseconds are for one line of the generated file (22 bytes, 46 lines a word), the fastest of 100 goes
//! over 250 KB in the second-level cache of one core of an AMD EPYC (Zen 4); the kernel `bytes` needs 25.2 there.
//!
//! 1. Equal neighbours are added up first and looked for once (`portable`). And numbers are read eight digits at a time,
//!    with multiplications instead of a loop, so that their lengths mislead no branch. Together: 8.3.
//! 2. The text is held against the format 64 bytes at a time, as bits; that gives the places of all fields and proves
//!    that every line is well formed (`marks`). With AVX2 8.7, with AVX-512 6.4: where the lines are then still done one
//!    by one, that pays only with an instruction that turns bits into places.
//! 3. Eight lines are compared with the word, and their counts added, at once (`eights`). AVX2 4.2, AVX-512 2.4. Places
//!    have to be read as numbers from memory for that: left alone, the compiler takes them out of vectors, and AVX-512 takes
//!    1.13 times as long. AVX2 takes 1.15 times as long where places are found bit by bit (`avx2::places` spreads bits).
//! 4. As long as words come in increasing order, the totals are a list and nothing is hashed (`WordTotals::add_run`). No
//!    difference while a table fits into the cache; a file of 400 MB with 400,000 words takes 1.30 times as long with a
//!    table.
//! 5. Where words hardly ever repeat (a shuffled file), lines are done one by one and hashed at once. There `bytes` needs
//!    66.9, and this kernel 61.7 (portable), 51.9 (AVX2) and 48.0 (AVX-512); with eight at a time, the last two would be
//!    61.8 and 57.1.
//!
//! 6. Where a run ends, nothing waits to hear where (`eights`), and a short word is stored by one copy of 32 bytes. In the
//!    cache that shows little, for there the processor learns the ends by heart. Over 100 MB it saves AVX-512 4 %: 4.0, and
//!    1.7 where all lines have one word of eight letters. So the ends of runs still are half of it, 37 lines apart or not.
//!
//! As a whole process over 1.8 GB through a map, with nobody else at work, medians of 22 runs by turns: `wc -l` takes 231 ms
//! of processor time, AVX-512 335, AVX2 458, portable 811. Without what 3 says of places, and 6, it was 369, 590 and 838.
//!
//! What did not help on that machine: asking for memory 1 to 16 KiB ahead (1 % with AVX-512, 4 % with AVX2), marking 2 or
//! 4 KiB at once, finding the ends of count and volumes in 16 bytes at once (a fifth slower, portable), and what `input`
//! tells of the map.
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
