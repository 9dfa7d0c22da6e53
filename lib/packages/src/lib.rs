#![doc = include_str!("../README.md")]
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod browser;
pub mod debian;
mod error;
mod host;
pub mod shell;

pub use error::Error;
pub use host::{Host, expand, search_path};
