//! Programs that a machine lacks: Debian packages, installed or unpacked, and a browser.

pub mod browser;
pub mod debian;
mod error;
mod host;
pub mod shell;

pub use error::Error;
pub use host::{Host, expand};
