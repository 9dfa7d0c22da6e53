#![doc = include_str!("../README.md")]

pub mod book;
pub mod bytes;
pub mod line;
mod prefetch;
pub mod runs;
pub mod words;
