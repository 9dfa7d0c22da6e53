//! Prints the median time of each cell of a record, with its 95 % interval:
//!
//! ```sh
//! cargo run -p record --example medians -- reports/runs/<id>/run.jsonl
//! ```
//!
//! Without a path, the example reads the record of version 1 in `tests/records`.

use record::statistics::{Blocks, LEVEL, time};
use record::{Cell, Status};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

fn main() -> record::Result<()> {
    let kept = || concat!(env!("CARGO_MANIFEST_DIR"), "/tests/records/v1.jsonl").into();
    let path: PathBuf = std::env::args_os().nth(1).map_or_else(kept, PathBuf::from);
    let record = record::read(&path)?;

    // The times of each cell by block. A cell with even one unverified sample is left out.
    let mut cells: BTreeMap<&Cell, Blocks> = BTreeMap::new();
    let mut unsound: BTreeSet<&Cell> = BTreeSet::new();
    for sample in &record.samples {
        match &sample.times {
            Some(times) if sample.status == Status::Verified => {
                cells.entry(&sample.cell).or_default().entry(sample.block).or_default().push(times.wall_ns as f64);
            }
            _ => drop(unsound.insert(&sample.cell)),
        }
    }
    for (cell, blocks) in cells.iter().filter(|(cell, _)| !unsound.contains(*cell)) {
        let Some(median) = time(blocks, LEVEL) else { continue };
        let interval = match median.interval {
            Some(interval) => format!("{:.3} to {:.3}", interval.low / 1e6, interval.high / 1e6),
            None => format!("no interval from {} blocks", blocks.len()),
        };
        let Cell { task, strategy, cores, size, .. } = cell;
        println!("{task}, {strategy}, cores {cores}, size {size}: {:.3} ms ({interval})", median.value / 1e6);
    }
    Ok(())
}
