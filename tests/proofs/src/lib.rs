//! The parts with which `prove` and the tests check the promises: access methods, faults, cheats, interruptions,
//! simulations, twins.

pub mod access_methods;
pub mod aliases;
pub mod crosscheck;
pub mod delayed_wire;
pub mod fault_proxy;
pub mod faults;
pub mod instruments;
pub mod interruption;
pub mod killed_workers;
pub mod mock;
pub mod overhead;
pub mod sabotage;
pub mod statistics;
pub mod twins;
mod worker_process;
pub mod writers;
