//! The size of pages: how many rows to request at once.

/// Rows of a page while their size is unknown.
const FIRST: u32 = 50;

/// The size of pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageSize {
    /// A number of rows; 0 counts as 1.
    Rows(u32),
    /// As many rows as fill a number of bytes, by the mean size of the rows received. The first page has 50 rows.
    Bytes(u32),
    /// The first page is small and each page after it has twice as many rows, until a page fills `bytes`. So the first rows
    /// arrive early and the later ones fast.
    SlowStart {
        /// Rows in the first page.
        first: u32,
        /// Bytes of a full page.
        bytes: u32,
    },
}

impl Default for PageSize {
    /// From 50 rows to 32 KiB. Larger pages are hardly faster (`just prove cursor prefetch`), and waste more when the reader stops
    /// early. Sixteen such pages are more than a socket buffers: with a slow reader the server waits in the middle of one,
    /// and that time counts towards `statement_timeout`.
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
    /// Rows of the next page, at least 1, after `pages` pages with `rows` rows of `bytes` bytes in all.
    pub(super) fn rows(self, pages: u64, rows: u64, bytes: u64) -> u32 {
        // budget / (bytes / rows): by the mean size of a row. A row without columns has no size.
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
        // An execute counts in an i32; 0 would mean all rows.
        size.clamp(1, i32::MAX.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_pages_have_the_given_size_and_at_least_one_row() {
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
