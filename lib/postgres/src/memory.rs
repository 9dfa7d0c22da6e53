//! How much memory the server keeps the table in.

/// Bytes of a megabyte as PostgreSQL counts them.
const MEGABYTE: u64 = 1 << 20;

/// The size of `shared_buffers` in megabytes for a table of `table_bytes`.
///
/// Four times the table, because PostgreSQL reads a table larger than a quarter of its buffers through a small ring that
/// forgets it again; figures would then depend on chance. At most a quarter of the memory that this process
/// can use.
pub(crate) fn shared_buffers_megabytes(table_bytes: u64, usable_bytes: Option<u64>) -> u64 {
    let wanted = (table_bytes.saturating_mul(4) / MEGABYTE).max(128);
    let bound = usable_bytes.map_or(512, |bytes| bytes / 4 / MEGABYTE).max(16);
    wanted.min(bound)
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
