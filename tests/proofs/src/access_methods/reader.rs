//! A connection that reads a table.

use super::time_breakdown::backend;
use anyhow::Result;
use postgres::{Driver, connect};
use tokio_postgres::Client;

/// A connection, and its server process if that is visible.
pub struct Reader {
    /// The client.
    pub client: Client,
    /// The driver that moves the connection's bytes.
    pub driver: Driver,
    /// The server process.
    pub backend: Option<u32>,
}

impl Reader {
    /// Connects to the server at `url`.
    pub fn open(url: &str) -> Result<Self> {
        let (client, mut driver) = connect(url)?;
        let backend = driver.block_on(backend(url, &client))?;
        Ok(Reader { client, driver, backend })
    }
}
