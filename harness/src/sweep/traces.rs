//! Traces one untimed run of each strategy after the samples.

use super::baseline::Baseline;
use super::recorder::wrong;
use crate::data::Prepared;
use crate::interrupt::Interrupt;
use crate::measure::child::{self, Failure};
use crate::measure::protocol::Order;
use crate::plan::cells::Cell;
use anyhow::Result;
use record::{MOST_SPANS, Status, Trace};
use std::time::Duration;

/// The most attempts to trace a run.
const ATTEMPTS: u32 = 2;

/// Traces a run of a cell. Load can make a run unfair and a server can die, so there is a second attempt. `None` if the user
/// interrupted.
pub(super) fn trace(
    cell: &Cell,
    baseline: &Baseline,
    prepared: &mut Prepared,
    processors: &[usize],
    patience: Duration,
    interrupt: &Interrupt,
) -> Result<Option<Trace>> {
    let order = Order {
        spans: MOST_SPANS,
        baseline_cpu_ns: Some(baseline.cpu_ns()),
        ..Order::for_cell(cell, &prepared.inputs, processors, 1)?
    };
    let patience = patience + baseline.run() * 20;
    let wrong = |digest: &str, figures: &[(String, String)]| wrong(&baseline.note, digest, figures);
    for attempt in 1.. {
        let reason = match child::trace(&order, patience, interrupt, wrong)? {
            None => break,
            Some(Ok(run)) => {
                return Ok(Some(Trace { cell: cell.to_record(), run: Some(run), reason: String::new() }));
            }
            Some(Err(failure)) => match again(&failure, prepared, &cell.task) {
                true if attempt < ATTEMPTS => continue,
                _ => failure.reason,
            },
        };
        return Ok(Some(Trace { cell: cell.to_record(), run: None, reason }));
    }
    Ok(None)
}

/// Whether a second attempt may succeed.
fn again(failure: &Failure, prepared: &mut Prepared, task: &str) -> bool {
    failure.status == Status::Unfair || prepared.revive(task).unwrap_or(false)
}
