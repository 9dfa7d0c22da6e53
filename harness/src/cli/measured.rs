//! What `goldilocks run` says about the cell that it has measured.

use super::exit::Exit;
use super::output::Output;
use crate::counted;
use crate::plan::cells::Cell;
use anyhow::Result;
use record::statistics::{BLOCKS_FOR_A_VERDICT, BLOCKS_FOR_AN_INTERVAL, Blocks, Estimate, LEVEL, ratio, reach};
use record::{Heartbeat, Times};
use std::collections::BTreeMap;

/// The default number of processes of each side. A verdict needs as many.
pub(super) const PROCESSES: u32 = BLOCKS_FOR_A_VERDICT as u32;

/// The result of a measurement.
pub(super) struct Measured<'a> {
    pub(super) cell: &'a Cell,
    /// The options of the task: name and value.
    pub(super) options: BTreeMap<String, String>,
    pub(super) own: Samples,
    pub(super) baseline: Samples,
    pub(super) verified: bool,
    pub(super) warnings: Vec<String>,
}

impl Measured<'_> {
    /// Returns the speed-up against the baseline. A wrong or unfair strategy has none.
    fn speed_up(&self) -> Option<Estimate> {
        let counts = self.verified && self.own.unfair.is_none();
        counts.then(|| ratio(&self.baseline.blocks(), &self.own.blocks(), LEVEL)).flatten()
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::json!({ "cell": self.cell.to_record(), "options": self.options, "verified": self.verified, "unfair": self.own.unfair,
            "digest": self.own.digest, "answer": self.own.figures, "processes": self.own.processes.len(),
            "speed_up": self.speed_up(), "warnings": self.warnings, "baseline": self.baseline.times(),
            "samples": self.own.times() })
    }

    pub(super) fn text(&self, unit: &str) -> String {
        let (cell, times) = (self.cell, self.own.times());
        let mut text = format!(
            "{} {} on {}, {}, {} per partition\n",
            cell.task,
            cell.strategy,
            counted(cell.cores.into(), "core"),
            counted(cell.workers.into(), "worker"),
            counted(cell.size, unit.trim_end_matches('s'))
        );
        let options: Vec<String> = self.options.iter().map(|(name, value)| format!("{name} {value}")).collect();
        if !options.is_empty() {
            text += &format!("  with {}\n", options.join(", "));
        }
        for (name, value) in &self.own.figures {
            text += &format!("  {name}: {value}\n");
        }
        text +=
            &format!("  answer: {}\n", if self.verified { "verified, the same as the baseline's" } else { "WRONG" });
        let (own, plain) = (median(&times), median(&self.baseline.times()));
        text += &format!(
            "  median of {} in {}: {} (start {}, reduce {}), {}\n",
            counted(times.len() as u64, "run"),
            processes(self.own.processes.len()),
            duration(own.wall_ns),
            duration(own.start_ns),
            duration(own.reduce_ns),
            counted(own.partitions, "partition")
        );
        text += &format!("  baseline: {}, {}\n", duration(plain.wall_ns), self.speed_up_in_words());
        let beats: Vec<Heartbeat> = times.iter().filter_map(|times| times.heartbeat).collect();
        text + &Heartbeat::over(&beats).map_or_else(String::new, heartbeat_in_words)
    }

    fn speed_up_in_words(&self) -> String {
        let count = self.own.processes.len();
        match self.speed_up() {
            None => "no speed-up".to_owned(),
            Some(Estimate { value, interval: None }) => format!(
                "speed-up {value:.2} without an interval, which needs {BLOCKS_FOR_AN_INTERVAL} processes of each side: \
                 `--processes {PROCESSES}` gives one"
            ),
            Some(Estimate { value, interval: Some(interval) }) => {
                let undecided = if interval.contains(1.0) { "; which of the two is faster is not decided" } else { "" };
                format!(
                    "speed-up {value:.2} ({:.2} to {:.2} with {:.0} % confidence){undecided}",
                    interval.low,
                    interval.high,
                    100.0 * reach(count).min(LEVEL)
                )
            }
        }
    }

    pub(super) fn exit(self, output: Option<&Output>) -> Result<Exit> {
        let (strategy, own) = (&self.cell.strategy, self.own);
        if !self.verified {
            let which = if own.processes.len() == 1 { "the last run" } else { "an earlier process" };
            let written = output.map(|output| format!("; {output} holds the total of {which}"));
            return Err(Exit::NotVerified.error(format!(
                "{strategy} gave a wrong answer: {} instead of {}{}",
                own.digest,
                self.baseline.digest,
                written.unwrap_or_default()
            )));
        }
        match own.unfair {
            Some(reason) => Err(Exit::NotVerified.error(format!("{strategy} was unfair: {reason}"))),
            None => Ok(Exit::Done),
        }
    }
}

fn heartbeat_in_words(beat: Heartbeat) -> String {
    format!(
        "  heartbeat {}: a tick of 1 ms was {} late in the median, {} in the 99th percentile, {} at most\n",
        if beat.on_runtime { "on its runtime" } else { "on a thread beside" },
        duration(beat.p50_ns),
        duration(beat.p99_ns),
        duration(beat.max_ns)
    )
}

fn processes(count: usize) -> String {
    if count == 1 { "1 process".to_owned() } else { format!("{count} processes") }
}

/// The answers of a cell and the times of each of its processes.
#[derive(Default)]
pub(super) struct Samples {
    pub(super) digest: String,
    figures: Vec<(String, String)>,
    pub(super) processes: Vec<Vec<Times>>,
    pub(super) unfair: Option<String>,
}

impl Samples {
    /// Stores an answer. A wrong one is kept, so that a single wrong run fails the cell.
    pub(super) fn note_answer(&mut self, digest: String, figures: Vec<(String, String)>, baseline: Option<&Samples>) {
        if self.digest.is_empty() || baseline.is_some_and(|baseline| baseline.digest == self.digest) {
            (self.digest, self.figures) = (digest, figures);
        }
    }

    pub(super) fn times(&self) -> Vec<Times> {
        self.processes.concat()
    }

    /// Returns the wall times. Each process is a block.
    fn blocks(&self) -> Blocks {
        let wall = |times: &Vec<Times>| times.iter().map(|times| times.wall_ns as f64).collect();
        (0..).zip(self.processes.iter().map(wall)).collect()
    }
}

/// Returns the sample with the median wall time.
pub(super) fn median(times: &[Times]) -> Times {
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

    /// What is said about a strategy whose processes took these times in ms. Each of the baseline's took 100 ms.
    fn text(own: &[u64]) -> String {
        let samples = |times: &[u64]| Samples {
            digest: "right".to_owned(),
            processes: times.iter().map(|ms| vec![Times { wall_ns: ms * 1_000_000, ..Times::default() }]).collect(),
            ..Samples::default()
        };
        let (cell, baseline) = (Cell::baseline("count"), samples(&vec![100; own.len()]));
        let (options, warnings) = (BTreeMap::new(), Vec::new());
        Measured { cell: &cell, options, own: samples(own), baseline, verified: true, warnings }.text("numbers")
    }

    #[test]
    fn a_speed_up_has_an_interval_or_says_what_it_lacks() {
        let decided = text(&[50, 50, 50, 50, 50]);
        assert!(decided.contains("speed-up 2.00 (2.00 to 2.00 with 94 % confidence)\n"), "{decided}");
        let undecided = text(&[80, 125, 80, 125, 100]);
        assert!(undecided.contains("which of the two is faster is not decided"), "{undecided}");
        let alone = text(&[50]);
        assert!(alone.contains("speed-up 2.00 without an interval, which needs"), "{alone}");
        assert!(alone.contains("median of 1 run in 1 process: 50.00 ms"), "{alone}");
    }
}
