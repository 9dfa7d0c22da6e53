//! `goldilocks calls`: the calls of the book's chapter 6 side by side, each as one traced run.

use super::exit::Exit;
use super::options::{Folders, announce};
use super::output::{Output, look, print, print_json};
use super::values::{cores, positive, seconds, strategy_or_baseline, task, workers};
use crate::counted;
use crate::data::Prepared;
use crate::interrupt::Interrupt;
use crate::machine;
use crate::measure::child::{self, End, Failure};
use crate::measure::protocol::{Message, Order};
use crate::plan::cells::Cell;
use anyhow::{Context, Result, anyhow, bail};
use clap::builder::TypedValueParser;
use clap::{Args, ValueEnum};
use record::{BASELINE, Fault, MOST_DELIVERIES, Status, TracedRun};
use reports::analysis::calls::CallTimes;
use reports::render::wrap::wrap;
use reports::{render, view};
use std::time::Duration;
use strategies::{Combine, Delivery};
use system::printing::say;
use tasks::Inputs;

#[derive(Args)]
#[command(after_help = "\
Examples:
  goldilocks calls                                    # every call, counting to 1, 3, 5, 22 and 100 000 000
  goldilocks calls --call map,as_completed --trace calls.json       # two of them, also for ui.perfetto.dev
  goldilocks calls --numbers 100000000,22,5,3,1       # the slow one first: its results hold the others up")]
pub(crate) struct Calls {
    /// The calls [default: all]
    #[arg(long = "call", value_enum, value_delimiter = ',', value_name = "CALL")]
    calls: Vec<Call>,
    /// The task whose partitions are the arguments of the calls
    #[arg(short, long, default_value = tasks::ALL[0].name, value_parser = task())]
    task: String,
    /// The strategy that runs the calls, except `start_join`
    #[arg(short, long, default_value = "threads_shared", value_parser = parallel())]
    strategy: String,
    /// The number of cores [default: all]
    #[arg(long, value_parser = cores)]
    cores: Option<u64>,
    /// The number of workers in the pool [default: as many as cores]
    #[arg(short = 'j', long, value_parser = workers)]
    workers: Option<u64>,
    /// The approximate number of items in a partition [default: the smallest of the task]
    #[arg(long, value_parser = positive)]
    size: Option<u64>,
    /// Write the spans of all calls to FILE: Chrome trace JSON for Perfetto, a process for each call
    #[arg(long, value_name = "FILE", value_parser = Output::parser_of("--trace"))]
    trace: Option<Output>,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Stop each call after this time: 90s, 5m, 1h
    #[arg(long, default_value = "10m", value_parser = seconds)]
    patience: f64,
    #[command(flatten)]
    folders: Folders,
    #[command(flatten)]
    pub(super) inputs: Inputs,
}

/// Accepts the name of a strategy.
fn parallel() -> impl TypedValueParser<Value = String> {
    strategy_or_baseline().try_map(|name| match name == BASELINE {
        false => Ok(name),
        true => Err("the baseline has no jobs to call; name a strategy"),
    })
}

/// The strategy of `start_join`: a thread for each call.
const THREAD_PER_CALL: &str = "threads_per_job";

/// The most threads of `start_join` at one moment.
const MOST_THREADS: u64 = 64;

/// A call of Python's `multiprocessing`, `concurrent.futures` or `asyncio`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Call {
    /// A worker for each call: start them all, join one after the other
    StartJoin,
    /// A pool; the caller blocks until the result
    Apply,
    /// A pool; the caller gets a handle at once, and asks the handles in order
    ApplyAsync,
    /// A pool; the caller iterates over the results in the order of the arguments
    Map,
    /// A pool on an event loop; the caller awaits all results together
    Gather,
    /// A pool on an event loop; the caller awaits whichever result comes next
    AsCompleted,
}

impl Call {
    fn name(self) -> &'static str {
        match self {
            Call::StartJoin => "start_join",
            Call::Apply => "apply",
            Call::ApplyAsync => "apply_async",
            Call::Map => "map",
            Call::Gather => "gather",
            Call::AsCompleted => "as_completed",
        }
    }

    fn waits_for(self) -> &'static str {
        match self {
            Call::StartJoin => "each worker, in the order of start",
            Call::Apply => "each call, before the next begins",
            Call::ApplyAsync => "each handle, in the order of calls",
            Call::Map => "each result, in the order of input",
            Call::Gather => "all results together",
            Call::AsCompleted => "whichever result comes next",
        }
    }

    fn delivery(self) -> Delivery {
        match self {
            Call::StartJoin | Call::Apply | Call::ApplyAsync | Call::Map => Delivery::InOrder,
            Call::Gather => Delivery::Gather,
            Call::AsCompleted => Delivery::AsCompleted,
        }
    }

    /// Returns the cell that behaves like this call. `pool` is that of a call with a pool, and `jobs` the number of partitions.
    fn cell(self, pool: &Cell, jobs: Option<u64>) -> Result<Cell> {
        let delivery = self.delivery();
        Ok(match self {
            Call::StartJoin => {
                let threads =
                    jobs.unwrap_or(MOST_THREADS).clamp(u64::from(pool.workers), MOST_THREADS.max(pool.workers.into()));
                Cell {
                    strategy: THREAD_PER_CALL.to_owned(),
                    workers: u32::try_from(threads)?,
                    delivery,
                    ..pool.clone()
                }
            }
            // Other workers of the pool would have nothing to do.
            Call::Apply => Cell { workers: 1, delivery, ..pool.clone() },
            _ => Cell { delivery, ..pool.clone() },
        })
    }
}

impl Calls {
    pub(crate) fn run(self) -> Result<Exit> {
        let interrupt = Interrupt::listen()?;
        match self.compare(&interrupt) {
            Err(_) if interrupt.is_asked() => Err(Exit::Interrupted.error("interrupted; nothing is kept")),
            compared => compared,
        }
    }

    fn compare(&self, interrupt: &Interrupt) -> Result<Exit> {
        let entry = crate::find_task(&self.task).context("the task is gone")?;
        if self.json && self.trace.as_ref().is_some_and(Output::is_standard_output) {
            let sentence = "--json and --trace both go to the standard output; name a file for one";
            return Err(Exit::Usage.error(sentence));
        }
        let check = |inputs: &Inputs| {
            let data = (entry.hooks.data)(inputs);
            let read: Vec<_> = data.named.iter().chain(&data.file).map(|file| ("the input file", &**file)).collect();
            self.trace.iter().try_for_each(|output| output.check(&read))
        };
        check(&self.inputs)?;
        let new_place = self.folders.new_place();
        let prepared =
            Prepared::prepare(&[&self.task], self.inputs.clone(), &self.folders.data, interrupt, &|line| say(line))?;
        new_place.filter(|place| place.exists()).iter().for_each(|place| announce(place));
        if let Some((_, reason)) = prepared.skipped.first() {
            bail!("{} cannot run: {reason}", self.task);
        }
        check(&prepared.inputs)?;
        let cores = self.cores.unwrap_or(machine::processors().len() as u64);
        let pool = Cell {
            task: self.task.clone(),
            strategy: self.strategy.clone(),
            cores: u32::try_from(cores)?,
            workers: u32::try_from(self.workers.unwrap_or(cores))?,
            size: self.size.or(entry.sizes.first().copied()).unwrap_or(1),
            delivery: Delivery::Gather,
            combine: Combine::PerPartition,
        };
        let digest = self.baseline(&prepared, interrupt)?;
        let (task, _) = crate::load_task(&self.task, &prepared.inputs).map_err(|error| anyhow!("{error}"))?;
        let jobs = task.items().map(|items| items.div_ceil(pool.size));
        let named = if self.calls.is_empty() { Call::value_variants() } else { &self.calls };
        let mut runs = Vec::new();
        for call in named {
            let cell = call.cell(&pool, jobs)?;
            let run = self.traced(*call, &cell, &digest, &prepared, interrupt)?;
            runs.push((*call, cell.to_record(), run));
        }
        prepared.end()?;
        self.show(&pool, &runs)
    }

    /// Returns the digest of the plain loop's answer.
    fn baseline(&self, prepared: &Prepared, interrupt: &Interrupt) -> Result<String> {
        let cell = Cell::baseline(&self.task);
        let order = Order { warm_ups: 0, ..Order::for_cell(&cell, &prepared.inputs, &machine::processors(), 1)? };
        let mut answer = String::new();
        let end = child::measure(&order, self.patience(), interrupt, |message| {
            if let Message::Sample { digest, .. } = message {
                answer = digest;
            }
            Ok(())
        })?;
        match end {
            End::Done => Ok(answer),
            // The reason of an input that the task rejects needs no other words.
            End::Failed(failure) if failure.status == Status::Failed => Err(anyhow!(failure.reason)),
            End::Failed(failure) => Err(anyhow!("the plain loop of {} failed: {}", self.task, failure.reason)),
            End::Interrupted => bail!("interrupted"),
        }
    }

    /// Runs a call twice, and traces the second run.
    fn traced(
        &self,
        call: Call,
        cell: &Cell,
        digest: &str,
        prepared: &Prepared,
        interrupt: &Interrupt,
    ) -> Result<TracedRun> {
        let order = Order {
            // One more than the results that a trace has times of.
            spans: MOST_DELIVERIES + 1,
            ..Order::for_cell(cell, &prepared.inputs, &machine::processors(), 1)?
        };
        let wrong = |other: &str, _: &[(String, String)]| {
            let reason = || format!("its answer has the digest {other}, the baseline's has {digest}");
            (other != digest).then(|| Failure::of(Status::Wrong, Fault::WrongAnswer, reason()))
        };
        match child::trace(&order, self.patience(), interrupt, wrong)? {
            None => bail!("interrupted"),
            Some(Ok(run)) => Ok(run),
            Some(Err(failure)) => Err(Exit::NotVerified.error(format!("{} failed: {}", call.name(), failure.reason))),
        }
    }

    fn patience(&self) -> Duration {
        Duration::from_secs_f64(self.patience)
    }

    fn show(&self, pool: &Cell, runs: &[(Call, record::Cell, TracedRun)]) -> Result<Exit> {
        let mut calls = Vec::new();
        for (call, cell, run) in runs {
            let times = CallTimes::of(cell, run).ok_or_else(|| {
                Exit::Usage.error(match run.jobs {
                    0 => format!("the input of {} is empty, so there is nothing to call", self.task),
                    jobs => format!(
                        "{} are too many to follow each result; at most {MOST_DELIVERIES} are, so choose a larger --size",
                        counted(jobs, "partition")
                    ),
                })
            })?;
            calls.push(view::calls::Call { name: call.name(), waits_for: call.waits_for(), cell, times, run });
        }
        if let Some(output) = &self.trace {
            let named: Vec<(String, &TracedRun)> =
                calls.iter().map(|call| (format!("{}: waits for {}", call.name, call.waits_for), call.run)).collect();
            output.fill(|out| render::trace::write_several(&named, out))?;
            output.file().iter().for_each(|file| say(format_args!("trace: {}", file.display())));
        }
        if self.json {
            let all = calls.iter().map(|call| {
                serde_json::json!({ "call": call.name, "waits_for": call.waits_for, "cell": call.cell,
                    "times": call.times, "delivered_ns": call.run.delivered_ns })
            });
            print_json(serde_json::Value::Array(all.collect()))?;
            return Ok(Exit::Done);
        }
        let head = format!(
            "{} in {} by {} with {} on {}",
            pool.task,
            counted(calls.first().map_or(0, |call| call.run.jobs), "call"),
            pool.strategy,
            counted(pool.workers.into(), "worker"),
            counted(pool.cores.into(), "core"),
        );
        let started = runs.iter().find(|(call, ..)| *call == Call::StartJoin).map(|(_, cell, _)| cell.workers);
        let of_threads = |most| format!("; start_join by a thread for each call, at most {most} at once");
        let head = head + &started.map_or_else(String::new, of_threads);
        let look = look(false);
        let text = format!("{}\n{}", wrap(&head, look.width, "", "  "), render::calls::text(&calls, &look));
        if self.trace.as_ref().is_some_and(Output::is_standard_output) {
            say(text.trim_end())
        } else {
            print(text)?
        }
        Ok(Exit::Done)
    }
}
