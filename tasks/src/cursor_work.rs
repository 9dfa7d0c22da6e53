//! The task `cursor_work`: the rows of `cursor_pages`, with computation of adjustable weight on each.
//!
//! With little work the stream limits the time (I/O-bound), with much work the cores do. In between, a strategy must compute
//! while the next rows travel. The work is the counting loop of `count`: real computation, no sleep. It belongs to the rows, so
//! it is the same for every partition size and for the plain loop. It uses no memory, so it slows down no other core.

use crate::count::kernel::{count_to, proportion};
use crate::cursor_pages::{CursorPages, Page};
use crate::products::Products;
use crate::{Entry, Hooks, Inputs, Preparation, Sizing, Unprepared, named, table};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::Arc;
use strategies::{Answer, AnyTask, Error, Partitions, Result, Task};

/// The entry of this task. It also uses the options of `cursor_pages`: server, table and depth.
pub const ENTRY: Entry = Entry {
    name: "cursor_work",
    about: "Streams a table from PostgreSQL through one cursor and computes for a given time on its rows.",
    unit: "rows",
    sizes: &[50, 200, 1_000, 5_000, 20_000],
    default_size: 1_000,
    load,
    options,
    sizing: Some(Sizing { speed_up: |_| 2, ..table::SIZING }),
    hooks: Hooks { prepare, ..table::HOOKS },
};

/// The rows for which `--work-us` is the time: a page of the default size.
const ROWS: u64 = 1_000;

/// The most work: a minute for [`ROWS`] rows.
const MOST_WORK_US: u64 = 60_000_000;

/// The options of this task.
#[derive(Debug, Clone, PartialEq, clap::Args, Serialize, Deserialize)]
#[group(id = "cursor_work")]
pub struct Options {
    /// cursor_work: computation on 1000 rows, which are a page of the default size, in microseconds of one core
    #[arg(long, default_value_t = WORK_US, value_parser = clap::value_parser!(u64).range(..=MOST_WORK_US), value_name = "N", help_heading = "Task options")]
    pub work_us: u64,
    /// The increments that one core makes in a millisecond. 0 before the preparation has measured it.
    #[arg(skip)]
    #[serde(default)]
    pub increments_per_ms: u64,
}

const WORK_US: u64 = 200;

impl Default for Options {
    fn default() -> Self {
        Options { work_us: WORK_US, increments_per_ms: 0 }
    }
}

/// A table on a server, and the work on each of its rows.
pub struct CursorWork {
    pages: Arc<CursorPages>,
    /// The increments of a row.
    increments: u64,
}

fn load(inputs: &Inputs) -> Result<Arc<dyn AnyTask>> {
    let pages = Arc::new(CursorPages::of(inputs, ENTRY.name)?);
    let Options { work_us, increments_per_ms } = inputs.cursor_work;
    Ok(Arc::new(Arc::new(CursorWork { pages, increments: work_us * increments_per_ms.max(1_000) / (1_000 * ROWS) })))
}

fn options(inputs: &Inputs) -> BTreeMap<String, String> {
    let mut options = table::options(inputs);
    options.extend(named::options([("work-us", inputs.cursor_work.work_us.to_string())]));
    options
}

/// The file in the data folder that keeps the increments of a millisecond.
const CALIBRATION: &str = "increments_per_ms";

/// Prepares the table, and measures how fast one core counts. The data folder keeps the result, so that every process and every
/// run on this machine, also a resumed one, does the same work.
fn prepare(preparation: &mut Preparation) -> std::result::Result<(), Unprepared> {
    (table::HOOKS.prepare)(preparation)?;
    let file = preparation.folder.join(CALIBRATION);
    let kept = std::fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok()).filter(|kept| *kept > 0);
    preparation.inputs.cursor_work.increments_per_ms = kept.unwrap_or_else(|| {
        let (_, ns) = proportion(1_000_000, 9);
        let measured = ((1e6 / ns) as u64).max(1);
        // Without the file, this run still has its own calibration.
        let text = format!("{measured}\n");
        let _ = std::fs::create_dir_all(preparation.folder)
            .and_then(|()| system::atomic_file::write(&file, text.as_bytes()));
        measured
    });
    Ok(())
}

/// The result for the rows so far, and the work done on them.
#[derive(Default, Serialize, Deserialize)]
pub struct Worked {
    products: Products,
    increments: u64,
}

impl Task for CursorWork {
    type Partition = Page;
    type Partial = Worked;

    fn partitions(self: &Arc<Self>, size: NonZeroUsize) -> Result<Partitions<Page>> {
        self.pages.partitions(size)
    }

    fn map(&self, page: Page, into: &mut Worked) -> Result<()> {
        into.increments += count_to(self.increments * page.len() as u64);
        self.pages.map(page, &mut into.products)
    }

    fn reduce(into: &mut Worked, other: Worked) {
        into.increments += other.increments;
        into.products.absorb(other.products);
    }

    fn baseline(&self) -> Result<Worked> {
        let mut increments = 0;
        let products = self.pages.plain_stream(|| increments += count_to(self.increments))?;
        Ok(Worked { products, increments })
    }

    /// Returns the answer of `cursor_pages`, because the calibration must not change it. Checks that the work is complete.
    fn answer(&self, total: &Worked) -> Result<Answer> {
        let all = total.products.rows() * self.increments;
        if total.increments != all {
            return Err(Error::task(format!("{} of {all} increments were made", total.increments)));
        }
        Ok(total.products.answer())
    }

    fn write(&self, total: &Worked, out: &mut dyn Write) -> std::io::Result<()> {
        total.products.write(out)
    }
}
