//! Starts and runs the worker processes of the strategies `processes` and `processes_by_value`.

use crate::load_task;
use crate::measure::process::die_with;
use crate::measure::{image, last_words};
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::io::BufReader;
use std::path::PathBuf;
use strategies::{Error, Result, WorkerCommand};
use tasks::Inputs;

/// The environment variable that tells a worker process its task.
const TASK: &str = "GOLDILOCKS_TASK";

#[derive(Serialize, Deserialize)]
struct WorkerOrder {
    task: String,
    inputs: Inputs,
    parent: u32,
}

/// Builds the command that starts `program`, which is this program, as a worker process for `task`. `ps` shows `name`.
///
/// # Errors
/// When the inputs cannot be serialised.
pub fn command(program: PathBuf, name: OsString, task: &str, inputs: &Inputs) -> Result<WorkerCommand> {
    let order = WorkerOrder { task: task.to_owned(), inputs: inputs.clone(), parent: std::process::id() };
    let order = serde_json::to_string(&order).map_err(Error::worker)?;
    let environment = vec![(TASK.into(), order.into())];
    Ok(WorkerCommand { program, name, arguments: vec!["worker".into()], environment })
}

/// Loads the task that the environment names, and maps partitions until the pipe closes.
///
/// # Errors
/// When no strategy started this process, the task cannot be loaded, or a pipe breaks.
pub fn serve() -> anyhow::Result<()> {
    image::keep_name();
    last_words::keep_short();
    let order = std::env::var(TASK).with_context(|| {
        format!("{TASK} is not set: the strategy `processes` starts `goldilocks worker`; do not start it by hand")
    })?;
    let order: WorkerOrder = serde_json::from_str(&order).with_context(|| format!("{TASK} is not a task"))?;
    die_with(order.parent)?;
    let (task, _) = load_task(&order.task, &order.inputs)?;
    let (requests, answers) = (std::io::stdin().lock(), std::io::stdout().lock());
    strategies::worker_loop::serve(&*task, &mut BufReader::new(requests), &mut { answers })?;
    Ok(())
}
