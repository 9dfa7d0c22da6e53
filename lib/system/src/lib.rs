//! Reads what Linux reports about a machine and its processes, writes files atomically, and prints.
//!
//! - [`sysfs`]: the files below `/proc` and `/sys`, of this machine or copied from another;
//! - [`cgroup`], [`memory`]: the processor and memory limits of this process;
//! - [`process`]: processes and threads: names, parents, processor time, memory;
//! - [`usage`]: resource usage of a process: processor time, page faults, context switches;
//! - [`page_cache`]: the part of a file that is in memory;
//! - [`atomic_file`]: writes a file completely or not at all;
//! - [`printable`]: makes text that others wrote harmless on a terminal;
//! - [`printing`]: prints, without failing when the output has gone away.

#![deny(clippy::print_stdout, clippy::print_stderr)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod atomic_file;
pub mod cgroup;
pub mod memory;
pub mod page_cache;
pub mod printable;
pub mod printing;
pub mod process;
pub mod sysfs;
pub mod usage;
