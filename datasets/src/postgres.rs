//! A real PostgreSQL server: one that comes up by itself, or a place of our own on a server somebody gave us.
//!
//! How it works:
//!
//! 1. [`discovery`] looks for the server's programs, or takes the address it was given, and says which and why.
//! 2. [`Server::start`] makes a private, throw-away server: a fresh directory, a Unix socket, no TCP port.
//!    `watchdog.rs` has that directory and those processes removed however this program ends. [`Server::with_products`]
//!    keeps the files of a loaded one (`cluster.rs`), so that the next starts from a copy.
//! 3. [`connection`] talks to it from a plain thread, without a runtime.
//! 4. [`install`] is for the set-up command only: nothing is ever downloaded while something is measured.

mod advice;
mod cluster;
pub mod connection;
pub mod discovery;
mod error;
mod given;
pub mod install;
mod memory;
mod own;
mod program;
mod server;
mod socket;
mod user;
mod watchdog;

pub use connection::{Driver, connect};
pub use discovery::{Environment, Found};
pub use error::{Error, Result, explain};
pub use server::{Loaded, Server};
pub use user::User;
