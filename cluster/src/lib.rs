//! Word totals on a distributed engine, through Spark Connect.
//!
//! [`engine`] starts Sail or Apache Spark on this machine, or takes the address of another engine; [`session`] asks for
//! the totals; [`measure`] times that for the record. `goldilocks peers --cluster` runs the binary of this crate.

#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod engine;
pub mod java;
pub mod measure;
mod messages;
pub mod service;
pub mod session;
pub mod setup;
