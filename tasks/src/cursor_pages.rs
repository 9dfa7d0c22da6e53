//! The book's cursor: stream a table from PostgreSQL, page by page, and count the words of its names.
//!
//! A partition is a page of one server-side cursor, so that the partition size is the prefetch (the book's is 50).

mod pages;

use crate::digest::Digest;
use crate::words::WordTotals;
use crate::{Entry, Inputs};
use datasets::postgres::{Driver, connect, explain};
use futures_util::TryStreamExt;
use pages::{Page, Pages};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use strategies::{Answer, AnyTask, Error, Partitions, Result, Task};
use tokio_postgres::{Client, Row};

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
#[derive(Debug, Clone, Default, PartialEq, clap::Args, Serialize, Deserialize)]
#[group(id = "cursor_pages")]
pub struct Options {
    /// cursor_pages: the server to use, instead of one that comes up by itself; a schema of our own is made and dropped
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL", help_heading = "Task options")]
    pub database_url: Option<String>,
    /// cursor_pages: a table with product_id and product_name that is there already, instead of one made for the run
    #[arg(long, value_name = "SCHEMA.TABLE", help_heading = "Task options")]
    pub table: Option<String>,
    /// cursor_pages: how many rows the table made for the run has
    #[arg(long, default_value_t = 50_000, value_name = "N", help_heading = "Task options")]
    pub rows: u64,
    /// cursor_pages: how many pages are asked for ahead of the one in use; 1 is what asyncpg does
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64), value_name = "N", help_heading = "Task options")]
    pub depth: u32,
}

/// A table on a server.
pub struct CursorPages {
    url: String,
    query: String,
    depth: usize,
    /// A connection that no run uses at the moment, so that a run begins with its transaction and not with a login.
    idle: Arc<Mutex<Option<Connection>>>,
}

/// Both halves of a connection.
pub(crate) type Connection = (Client, Driver);

/// What pages yield: how many rows, a digest of them, and the words of their names.
#[derive(Default, Serialize, Deserialize)]
pub struct Streamed {
    rows: u64,
    digest: Digest,
    words: WordTotals,
}

fn load(inputs: &Inputs) -> Result<Arc<dyn AnyTask>> {
    let options = &inputs.cursor_pages;
    let missing = |what| Error::task(format!("cursor_pages was not told {what}; `goldilocks` itself sees to that"));
    let url = options.database_url.clone().ok_or_else(|| missing("which server to use"))?;
    let table = options.table.clone().ok_or_else(|| missing("which table to read"))?;
    let query = format!("SELECT product_id, product_name FROM {table}");
    Ok(Arc::new(Arc::new(CursorPages { url, query, depth: options.depth.max(1) as usize, idle: Arc::default() })))
}

fn options(inputs: &Inputs) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("rows".to_owned(), inputs.cursor_pages.rows.to_string()),
        ("depth".to_owned(), inputs.cursor_pages.depth.to_string()),
    ])
}

impl CursorPages {
    fn connection(&self) -> Result<Connection> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
        match idle {
            Some(connection) => Ok(connection),
            None => connect(&self.url).map_err(Error::task),
        }
    }
}

/// One row's columns. Told apart from "db error", the two words that tokio-postgres has for everything.
fn columns(row: &Row) -> Result<(i32, &str)> {
    let column = |error: tokio_postgres::Error| Error::task(explain(&error));
    Ok((row.try_get(0).map_err(column)?, row.try_get(1).map_err(column)?))
}

impl Streamed {
    fn add(&mut self, id: i32, name: &str) {
        self.rows += 1;
        self.digest.add_pair(i64::from(id), name.as_bytes());
        for word in name.split_ascii_whitespace() {
            self.words.add(word.as_bytes(), 1);
        }
    }
}

impl Task for CursorPages {
    type Partition = Page;
    type Partial = Streamed;

    fn partitions(self: &Arc<Self>, size: NonZeroUsize) -> Result<Partitions<Page>> {
        let connection = self.connection()?;
        Ok(Box::new(Pages::open(connection, &self.query, size, self.depth, Arc::clone(&self.idle))?))
    }

    fn map(&self, page: Page, into: &mut Streamed) -> Result<()> {
        page.rows().for_each(|(id, name)| into.add(id, name));
        Ok(())
    }

    fn reduce(into: &mut Streamed, other: Streamed) {
        into.rows += other.rows;
        into.digest.absorb(&other.digest);
        into.words.absorb(other.words);
    }

    /// The plain row stream: one query, no cursor, no pages.
    fn baseline(&self) -> Result<Streamed> {
        let (client, mut driver) = self.connection()?;
        let failed = |error: tokio_postgres::Error| Error::task(format!("while streaming: {}", explain(&error)));
        let streamed = driver.block_on(async {
            let mut streamed = Streamed::default();
            let statement = client.prepare(&self.query).await.map_err(failed)?;
            let rows = client.query_raw(&statement, std::iter::empty::<i32>()).await.map_err(failed)?;
            let mut rows = pin!(rows);
            while let Some(row) = rows.try_next().await.map_err(failed)? {
                let (id, name) = columns(&row)?;
                streamed.add(id, name);
            }
            Ok(streamed)
        })?;
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some((client, driver));
        Ok(streamed)
    }

    fn answer(&self, total: &Streamed) -> Result<Answer> {
        let mut words = Digest::default();
        for (word, count) in total.words.iter() {
            words.add(&[word, &count.to_le_bytes()].concat());
        }
        Ok(Answer {
            digest: format!("{}-{}", total.digest.finish(), words.finish()),
            figures: vec![
                ("rows".to_owned(), total.rows.to_string()),
                ("distinct words".to_owned(), total.words.len().to_string()),
            ],
        })
    }

    /// `word TAB count`, sorted by the words' bytes.
    fn write(&self, total: &Streamed, out: &mut dyn Write) -> std::io::Result<()> {
        for (word, count) in total.words.sorted() {
            out.write_all(word)?;
            writeln!(out, "\t{count}")?;
        }
        Ok(())
    }
}
