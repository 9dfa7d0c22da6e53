//! What can go wrong between a record and its page, said so that the reader knows what to do next.

/// What a function of this crate returns.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a page could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be written.
    #[error("cannot write {}: {cause}", path.display())]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// What the system said. Not called the source, for then it would be told twice.
        cause: std::io::Error,
    },
    /// A chart could not be drawn.
    #[error("cannot draw the chart \"{chart}\": {reason}")]
    Chart {
        /// The chart's title.
        chart: String,
        /// What the drawing library said.
        reason: String,
    },
    /// The table of samples could not be written.
    #[error("cannot write the table of samples: {0}")]
    Csv(#[from] csv::Error),
    /// The template could not be filled in.
    #[error("cannot fill in the page's template: {0}")]
    Template(#[from] askama::Error),
}
