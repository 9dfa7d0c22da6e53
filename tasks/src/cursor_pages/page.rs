//! A page: some rows of the table. A page owns its data, so that a worker process can receive it.

use serde::{Deserialize, Serialize};
use strategies::{Error, Result};

/// Some rows of the table.
#[derive(Default, Serialize, Deserialize)]
pub struct Page {
    ids: Vec<i32>,
    /// All names in order without separators. `ends` holds the end of each name.
    names: String,
    ends: Vec<u32>,
}

impl Page {
    pub(super) fn push(&mut self, id: i32, name: &str) -> Result<()> {
        self.ids.push(id);
        self.names.push_str(name);
        let end = u32::try_from(self.names.len()).map_err(|_| {
            let rows = self.ids.len();
            Error::task(format!("a page of {rows} rows holds more than 4 GiB; choose a smaller partition size"))
        })?;
        self.ends.push(end);
        Ok(())
    }

    /// Returns the number of rows.
    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = (i32, &str)> {
        let mut begin = 0;
        self.ids.iter().zip(&self.ends).map(move |(id, end)| {
            let name = self.names.get(begin..*end as usize).unwrap_or_default();
            begin = *end as usize;
            (*id, name)
        })
    }
}
