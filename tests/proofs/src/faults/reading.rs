//! A table that cannot be read to its end, and its readers.

use super::report::Report;
use anyhow::{Context, Result, bail, ensure};
use std::any::Any;
use std::num::NonZeroUsize;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;
use strategies::{Answer, AnyTask, Cancel, Choice, Combine, Delivery, Setup};
use tasks::Inputs;

/// Rows of a page.
const PAGE: usize = 50;

/// All readers.
pub(super) const READERS: [&str; 5] = ["baseline", "sequential", "tokio_blocking", "async_std", BINARY];
pub(super) const BINARY: &str = "goldilocks run";

/// A table that cannot be read to its end.
pub(super) struct Reading {
    task: &'static str,
    url: String,
    table: String,
    /// Seconds without server traffic after which a read fails.
    silence: f64,
    /// A server or proxy that must live as long as this value.
    _keep: Option<Box<dyn Any>>,
}

impl Reading {
    /// A table that one cursor reads.
    pub(super) fn new(url: String, table: impl Into<String>) -> Self {
        Reading { task: "cursor_pages", url, table: table.into(), silence: 60.0, _keep: None }
    }

    /// The same table, read by many cursors in ranges.
    pub(super) fn in_ranges(self) -> Self {
        Reading { task: "cursor_ranges", ..self }
    }

    /// Sets the limit without server traffic to half a second.
    pub(super) fn impatient(self) -> Self {
        Reading { silence: 0.5, ..self }
    }

    /// Stores a server or proxy that must live as long as this value.
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

    /// Reads the table with one of the [`READERS`], which must fail.
    pub(super) fn by(&self, reader: &str) -> Result<Report> {
        let began = Instant::now();
        let error = match reader {
            BINARY => return self.by_the_binary(),
            "baseline" => error(self.load()?.baseline()),
            _ => {
                let strategy = strategies::catalogue::find(reader).with_context(|| format!("no strategy {reader}"))?;
                let mut up = strategy.start(&Setup { workers: NonZeroUsize::MIN, worker: None })?;
                let ran = strategies::run(&*self.load()?, &mut *up, choice()?, &Cancel::default());
                error(ran.map(|(outcome, _)| outcome))
            }
        };
        Ok(Report::since(began, error?))
    }

    /// Reads two pages, calls `between`, and continues to read.
    pub(super) fn interrupted(&self, between: impl FnOnce() -> Result<()>) -> Result<Report> {
        let (mut jobs, gather) = self.load()?.jobs(choice()?, &Cancel::default())?;
        jobs.by_ref().take(2).for_each(strategies::Job::run);
        between()?;
        let began = Instant::now();
        jobs.for_each(strategies::Job::run);
        Ok(Report::since(began, error(gather.outcome())?))
    }

    fn by_the_binary(&self) -> Result<Report> {
        let program = testbed::goldilocks();
        let began = Instant::now();
        let ran = Command::new(program)
            .args(["run", "--task", self.task, "--strategy", "sequential", "--samples", "1", "--patience", "30"])
            .args(["--processes", "1"])
            // As an option, an address with a password gives a warning.
            .env("DATABASE_URL", &self.url)
            .args(["--table", &self.table, "--size", &PAGE.to_string()])
            .args(["--silence", &self.silence.to_string()])
            .stdin(Stdio::null())
            .output()?;
        let printed = String::from_utf8_lossy(&ran.stderr);
        let text = printed.strip_prefix("error: ").context("it does not begin with `error: `")?;
        let report = Report::since(began, text);
        // 1 if the baseline fails too, 3 if only the samples do.
        ensure!(matches!(ran.status.code(), Some(1 | 3)), "it ends with {}", ran.status);
        ensure!(ran.stdout.is_empty(), "it prints {}", String::from_utf8_lossy(&ran.stdout));
        Ok(report)
    }
}

fn choice() -> Result<Choice> {
    let size = NonZeroUsize::new(PAGE).context("a page has rows")?;
    Ok(Choice { size, delivery: Delivery::Gather, combine: Combine::PerPartition })
}

/// Returns the error of a read, and fails if the read succeeded.
fn error(outcome: strategies::Result<strategies::Outcome>) -> Result<strategies::Error> {
    match outcome {
        Err(error) => Ok(error),
        Ok(outcome) => {
            let Answer { figures, .. } = outcome.answer()?;
            bail!("it reads the table without an error: {figures:?}")
        }
    }
}
