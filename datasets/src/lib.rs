//! Data in, nothing computed: where every byte that the tasks read comes from.
//!
//! - [`book`]: the four lines of text counted in the book, with their answer;
//! - [`sample`]: a small 1-gram file kept in git, with its answer;
//! - [`ngrams`]: 1-gram files of any size, made here from a seed;
//! - [`fetch`]: the real 1-gram file of Google Books, downloaded once;
//! - [`postgres`]: a PostgreSQL that comes up by itself;
//! - [`products`]: the rows of the book's `product` table.
//!
//! And for the set-up step, which fetches what the machine lacks:
//!
//! - [`debian`]: packages, installed or unpacked;
//! - [`browser`]: the browser in which the report is tested.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod book;
pub mod browser;
pub mod debian;
mod error;
mod facts;
pub mod fetch;
pub mod ngrams;
pub mod postgres;
pub mod products;
mod random;
pub mod sample;
mod shell;

pub use error::Error;
