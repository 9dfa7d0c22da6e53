//! One cell in a process of its own, measured and verified.
//!
//! `child.rs` is the harness's side and `cell.rs` the measuring process; `protocol.rs` is all that they share.

pub mod cell;
pub mod census;
pub mod child;
pub mod fairness;
pub mod process;
pub mod protocol;
pub mod resource_usage;
pub mod worker;
