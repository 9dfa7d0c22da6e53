//! The input data of the tasks.
//!
//! - [`book`]: the four lines of text of the book's example, with their answer;
//! - [`sample`]: a small 1-gram file in git, with its answer;
//! - [`ngrams`]: 1-gram files of any size, generated from a seed;
//! - [`input`]: the files that the user names, made plain if necessary;
//! - [`fetch`]: the real 1-gram file of Google Books, downloaded once;
//! - [`products`]: the rows of the book's `product` table.

#![deny(clippy::print_stdout, clippy::print_stderr)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod book;
mod error;
pub mod fetch;
pub mod input;
mod kept_file;
pub mod ngrams;
pub mod products;
mod random;
pub mod sample;

pub use error::Error;
