//! A real PostgreSQL server: one that comes up by itself, or a place of our own on a server somebody gave us.
//!
//! How it works:
//!
//! 1. [`discovery`] looks for the server's programs, or takes the address it was given, and says which and why.
//! 2. [`Server::start`] makes a private, throw-away server: a fresh directory, a Unix socket, no TCP port.
//!    `watchdog.rs` has that directory and those processes removed however this program ends. [`Server::with_products`]
//!    keeps the files of a loaded one (`cluster.rs`), so that the next starts from a copy.
//! 3. [`cursor::connection`] talks to it from a plain thread, without a runtime.
//! 4. [`install`] is for the set-up command only: nothing is ever downloaded while something is measured.

mod cluster;
pub mod discovery;
mod error;
mod external;
pub mod install;
mod memory;
mod private;
mod program;
mod server;
mod user;
mod watchdog;

pub use cursor::{Driver, connect, explain};
pub use discovery::{Environment, Found};
pub use error::{Error, Result};
pub use server::{Loaded, Server};
pub use user::User;
