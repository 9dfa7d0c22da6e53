//! How a sweep ended.

use anyhow::Error;
use std::path::PathBuf;
use std::time::Duration;

/// The end of a sweep that has a record.
#[derive(Debug)]
pub struct Outcome {
    /// The run's folder.
    pub folder: PathBuf,
    /// The error that ended the sweep early. The record holds what was measured before it.
    pub error: Option<Error>,
    /// The budget that the missing full blocks need, if the budget ended the sweep before them.
    pub wanted_budget: Option<Duration>,
}
