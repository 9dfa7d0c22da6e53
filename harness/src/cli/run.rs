//! `goldilocks run`: measures one cell and verifies it.

use super::exit::Exit;
use super::options::{Folders, refuse_same_file};
use super::values::{cores, named, positive, seconds, strategy_or_baseline, task, workers};
use crate::counted;
use crate::data::Prepared;
use crate::interrupt::Interrupt;
use crate::machine;
use crate::measure::child::{self, End};
use crate::measure::protocol::{Message, Order};
use crate::plan::cells::Cell;
use anyhow::{Context, Result, bail};
use clap::Args;
use record::Times;
use std::path::PathBuf;
use std::time::Duration;
use strategies::{Combine, Delivery};
use tasks::Inputs;

#[derive(Args)]
#[command(after_help = "\
Examples:
  goldilocks run --task count --strategy rayon        # all cores, the task's own partition size
  goldilocks run -t word_totals -s threads_shared --cores 1 -j 2 --grams 1MB
  goldilocks run -t word_totals -s rayon -o totals.tsv --json")]
pub(crate) struct Run {
    /// The task
    #[arg(short, long, value_parser = task())]
    task: String,
    /// The strategy, or `baseline`
    #[arg(short, long, value_parser = strategy_or_baseline())]
    strategy: String,
    /// The number of cores that it may use [default: all]
    #[arg(long, value_parser = cores)]
    cores: Option<u64>,
    /// Jobs in progress at one moment [default: as many as cores]
    #[arg(short = 'j', long, value_parser = workers)]
    workers: Option<u64>,
    /// The approximate number of items in a partition [default: the task's own]
    #[arg(long, value_parser = positive)]
    size: Option<u64>,
    /// When and in which order partials reach the total
    #[arg(long, default_value = "gather", value_parser = named::<Delivery>(Delivery::ALL.iter().map(|it| it.name())))]
    delivery: Delivery,
    /// Where partials are combined first
    #[arg(long, default_value = "per_partition", value_parser = named::<Combine>(Combine::ALL.iter().map(|it| it.name())))]
    combine: Combine,
    /// The number of timed runs, after one that is not timed
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    samples: u32,
    /// The file for the whole total; word totals as TSV, sorted by the words' bytes
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// The time after which it is stopped: 90s, 5m, 1h
    #[arg(long, default_value = "1h", value_parser = seconds)]
    patience: f64,
    #[command(flatten)]
    folders: Folders,
    #[command(flatten)]
    inputs: Inputs,
}

impl Run {
    pub(crate) fn run(self) -> Result<Exit> {
        let interrupt = Interrupt::listen()?;
        let measured = self.measure(&interrupt);
        match measured {
            Err(_) if interrupt.is_asked() => Err(Exit::Interrupted.error("interrupted; nothing is kept")),
            measured => measured,
        }
    }

    fn measure(&self, interrupt: &Interrupt) -> Result<Exit> {
        let entry = crate::find_task(&self.task).context("the task is gone")?;
        let processors = machine::processors();
        let cores = self.cores.unwrap_or(processors.len() as u64);
        let cell = Cell {
            task: self.task.clone(),
            strategy: self.strategy.clone(),
            cores: u32::try_from(cores)?,
            workers: u32::try_from(self.workers.unwrap_or(cores))?,
            size: self.size.unwrap_or(entry.default_size),
            delivery: self.delivery,
            combine: self.combine,
        };
        let say = |line: &str| eprintln!("{line}");
        refuse_same_file(self.output.as_deref(), (entry.hooks.data)(&self.inputs).file.as_deref())?;
        let prepared = Prepared::prepare(&[&self.task], self.inputs.clone(), &self.folders.data, interrupt, &say)?;
        if let Some((_, reason)) = prepared.skipped.first() {
            bail!("{} cannot run: {reason}", self.task);
        }
        let baseline = match self.samples_of(&Cell::baseline(&self.task), &prepared, &processors, None, interrupt)? {
            Ok(samples) => samples,
            Err(reason) => bail!("{reason}"),
        };
        let measured = self.samples_of(&cell, &prepared, &processors, Some(&baseline), interrupt)?;
        prepared.end()?;
        let samples =
            measured.map_err(|reason| Exit::NotVerified.error(format!("{} failed: {reason}", cell.strategy)))?;
        let verified = samples.digest == baseline.digest;
        if self.json {
            println!(
                "{}",
                serde_json::json!({ "cell": cell.to_record(), "verified": verified, "unfair": samples.unfair,
                    "digest": samples.digest, "answer": samples.figures, "baseline": baseline.times,
                    "samples": samples.times })
            );
        } else {
            print(&cell, entry.unit, &samples, &baseline, verified);
        }
        if !verified {
            let written =
                self.output.as_ref().map(|path| format!("; {} holds the total of the last run", path.display()));
            return Err(Exit::NotVerified.error(format!(
                "{} gave a wrong answer: {} instead of {}{}",
                cell.strategy,
                samples.digest,
                baseline.digest,
                written.unwrap_or_default()
            )));
        }
        match samples.unfair {
            Some(reason) => Err(Exit::NotVerified.error(format!("{} was unfair: {reason}", cell.strategy))),
            None => Ok(Exit::Done),
        }
    }

    /// Measures a cell in a child process. Returns the samples, or the reason why there are none.
    fn samples_of(
        &self,
        cell: &Cell,
        prepared: &Prepared,
        processors: &[usize],
        baseline: Option<&Samples>,
        interrupt: &Interrupt,
    ) -> Result<Result<Samples, String>> {
        let mut order = Order::for_cell(cell, &prepared.inputs, processors, self.samples)?;
        order.output = baseline.and(self.output.clone());
        order.baseline_cpu_ns =
            baseline.map(|baseline| median(&baseline.times)).map(|times| times.user_ns + times.system_ns);
        let mut samples = Samples::default();
        let end = child::measure(&order, Duration::from_secs_f64(self.patience), interrupt, |message| {
            match message {
                Message::WarmedUp { digest, figures, .. } => samples.note_answer(digest, figures, baseline),
                Message::Sample { digest, figures, times, unfair } => {
                    samples.times.push(*times);
                    samples.unfair = samples.unfair.take().or(unfair.map(|(_, reason)| reason));
                    samples.note_answer(digest, figures, baseline);
                }
                Message::Unfair { reason, .. } => samples.unfair = samples.unfair.take().or(Some(reason)),
                Message::Started { .. } | Message::Failed { .. } => {}
            }
            Ok(())
        })?;
        match end {
            End::Done => Ok(Ok(samples)),
            End::Failed(_, reason) | End::Crashed(reason) | End::Hung(reason) => Ok(Err(reason)),
            End::Interrupted => bail!("interrupted"),
        }
    }
}

fn print(cell: &Cell, unit: &str, samples: &Samples, baseline: &Samples, verified: bool) {
    println!(
        "{} {} on {}, {}, {} {unit} per partition",
        cell.task,
        cell.strategy,
        counted(cell.cores.into(), "core"),
        counted(cell.workers.into(), "worker"),
        cell.size
    );
    for (name, value) in &samples.figures {
        println!("  {name}: {value}");
    }
    println!("  answer: {}", if verified { "verified, the same as the baseline's" } else { "WRONG" });
    let (own, plain) = (median(&samples.times), median(&baseline.times));
    println!(
        "  median of {}: {} (start {}, reduce {}), {} partitions",
        samples.times.len(),
        duration(own.wall_ns),
        duration(own.start_ns),
        duration(own.reduce_ns),
        own.partitions
    );
    let speed_up = match verified && samples.unfair.is_none() {
        true => format!("speed-up {:.2}", plain.wall_ns as f64 / own.wall_ns.max(1) as f64),
        false => "no speed-up".to_owned(),
    };
    println!("  baseline: {}, {speed_up}", duration(plain.wall_ns));
}

/// The answers and times of a cell's runs.
#[derive(Default)]
struct Samples {
    digest: String,
    figures: Vec<(String, String)>,
    times: Vec<Times>,
    unfair: Option<String>,
}

impl Samples {
    /// Stores an answer, but never replaces a wrong one, because every run must give the baseline's answer.
    fn note_answer(&mut self, digest: String, figures: Vec<(String, String)>, baseline: Option<&Samples>) {
        if self.digest.is_empty() || baseline.is_some_and(|baseline| baseline.digest == self.digest) {
            (self.digest, self.figures) = (digest, figures);
        }
    }
}

/// Returns the sample with the median wall time.
fn median(times: &[Times]) -> Times {
    let mut sorted: Vec<&Times> = times.iter().collect();
    sorted.sort_by_key(|times| times.wall_ns);
    sorted.get(sorted.len() / 2).map(|times| (*times).clone()).unwrap_or_default()
}

fn duration(ns: u64) -> String {
    match ns {
        0..1_000_000 => format!("{:.1} µs", ns as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.2} ms", ns as f64 / 1e6),
        _ => format!("{:.3} s", ns as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wrong_answer_stays() {
        let baseline = Samples { digest: "right".to_owned(), ..Samples::default() };
        for wrong in 0..4 {
            let mut samples = Samples::default();
            for run in 0..4 {
                let digest = if run == wrong { "wrong" } else { "right" };
                samples.note_answer(digest.to_owned(), Vec::new(), Some(&baseline));
            }
            assert_eq!(samples.digest, "wrong");
        }
    }
}
