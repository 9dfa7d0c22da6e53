//! The task `cursor_pages`, which is the cursor of the book. It streams a table from PostgreSQL page by page and counts
//! the words of the names.
//!
//! A partition is a page of one server-side cursor. So the partition size is the `prefetch` of the book (50 rows).

mod fetching;
mod page;
mod pages;

use crate::connections::Connections;
use crate::products::Products;
pub use crate::table::Options;
use crate::{Entry, Inputs, Sizing, table};
pub use page::Page;
use pages::Pages;
use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::Arc;
use strategies::{Answer, AnyTask, Partitions, Result, Task};

/// The entry of this task.
pub const ENTRY: Entry = Entry {
    name: "cursor_pages",
    about: "Streams a table from PostgreSQL through one cursor and counts the words of its names.",
    unit: "rows",
    sizes: &[50, 200, 1_000, 5_000, 20_000],
    default_size: 1_000,
    load,
    options: table::options,
    // One connection sends the rows, however many cores count their words.
    sizing: Some(Sizing { speed_up: |_| 2, ..table::SIZING }),
    hooks: table::HOOKS,
};

/// A table on a server.
pub struct CursorPages {
    connections: Arc<Connections>,
    query: String,
    depth: usize,
}

fn load(inputs: &Inputs) -> Result<Arc<dyn AnyTask>> {
    Ok(Arc::new(Arc::new(CursorPages::of(inputs, ENTRY.name)?)))
}

impl CursorPages {
    /// Makes the task for the table of `inputs`. `task` is the name for error messages.
    pub(crate) fn of(inputs: &Inputs, task: &str) -> Result<Self> {
        let (url, table) = inputs.cursor_pages.place(task)?;
        let connections = Arc::new(Connections::to(url, inputs.cursor_pages.patience()));
        let depth = inputs.cursor_pages.depth as usize;
        Ok(CursorPages { connections, query: table::every_row(&table), depth })
    }

    /// Runs the plain loop, which calls `each` after each row.
    pub(crate) fn plain_stream(&self, each: impl FnMut()) -> Result<Products> {
        Products::plain_stream(&self.connections, &self.query, each)
    }
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
        self.plain_stream(|| ())
    }

    fn answer(&self, total: &Products) -> Result<Answer> {
        Ok(total.answer())
    }

    fn write(&self, total: &Products, out: &mut dyn Write) -> std::io::Result<()> {
        total.write(out)
    }
}
