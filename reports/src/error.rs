//! Errors between a record and its report.

/// The result type of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// The error that prevented a report.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be written.
    #[error("cannot write {}: {cause}", path.display())]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// The operating system's error. Not named `source`, because it would be printed twice.
        cause: std::io::Error,
    },
    /// A chart could not be drawn.
    #[error("cannot draw the chart \"{chart}\": {reason}")]
    Chart {
        /// The chart's title.
        chart: String,
        /// The drawing library's message.
        reason: String,
    },
    /// The table of samples could not be written.
    #[error("cannot write the table of samples: {0}")]
    Csv(#[from] csv::Error),
    /// The template could not be filled in.
    #[error("cannot fill in the page's template: {0}")]
    Template(#[from] askama::Error),
}
