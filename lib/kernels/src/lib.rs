//! Word totals of Google Books 1-grams at memory speed.

pub mod book;
pub mod bytes;
pub mod line;
pub mod prefetch;
pub mod runs;
pub mod words;
