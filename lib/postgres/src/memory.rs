//! How much memory the server may keep the table in.

use std::fs;

/// Bytes of a megabyte as PostgreSQL counts them.
const MEGABYTE: u64 = 1 << 20;

/// The size of `shared_buffers` in megabytes for a table of `table_bytes`.
///
/// Four times the table, because PostgreSQL reads a table larger than a quarter of its buffers through a small ring that
/// forgets it again; figures would then depend on chance. At most a quarter of the available memory.
pub(crate) fn shared_buffers_megabytes(table_bytes: u64, available_bytes: Option<u64>) -> u64 {
    let wanted = (table_bytes.saturating_mul(4) / MEGABYTE).max(128);
    let bound = available_bytes.map_or(512, |bytes| bytes / 4 / MEGABYTE).max(16);
    wanted.min(bound)
}

/// The available memory of this machine, in bytes; `None` where the kernel does not report it.
pub(crate) fn available_bytes() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
        let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kilobytes * 1024)
    });
    // A container's limit; without one the file says "max".
    let container = fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    machine.into_iter().chain(container).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_four_tables_within_a_quarter_of_the_memory() {
        assert_eq!(shared_buffers_megabytes(0, Some(64 << 30)), 128);
        assert_eq!(shared_buffers_megabytes(100 << 20, Some(64 << 30)), 400);
        assert_eq!(shared_buffers_megabytes(100 << 30, Some(8 << 30)), 2048);
        assert_eq!(shared_buffers_megabytes(100 << 30, None), 512);
        assert_eq!(shared_buffers_megabytes(u64::MAX, Some(0)), 16);
    }
}
