//! Faults between a cursor and its server, and the rules for their reports.
//!
//! A report has at most two lines and arrives within two seconds. It names the SQLSTATE if there is one, the rows read so
//! far, and the next step. It never contains a password, and a fault never ends in success.
//!
//! How it works:
//! 1. A [`Fault`] is provoked on a [`FaultServer`], a private server with tables made for it, or on a [mock](crate::mock).
//!    Most faults occur while a table is read. Every reader is tested on those: the baseline, blocking and asynchronous
//!    strategies, and the binary.
//! 2. [`Summary::add`] waits for the `Report` and judges it by the same rules for all faults.

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

/// All faults on a mock, which need no server.
pub fn on_a_mock() -> Vec<Fault<()>> {
    protocol::faults()
}
