//! What Linux shows of a machine and its processes, and files that are written as a whole or not at all.
//!
//! - [`sysfs`]: the files below `/proc` and `/sys`, or a copy of another machine's;
//! - [`cgroup`], [`memory`]: how much processor time and memory this process may have;
//! - [`process`]: processes and threads: names, parents, processor time, memory;
//! - [`usage`]: what a process has used: times, faults, switches;
//! - [`page_cache`]: which part of a file is in memory;
//! - [`atomic_file`]: the one writer of files that a reader never sees half of.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod atomic_file;
pub mod cgroup;
pub mod memory;
pub mod page_cache;
pub mod process;
pub mod sysfs;
pub mod usage;
