#![doc = include_str!("../README.md")]
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod contents;
pub mod discovery;
mod error;
mod external;
pub mod install;
mod kept_files;
mod leftovers;
mod memory;
mod places;
mod private;
mod processes;
mod program;
mod server;
mod unique;
mod user;
mod watchdog;

pub use contents::Contents;
pub use cursor::{Driver, connect, connect_within, explain};
pub use discovery::{Environment, Installation};
pub use error::{Error, Result};
pub use external::{GivenServer, Limits};
pub use server::{Loaded, Server};
pub use user::User;
