#![doc = include_str!("../README.md")]
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod address;
mod connection;
mod cursor;
mod driver;
mod error;
mod error_hints;
mod explain;
mod metrics;
mod page_size;
mod pages;
mod passfile;
mod scroll;
mod settings;
mod socket;

pub use address::Address;
pub use connection::{connect, connect_unless, connect_within};
pub use cursor::{Cursor, DEFAULT_DEPTH, MAX_DEPTH, Rows};
pub use driver::Driver;
pub use error::{ConnectError, Error};
pub use explain::explain;
pub use metrics::Metrics;
pub use page_size::PageSize;
pub use scroll::ScrollCursor;
