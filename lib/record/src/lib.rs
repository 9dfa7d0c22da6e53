//! The record of a run, `run.jsonl`: types, reader, JSON Schema and statistics.
//!
//! `harness` writes these types and `reports` reads them. `FORMAT.md` describes the format.

#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod error;
pub mod line;
pub mod read;
pub mod schema;
pub mod statistics;

pub use error::{Error, Result};
pub use line::*;
pub use read::{Record, read};
