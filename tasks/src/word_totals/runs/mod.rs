//! The kernel that does as little as possible for each line, for most lines say what the line before said.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod eights;
#[cfg(target_arch = "x86_64")]
mod marks;
mod portable;

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
