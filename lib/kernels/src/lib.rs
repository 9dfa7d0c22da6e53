#![doc = include_str!("../README.md")]
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod book;
pub mod bytes;
pub mod line;
mod prefetch;
pub mod runs;
pub mod words;
