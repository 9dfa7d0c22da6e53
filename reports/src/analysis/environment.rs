//! The run, the machine and the build as recorded, with an alarm if a check warned or refused.

use record::{Check, Ended, Record, Run, Skipped, Status, Verdict};
use schemars::JsonSchema;
use serde::Serialize;

/// The run, the machine and the build.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Environment {
    /// The record's first line: the command, the machine, and the checks before the first sample.
    pub run: Run,
    /// The run's end, and the checks after the last sample; `null` if no end is recorded.
    pub ended: Option<Ended>,
    /// The tasks that could not be measured, and why.
    pub skipped: Vec<Skipped>,
    /// The number of times that the sweep was resumed.
    pub resumed: usize,
    /// What is wrong with the last line; `null` unless it was cut off.
    pub torn: Option<String>,
    /// The number of samples, failures included.
    pub samples: usize,
    /// The number of samples that are not verified.
    pub failed: usize,
    /// Whether the processes recorded which cores they were allowed to use.
    pub processors_read_back: bool,
    /// The checks that warned or refused; `null` if none did.
    pub alarm: Option<Alarm>,
}

/// Checks that warned or refused, for the head of the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Alarm {
    /// Whether a check refused, so that the figures mislead.
    pub refused: bool,
    /// The alarm in one sentence.
    pub headline: &'static str,
    /// The checks, refusals first, each with its moments: `before`, `after`, or both.
    pub entries: Vec<(Check, Vec<&'static str>)>,
}

impl Alarm {
    /// The names of the checks, each once.
    pub fn checks(&self) -> Vec<&str> {
        self.names(|_| true)
    }

    /// What the checks are about, refusals first; each once.
    pub fn subjects(&self) -> Vec<&str> {
        self.checks().into_iter().map(subject).collect()
    }

    /// What the checks that refused are about, or all if none did; each once.
    pub fn worst(&self) -> Vec<&str> {
        self.names(|check| !self.refused || check.verdict == Verdict::Refuse).into_iter().map(subject).collect()
    }

    fn names(&self, is_wanted: impl Fn(&Check) -> bool) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for (check, _) in self.entries.iter().filter(|(check, _)| is_wanted(check)) {
            if !names.contains(&check.name.as_str()) {
                names.push(&check.name);
            }
        }
        names
    }
}

/// What a check is about, in words that explain its name; the name if there are none.
pub fn subject(check: &str) -> &str {
    match check {
        "address_layout" => "fixed addresses",
        "affinity" => "sibling hyperthreads open to other programs",
        "clock" => "slow clock",
        "counters" => "hardware counters",
        "database" => "settings of the database",
        "frequency" => "frequency limit",
        "governor" => "frequency governor",
        "heat" => "throttling by heat",
        "huge_pages" => "huge pages by chance",
        "input_nodes" => "input on one NUMA node",
        "memory" => "little free memory",
        "neighbours" => "load of other programs",
        "noise" => "uneven processor time",
        "numa" => "memory moved between NUMA nodes",
        "other_sweeps" => "another sweep",
        "page_cache" => "input not in memory",
        "power" => "battery power",
        "priority" => "low priority",
        "quota" => "processor quota",
        "room" => "little room on the disk",
        "second_threads" => "sibling hyperthreads",
        "steal" => "time given to other virtual machines",
        "swap" => "swapped-out memory",
        "swapping" => "swapping",
        "tracer" => "debugger",
        "turbo" => "turbo",
        other => other,
    }
}

impl Environment {
    pub(crate) fn new(record: &Record) -> Self {
        let mut environment = Self {
            run: record.run.clone(),
            ended: record.ended.clone(),
            skipped: record.skipped.clone(),
            resumed: record.resumed,
            torn: record.torn.clone(),
            samples: record.samples.len(),
            failed: record.samples.iter().filter(|sample| sample.status != Status::Verified).count(),
            processors_read_back: record.samples.iter().any(|sample| !sample.processors.is_empty()),
            alarm: None,
        };
        environment.alarm = environment.alarm();
        environment
    }

    /// The checks before and after measuring.
    pub fn checks(&self) -> [(&'static str, &[Check]); 2] {
        let after = self.ended.as_ref().map_or(&[][..], |ended| &ended.checks);
        [("before", &self.run.checks), ("after", after)]
    }

    /// Whether no check found load, stolen time, a quota or heat that slowed the processors down.
    pub(crate) fn was_quiet(&self) -> bool {
        const LOAD: [&str; 5] = ["neighbours", "noise", "steal", "quota", "heat"];
        let loaded = |check: &Check| check.verdict >= Verdict::Warn && LOAD.contains(&check.name.as_str());
        !self.checks().into_iter().flat_map(|(_, checks)| checks).any(loaded)
    }

    fn alarm(&self) -> Option<Alarm> {
        let mut entries: Vec<(Check, Vec<&'static str>)> = Vec::new();
        for (moment, checks) in self.checks() {
            for check in checks.iter().filter(|check| check.verdict >= Verdict::Warn) {
                match entries.iter_mut().find(|(other, _)| other == check) {
                    Some((_, moments)) => moments.push(moment),
                    None => entries.push((check.clone(), vec![moment])),
                }
            }
        }
        entries.sort_by_key(|(check, _)| std::cmp::Reverse(check.verdict));
        let refused = entries.first()?.0.verdict == Verdict::Refuse;
        let headline = if refused {
            "These figures mislead: the machine or the build was not fit to measure with."
        } else {
            "These figures may be off: the machine or the build was not in order."
        };
        Some(Alarm { refused, headline, entries })
    }
}
