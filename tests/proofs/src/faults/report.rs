//! The report of a fault.

use std::time::{Duration, Instant};

/// The password in every address that contains one.
pub(super) const PASSWORD: &str = "Tr0ub4dor";

/// The report of a fault.
#[derive(Debug, Clone)]
pub(super) struct Report {
    pub(super) text: String,
    /// The time from the fault to the report.
    pub(super) after: Duration,
}

impl Report {
    /// A report that arrives now. `began` is the moment of the fault.
    pub(super) fn since(began: Instant, text: impl ToString) -> Report {
        Report { text: text.to_string().trim_end().to_owned(), after: began.elapsed() }
    }
}
