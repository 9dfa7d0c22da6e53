//! The result of the tasks on a table: the number of rows and the words of the product names.

use crate::columns::columns;
use crate::connections::{Connections, Trouble};
use crate::digest::Digest;
use crate::named;
use futures_util::TryStreamExt;
use kernels::words::{Run, WordTotals};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::pin::pin;
use strategies::{Answer, Result};
use tokio_postgres::Client;

/// The result for the rows so far: their number, their digest, and the words of their names.
#[derive(Default, Serialize, Deserialize)]
pub struct Products {
    rows: u64,
    digest: Digest,
    words: WordTotals,
}

impl Products {
    /// Adds a row.
    pub fn add(&mut self, id: i32, name: &str) {
        self.rows += 1;
        self.digest.add_pair(i64::from(id), name.as_bytes());
        for word in name.split_ascii_whitespace() {
            self.words.add(Run::of(word.as_bytes(), 1));
        }
    }

    /// Returns the number of rows.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    pub(crate) fn absorb(&mut self, other: Products) {
        self.rows += other.rows;
        self.digest.absorb(&other.digest);
        self.words.absorb(other.words);
    }

    /// Runs the baseline of the tasks on a table: one query, no cursor, no pages. Calls `each` after each row.
    pub(crate) fn plain_stream(connections: &Connections, query: &str, each: impl FnMut()) -> Result<Self> {
        let (mut client, mut driver) = connections.take()?;
        let mut products = Products::default();
        let streamed = driver.block_on(products.stream(&mut client, query, each));
        streamed.map_err(|trouble| trouble.after(products.rows, &driver))?;
        connections.give_back((client, driver));
        Ok(products)
    }

    async fn stream(
        &mut self,
        client: &mut Client,
        query: &str,
        mut each: impl FnMut(),
    ) -> std::result::Result<(), Trouble> {
        let transaction = client.build_transaction().read_only(true).start().await?;
        let statement = transaction.prepare(query).await?;
        {
            let mut rows = pin!(transaction.query_raw(&statement, std::iter::empty::<i32>()).await?);
            while let Some(row) = rows.try_next().await? {
                let (id, name) = columns(&row).map_err(Trouble::Row)?;
                self.add(id, name);
                each();
            }
        }
        transaction.commit().await?;
        Ok(())
    }

    pub(crate) fn answer(&self) -> Answer {
        let mut words = Digest::default();
        for (word, count) in self.words.iter() {
            words.add(&[word, &count.to_le_bytes()].concat());
        }
        Answer {
            digest: format!("{}-{}", self.digest.finish(), words.finish()),
            figures: named::figures([
                ("rows", self.rows.to_string()),
                ("distinct words", self.words.len().to_string()),
            ]),
        }
    }

    /// Writes lines of `word TAB count`, sorted by the bytes of the word.
    pub(crate) fn write(&self, out: &mut dyn Write) -> std::io::Result<()> {
        for (word, count) in self.words.sorted() {
            out.write_all(word)?;
            writeln!(out, "\t{count}")?;
        }
        Ok(())
    }
}
