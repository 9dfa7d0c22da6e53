//! The table that a server is opened with: a caller describes it, this crate makes, keeps and checks it.

use tokio_postgres::{Client, Error};

/// A table: its columns, its rows and what the rows follow from.
///
/// The server does the rest: it creates the table, freezes and analyses it, reads it once, counts its rows and keeps the files.
pub trait Contents {
    /// The table's name.
    const TABLE: &'static str;

    /// The table's columns, as `CREATE TABLE` takes them between its parentheses.
    const COLUMNS: &'static str;

    /// How many rows [`fill`](Contents::fill) adds.
    fn rows(&self) -> u64;

    /// About how many bytes the table takes on a server, its index included. The server's buffers follow from it.
    fn bytes(&self) -> u64;

    /// Bytes that change whenever a row changes. Kept files are found by them.
    fn identity(&self) -> Vec<u8>;

    /// Adds all rows to the empty `table`, whose name is qualified and needs no quoting.
    ///
    /// # Errors
    ///
    /// What the server reports.
    fn fill(&self, client: &Client, table: &str) -> impl Future<Output = Result<(), Error>>;
}
