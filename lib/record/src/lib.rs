//! The record of a run, `run.jsonl`: types, reader, JSON Schema and statistics.
//!
//! `harness` writes these types and `reports` reads them. `FORMAT.md` describes the format.

#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod error;
mod heartbeat;
pub mod lane;
pub mod line;
mod more;
pub mod read;
pub mod schema;
pub mod statistics;
mod tries;

pub use error::{Error, Result};
pub use heartbeat::Heartbeat;
pub use lane::{Lane, Span};
pub use line::*;
pub use read::{Record, read};
pub use tries::forgiven_block;
