//! Measures and verifies one cell in a separate process.
//!
//! `child.rs` runs in the harness and `cell.rs` in the measuring process. They share only `protocol.rs`.

pub mod cell;
pub mod census;
pub mod child;
pub mod fairness;
pub mod image;
pub mod last_words;
pub mod limits;
pub mod process;
pub mod protocol;
pub mod resource_usage;
pub mod trace;
pub mod worker;
