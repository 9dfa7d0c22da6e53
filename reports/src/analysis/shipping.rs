//! What strategies without shared memory ship between processes, and how long that takes.

use crate::analysis::results::{CellResult, Samples, TaskResults, median, over_processes};
use record::{Cell, Shipping, Times};
use schemars::JsonSchema;
use serde::Serialize;

/// What one cell shipped. Times are those of one worker, in the median process.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CellShipping {
    /// The cell.
    pub cell: Cell,
    /// A worker's time in the task's own work, in nanoseconds.
    pub task_ns: f64,
    /// A worker's time for encoding requests, and for reading the input that they contain, in nanoseconds.
    pub packing_ns: f64,
    /// A worker's time for pipes and wake-ups, and for decoding and encoding in the worker process, in nanoseconds.
    pub transfer_ns: f64,
    /// A worker's time for decoding partials, in nanoseconds.
    pub unpacking_ns: f64,
    /// The bytes of all requests of a run.
    pub sent_bytes: f64,
    /// The bytes of all answers of a run.
    pub received_bytes: f64,
    /// The number of partitions of a run.
    pub partitions: f64,
}

impl CellShipping {
    /// A worker's time inside jobs, in nanoseconds.
    pub fn in_jobs_ns(&self) -> f64 {
        self.task_ns + self.packing_ns + self.transfer_ns + self.unpacking_ns
    }
}

/// Returns what each sound cell shipped; nothing for cells whose workers share memory, and for older records.
pub(crate) fn shipping(results: &TaskResults, samples: &Samples) -> Vec<CellShipping> {
    let of_cell = |result: &CellResult| {
        let (cell, samples) = (&result.cell, samples.get(&result.cell)?);
        let workers = f64::from(cell.workers.max(1));
        let time = |of: fn(&Shipping) -> u64| {
            over_processes(samples, |times: &Times| Some(of(times.shipping.as_ref()?) as f64 / workers))
        };
        let bytes = |of: fn(&Shipping) -> u64| median(samples, |times| Some(of(times.shipping.as_ref()?) as f64));
        Some(CellShipping {
            cell: cell.clone(),
            task_ns: result.spent?.task,
            packing_ns: time(|shipping| shipping.packing_ns)?,
            transfer_ns: time(|shipping| shipping.transfer_ns)?,
            unpacking_ns: time(|shipping| shipping.unpacking_ns)?,
            sent_bytes: bytes(|shipping| shipping.sent_bytes)?,
            received_bytes: bytes(|shipping| shipping.received_bytes)?,
            partitions: median(samples, |times| Some(times.partitions as f64))?,
        })
    };
    results.cells.iter().filter(|result| result.sound).filter_map(of_cell).collect()
}
