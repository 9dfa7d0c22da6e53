//! What Linux tells of a machine and its processes, and files that are whole or absent.

pub mod atomic_file;
pub mod cgroup;
pub mod page_cache;
pub mod sysfs;
