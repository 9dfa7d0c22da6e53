//! The book's cursor: stream a table from PostgreSQL, page by page, and count the words of its names.
//!
//! A partition is a page of one server-side cursor, so that the partition size is the prefetch (the book's is 50).

mod pages;

use crate::connections::Connections;
use crate::products::{Products, every_row};
use crate::{Entry, Inputs};
use pages::{Page, Pages};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use strategies::{Answer, AnyTask, Error, Partitions, Result, Task};

/// The task's entry.
pub const ENTRY: Entry = Entry {
    name: "cursor_pages",
    about: "Streams a table from PostgreSQL through one cursor and counts the words of its names.",
    unit: "rows",
    sizes: &[50, 200, 1_000, 5_000, 20_000],
    default_size: 1_000,
    load,
    options,
};

/// Which server, which table, and how to page through it.
#[derive(Debug, Clone, PartialEq, clap::Args, Serialize, Deserialize)]
#[group(id = "cursor_pages")]
pub struct Options {
    /// cursor_*: the server to use, instead of one that comes up by itself; a schema of our own is made and dropped
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL", help_heading = "Task options")]
    pub database_url: Option<String>,
    /// cursor_*: a table with product_id and product_name that is there already, instead of one made for the run
    #[arg(long, value_name = "SCHEMA.TABLE", help_heading = "Task options")]
    pub table: Option<String>,
    /// cursor_*: how many rows the table made for the run has
    #[arg(long, default_value_t = ROWS, value_parser = clap::value_parser!(u64).range(1..), value_name = "N", help_heading = "Task options")]
    pub rows: u64,
    /// cursor_*: how many pages of a cursor are under way, with the one in use; 1 is what asyncpg does
    #[arg(long, default_value_t = DEPTH, value_parser = clap::value_parser!(u32).range(1..=32), value_name = "N", help_heading = "Task options")]
    pub depth: u32,
    /// cursor_*: seconds that the server may say nothing before a run is given up; 0 waits for ever. It is silent, too,
    /// while a view sorts its rows
    #[arg(long, default_value_t = SILENCE, value_parser = seconds, value_name = "SECONDS", help_heading = "Task options")]
    #[serde(default = "silence")]
    pub silence: f64,
}

/// Far longer than a table takes to give its first page, or a view that sorts some million rows: to give up what would
/// have ended well is worse than to wait. Without a limit a network that swallows everything is waited for in vain.
const SILENCE: f64 = 60.0;

fn silence() -> f64 {
    SILENCE
}

fn seconds(text: &str) -> std::result::Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map(|_| seconds).map_err(|error| error.to_string())
}

const ROWS: u64 = 50_000;
const DEPTH: u32 = cursor::DEFAULT_DEPTH as u32;

impl Default for Options {
    fn default() -> Self {
        Options { database_url: None, table: None, rows: ROWS, depth: DEPTH, silence: SILENCE }
    }
}

impl Options {
    /// The server's address, if there is one: a variable that is set to nothing names none.
    pub fn address(&self) -> Option<&str> {
        self.database_url.as_deref().filter(|address| !address.is_empty())
    }

    /// How long the server may say nothing, if there is a limit.
    pub(crate) fn patience(&self) -> Option<Duration> {
        Duration::try_from_secs_f64(self.silence).ok().filter(|limit| !limit.is_zero())
    }

    /// The server's address and the table, for a task of that name.
    pub(crate) fn place(&self, task: &str) -> Result<(String, String)> {
        let missing = |what| Error::task(format!("{task} was not told {what}; `goldilocks` itself sees to that"));
        let url = self.address().ok_or_else(|| missing("which server to use"))?.to_owned();
        let table = self.table.clone().ok_or_else(|| missing("which table to read"))?;
        Ok((url, table))
    }
}

/// A table on a server.
pub struct CursorPages {
    connections: Arc<Connections>,
    query: String,
    depth: usize,
}

fn load(inputs: &Inputs) -> Result<Arc<dyn AnyTask>> {
    let (url, table) = inputs.cursor_pages.place(ENTRY.name)?;
    let connections = Arc::new(Connections::to(url, inputs.cursor_pages.patience()));
    let depth = inputs.cursor_pages.depth as usize;
    Ok(Arc::new(Arc::new(CursorPages { connections, query: every_row(&table), depth })))
}

pub(crate) fn options(inputs: &Inputs) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("rows".to_owned(), inputs.cursor_pages.rows.to_string()),
        ("depth".to_owned(), inputs.cursor_pages.depth.to_string()),
    ])
}

impl Task for CursorPages {
    type Partition = Page;
    type Partial = Products;

    fn partitions(self: &Arc<Self>, size: NonZeroUsize) -> Result<Partitions<Page>> {
        Ok(Box::new(Pages::open(&self.connections, &self.query, size, self.depth)?))
    }

    fn map(&self, page: Page, into: &mut Products) -> Result<()> {
        page.rows().for_each(|(id, name)| into.add(id, name));
        Ok(())
    }

    fn reduce(into: &mut Products, other: Products) {
        into.absorb(other);
    }

    fn baseline(&self) -> Result<Products> {
        Products::plain_stream(&self.connections, &self.query)
    }

    fn answer(&self, total: &Products) -> Result<Answer> {
        Ok(total.answer())
    }

    fn write(&self, total: &Products, out: &mut dyn Write) -> std::io::Result<()> {
        total.write(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_nothing_names_no_server() {
        let address = |url: Option<&str>| {
            let options = Options { database_url: url.map(str::to_owned), ..Options::default() };
            options.address().map(str::to_owned)
        };
        assert_eq!([address(None), address(Some(""))], [None, None]);
        assert_eq!(address(Some("host=/run")).as_deref(), Some("host=/run"));
    }
}
