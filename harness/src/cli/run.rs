//! `goldilocks run`: one cell, verified.

use super::values::{positive, seconds, word, workers};
use super::{Places, known_strategy, known_task, not_the_same};
use crate::data::Prepared;
use crate::interrupt::Interrupt;
use crate::measure::child::{self, End};
use crate::measure::protocol::Message;
use crate::plan::cells::baseline;
use crate::{machine, sweep};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use record::{Cell, Times};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tasks::Inputs;

#[derive(Args)]
pub(crate) struct Run {
    /// The task
    #[arg(long)]
    task: String,
    /// The strategy, or `baseline`
    #[arg(long)]
    strategy: String,
    /// How many processors it may use [default: all]
    #[arg(long, value_parser = positive)]
    cores: Option<u64>,
    /// How many jobs may be in progress at one moment [default: as many as cores]
    #[arg(long, value_parser = workers)]
    workers: Option<u64>,
    /// Items in a partition, about [default: the task's own]
    #[arg(long, value_parser = positive)]
    size: Option<u64>,
    /// gather, in_order or as_completed
    #[arg(long, default_value = "gather", value_parser = word::<strategies::Delivery>)]
    delivery: String,
    /// Who adds up first: per_partition, per_worker, tree or sharded
    #[arg(long, default_value = "per_partition", value_parser = word::<strategies::Combine>)]
    combine: String,
    /// How many timed runs, after one that is not timed
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    samples: u32,
    /// Write the whole total here; word totals as TSV, sorted by the words' bytes
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// The time after which it is stopped: 90s, 5m, 1h
    #[arg(long, default_value = "1h", value_parser = seconds)]
    patience: f64,
    #[command(flatten)]
    places: Places,
    #[command(flatten)]
    inputs: Inputs,
}

impl Run {
    pub(crate) fn carry_out(self) -> Result<ExitCode> {
        let entry = known_task(&self.task)?;
        if self.strategy != record::BASELINE {
            known_strategy(&self.strategy)?;
        }
        let processors = machine::processors();
        let cores = self.cores.unwrap_or(processors.len() as u64);
        ensure!(
            cores <= processors.len() as u64,
            "{cores} cores are asked for, and this process may use {}; `--workers {cores}` would oversubscribe them",
            processors.len()
        );
        let cell = Cell {
            task: self.task.clone(),
            strategy: self.strategy.clone(),
            cores: u32::try_from(cores)?,
            workers: u32::try_from(self.workers.unwrap_or(cores)).context("too many workers")?,
            size: self.size.unwrap_or(entry.default_size),
            delivery: self.delivery.clone(),
            combine: self.combine.clone(),
        };
        let interrupt = Interrupt::listen()?;
        let say = |line: &str| eprintln!("{line}");
        not_the_same(self.output.as_deref(), (entry.hooks.data)(&self.inputs).file.as_deref())?;
        let prepared = Prepared::prepare(&[&self.task], self.inputs.clone(), &self.places.data, &interrupt, &say)?;
        if let Some((_, reason)) = prepared.skipped.first() {
            bail!("{} cannot be run: {reason}", self.task);
        }
        let known = self.ask(&baseline(&self.task), &prepared, &processors, None, &interrupt)?;
        let answer = self.ask(&cell, &prepared, &processors, Some(&known), &interrupt)?;
        prepared.end()?;
        let verified = answer.digest == known.digest;
        if self.json {
            println!(
                "{}",
                serde_json::json!({ "cell": cell, "verified": verified, "unfair": answer.unfair,
                    "digest": answer.digest, "answer": answer.figures, "baseline": known.times,
                    "samples": answer.times })
            );
        } else {
            println!(
                "{} {} on {} cores, {} workers, {} {} a partition",
                cell.task, cell.strategy, cell.cores, cell.workers, cell.size, entry.unit
            );
            for (name, value) in &answer.figures {
                println!("  {name}: {value}");
            }
            let (own, baseline) = (median(&answer.times), median(&known.times));
            println!("  answer: {}", if verified { "verified, the same as the baseline's" } else { "WRONG" });
            println!(
                "  median of {}: {} (start {}, reduce {}), {} partitions",
                answer.times.len(),
                shown(own.wall_ns),
                shown(own.start_ns),
                shown(own.reduce_ns),
                own.partitions
            );
            let speed_up = match verified && answer.unfair.is_none() {
                true => format!("so the speed-up is {:.2}", baseline.wall_ns as f64 / own.wall_ns.max(1) as f64),
                false => "and no speed-up".to_owned(),
            };
            println!("  baseline: {}, {speed_up}", shown(baseline.wall_ns));
        }
        let written = self.output.map(|path| format!("; {} holds that of the last run", path.display()));
        ensure!(
            verified,
            "{} gave a wrong answer: {} instead of {}{}",
            cell.strategy,
            answer.digest,
            known.digest,
            written.unwrap_or_default()
        );
        match answer.unfair {
            Some(reason) => bail!("{} was not fair: {reason}", cell.strategy),
            None => Ok(ExitCode::SUCCESS),
        }
    }

    fn ask(
        &self,
        cell: &Cell,
        prepared: &Prepared,
        processors: &[usize],
        known: Option<&Answered>,
        interrupt: &Interrupt,
    ) -> Result<Answered> {
        let mut order = sweep::order(cell, &prepared.inputs, processors, self.samples)?;
        order.output = known.and(self.output.clone());
        order.baseline_cpu_ns = known.map(|known| median(&known.times)).map(|times| times.user_ns + times.system_ns);
        let mut answered = Answered::default();
        let end = child::measure(&order, Duration::from_secs_f64(self.patience), interrupt, |message| {
            match message {
                Message::WarmedUp { digest, figures, .. } => answered.hear(digest, figures, known),
                Message::Sample { digest, figures, times, unfair } => {
                    answered.times.push(*times);
                    answered.unfair = answered.unfair.take().or(unfair.map(|(_, reason)| reason));
                    answered.hear(digest, figures, known);
                }
                Message::Unfair { reason, .. } => answered.unfair = answered.unfair.take().or(Some(reason)),
                Message::Started { .. } | Message::Failed { .. } => {}
            }
            Ok(())
        })?;
        match end {
            End::Done => Ok(answered),
            End::Failed(_, reason) => bail!("{reason}"),
            End::Crashed(reason) | End::Hung(reason) => bail!("{}: {reason}", cell.strategy),
            End::Interrupted => bail!("interrupted"),
        }
    }
}

/// What all runs of a cell said.
#[derive(Default)]
struct Answered {
    digest: String,
    figures: Vec<(String, String)>,
    times: Vec<Times>,
    unfair: Option<String>,
}

impl Answered {
    /// Every run must give the answer that is known: one that did not is the one to show, whatever the others said.
    fn hear(&mut self, digest: String, figures: Vec<(String, String)>, known: Option<&Answered>) {
        if self.digest.is_empty() || known.is_some_and(|known| known.digest == self.digest) {
            (self.digest, self.figures) = (digest, figures);
        }
    }
}

/// The sample whose wall time is in the middle.
fn median(times: &[Times]) -> Times {
    let mut sorted: Vec<&Times> = times.iter().collect();
    sorted.sort_by_key(|times| times.wall_ns);
    sorted.get(sorted.len() / 2).map(|times| (*times).clone()).unwrap_or_default()
}

fn shown(ns: u64) -> String {
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
    fn one_wrong_answer_is_the_one_that_is_shown() {
        let known = Answered { digest: "right".to_owned(), ..Answered::default() };
        for wrong in 0..4 {
            let mut answered = Answered::default();
            for run in 0..4 {
                let digest = if run == wrong { "wrong" } else { "right" };
                answered.hear(digest.to_owned(), Vec::new(), Some(&known));
            }
            assert_eq!(answered.digest, "wrong");
        }
    }
}
