//! Faults between a cursor and its server, and what must be reported: at most two lines, with the SQLSTATE if there is
//! one, the rows read so far and the next step, within two seconds; never a password, and never success.
//!
//! How it works:
//! 1. A [`Fault`] is provoked on a [`FaultServer`], a private server with tables made for it, or on a [mock](crate::mock).
//!    Most occur while a table is read, and then every reader meets them: the baseline, strategies that block and that
//!    await, and the binary.
//! 2. [`Summary::add`] waits for the [`Report`] and judges it by the same rules for all faults.

mod connect_faults;
mod fault;
mod fault_server;
mod protocol;
mod reading;
mod report;
mod stream;
mod table;

pub use fault::{BAR, Fault, Summary};
pub use fault_server::{FaultServer, host};

/// All faults that need a server.
pub fn on_a_server() -> Vec<Fault<FaultServer>> {
    [connect_faults::faults(), stream::faults(), table::faults()].into_iter().flatten().collect()
}

/// All faults of a mock, which need no server.
pub fn on_a_mock() -> Vec<Fault<()>> {
    protocol::faults()
}
