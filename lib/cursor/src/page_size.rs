//! How many rows to ask for at once.

/// Rows asked for while nothing is known about them.
const FIRST: u32 = 50;

/// How large pages are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageSize {
    /// So many rows; 0 counts as 1.
    Rows(u32),
    /// As many rows as fill so many bytes, by the mean of those that have come. The first page has 50.
    Bytes(u32),
    /// The first page has so many rows, each after it twice as many, until a page fills so many bytes: early rows come
    /// early and late rows come fast.
    SlowStart {
        /// Rows in the first page.
        first: u32,
        /// Bytes of a full page.
        bytes: u32,
    },
}

impl Default for PageSize {
    /// From 50 rows to 32 KiB: larger pages are hardly faster (`just prove cursor sweep`), and waste more when who reads
    /// leaves early. Sixteen such pages are more than a socket holds: before a slow consumer the server waits in the middle
    /// of one, and a `statement_timeout` goes on meanwhile.
    fn default() -> Self {
        PageSize::SlowStart { first: FIRST, bytes: 32 << 10 }
    }
}

impl From<u32> for PageSize {
    fn from(rows: u32) -> Self {
        PageSize::Rows(rows)
    }
}

impl PageSize {
    /// Rows for the next page, after so many pages with so many rows of so many bytes; at least 1.
    pub(super) fn rows(self, pages: u64, rows: u64, bytes: u64) -> u32 {
        // Rows per budget, from the mean: budget / (bytes / rows). A row without columns has no size.
        let filling = |budget: u32| {
            let filling = (u64::from(budget) * rows).checked_div(bytes).unwrap_or(u64::from(FIRST));
            u32::try_from(filling).unwrap_or(u32::MAX)
        };
        let size = match self {
            PageSize::Rows(rows) => rows,
            PageSize::Bytes(budget) => filling(budget),
            PageSize::SlowStart { first, .. } if rows == 0 => first,
            PageSize::SlowStart { first, bytes } => {
                let doublings = u32::try_from(pages).unwrap_or(u32::MAX);
                let grown = u64::from(first) << doublings.min(31);
                u32::try_from(grown).unwrap_or(u32::MAX).min(filling(bytes))
            }
        };
        // An execute counts in an i32, and 0 would mean all rows.
        size.clamp(1, i32::MAX.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_pages_have_what_was_asked_for_and_never_none() {
        assert_eq!(PageSize::from(50).rows(7, 350, 14_000), 50);
        assert_eq!(PageSize::Rows(0).rows(0, 0, 0), 1);
        assert_eq!(PageSize::Rows(u32::MAX).rows(0, 0, 0), i32::MAX.unsigned_abs());
    }

    #[test]
    fn a_budget_is_filled_by_rows_of_the_mean_size() {
        let size = PageSize::Bytes(10_000);
        assert_eq!(size.rows(0, 0, 0), 50);
        assert_eq!(size.rows(1, 50, 50 * 40), 250);
        assert_eq!(size.rows(1, 50, 50 * 20_000), 1, "one row is more than the budget");
    }

    #[test]
    fn a_slow_start_doubles_until_the_budget_is_full() {
        let size = PageSize::SlowStart { first: 50, bytes: 16_000 };
        let sizes: Vec<u32> = (0..6).map(|pages| size.rows(pages, 50 * pages, 50 * pages * 40)).collect();
        assert_eq!(sizes, [50, 100, 200, 400, 400, 400]);
        assert_eq!(size.rows(u64::MAX, 1_000, 1_000), 16_000, "no overflow after many pages");
    }
}
