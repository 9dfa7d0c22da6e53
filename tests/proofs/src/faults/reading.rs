//! Reading a table that cannot be read to its end, in every way that there is.

use super::Told;
use anyhow::{Context, Result, bail, ensure};
use std::any::Any;
use std::num::NonZeroUsize;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;
use strategies::{Answer, AnyTask, Cancel, Choice, Combine, Delivery, Jobs, Setup};
use tasks::Inputs;

/// Rows of a page.
const PAGE: usize = 50;

/// Who meets a fault by reading.
pub(super) const WAYS: [&str; 5] = ["baseline", "sequential", "tokio_blocking", "async_std", BINARY];
pub(super) const BINARY: &str = "goldilocks run";

/// A table to be read that cannot be read to its end.
pub(super) struct Reading {
    task: &'static str,
    url: String,
    table: String,
    /// Seconds that the server may be silent.
    silence: f64,
    /// What the address leads to, as long as it is needed.
    _keep: Option<Box<dyn Any>>,
}

impl Reading {
    /// By one cursor, from a server that may take its time.
    pub(super) fn new(url: String, table: impl Into<String>) -> Self {
        Reading { task: "cursor_pages", url, table: table.into(), silence: 60.0, _keep: None }
    }

    /// By many cursors, each of a range of the table.
    pub(super) fn in_ranges(self) -> Self {
        Reading { task: "cursor_ranges", ..self }
    }

    /// From a server that may be silent for half a second only.
    pub(super) fn impatient(self) -> Self {
        Reading { silence: 0.5, ..self }
    }

    /// Together with what its address leads to.
    pub(super) fn keeping(self, keep: impl Any) -> Self {
        Reading { _keep: Some(Box::new(keep)), ..self }
    }

    fn load(&self) -> Result<Arc<dyn AnyTask>> {
        let mut inputs = Inputs::default();
        inputs.cursor_pages.database_url = Some(self.url.clone());
        inputs.cursor_pages.table = Some(self.table.clone());
        inputs.cursor_pages.silence = self.silence;
        let entry = tasks::find(self.task).with_context(|| format!("no task {}", self.task))?;
        Ok((entry.load)(&inputs)?)
    }

    /// Reads it in one of [`WAYS`], which must fail.
    pub(super) fn by(&self, way: &str) -> Result<Told> {
        let began = Instant::now();
        let error = match way {
            BINARY => return self.by_the_binary(),
            "baseline" => answered(self.load()?.baseline()),
            _ => {
                let strategy = strategies::catalogue::ALL.iter().find(|strategy| strategy.name == way);
                let setup = Setup { workers: NonZeroUsize::MIN, worker: None };
                let mut up = strategy.with_context(|| format!("no strategy {way}"))?.start(&setup)?;
                let ran = strategies::run(&*self.load()?, &mut *up, choice()?, &Cancel::default());
                answered(ran.map(|(outcome, _)| outcome))
            }
        };
        Ok(Told::since(began, error?))
    }

    /// Reads two pages, does `between`, and reads on.
    pub(super) fn interrupted(&self, between: impl FnOnce() -> Result<()>) -> Result<Told> {
        let (mut jobs, gather): (Jobs, _) = self.load()?.jobs(choice()?, &Cancel::default())?;
        for job in jobs.by_ref().take(2) {
            job.run();
        }
        between()?;
        let began = Instant::now();
        for job in jobs {
            job.run();
        }
        Ok(Told::since(began, answered(gather.outcome())?))
    }

    fn by_the_binary(&self) -> Result<Told> {
        let program = testbed::goldilocks();
        let began = Instant::now();
        let ran = Command::new(program)
            .args(["run", "--task", self.task, "--strategy", "sequential", "--samples", "1", "--patience", "30"])
            .args(["--database-url", &self.url, "--table", &self.table, "--size", &PAGE.to_string()])
            .args(["--silence", &self.silence.to_string()])
            .stdin(Stdio::null())
            .output()?;
        let said = String::from_utf8_lossy(&ran.stderr);
        let told = Told::since(began, said.strip_prefix("error: ").context("it does not begin with `error: `")?);
        ensure!(ran.status.code() == Some(1), "it ends with {}", ran.status);
        ensure!(ran.stdout.is_empty(), "it prints {}", String::from_utf8_lossy(&ran.stdout));
        Ok(told)
    }
}

fn choice() -> Result<Choice> {
    let size = NonZeroUsize::new(PAGE).context("a page has rows")?;
    Ok(Choice { size, delivery: Delivery::Gather, combine: Combine::PerPartition })
}

/// The error that reading must end with.
fn answered(outcome: strategies::Result<strategies::Outcome>) -> Result<strategies::Error> {
    match outcome {
        Err(error) => Ok(error),
        Ok(outcome) => {
            let Answer { figures, .. } = outcome.answer()?;
            bail!("it is read as if nothing were wrong: {figures:?}")
        }
    }
}
