//! A run in a few words, for a list of runs.

use crate::analysis::Analysis;
use crate::analysis::environment::Alarm;
use crate::format;
use serde::{Deserialize, Serialize};

/// A run in a few words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The time at which the run began.
    pub began: String,
    /// The machine, and the cores that it could use.
    pub machine: String,
    /// The tasks, each with its finding.
    pub findings: Vec<(String, String)>,
    /// The number of strategies, or the name of the only one.
    pub strategies: String,
    /// The number of samples.
    pub samples: u64,
    /// Whether no check warned or refused.
    pub fit: bool,
    /// The checks that warned or refused, or that there was none.
    pub condition: String,
    /// How the run ended, unless it reached its planned end: `interrupted`, `without an end`.
    pub ending: String,
}

impl Summary {
    /// The summary of an analysis.
    pub fn new(analysis: &Analysis) -> Self {
        let environment = &analysis.environment;
        let (run, machine) = (&environment.run, &environment.run.machine);
        let warned = environment.alarm.as_ref().map_or_else(Vec::new, Alarm::subjects);
        let checked = environment.checks().iter().any(|(_, checks)| !checks.is_empty());
        let refused = environment.alarm.as_ref().is_some_and(|alarm| alarm.refused);
        Self {
            began: run.began.clone(),
            machine: format!("{}, {}", machine.processor, format::cores(machine.cores_available)),
            findings: analysis
                .tasks
                .iter()
                .map(|it| (it.results.task.name.clone(), it.finding.headline.clone()))
                .collect(),
            strategies: match run.strategies.as_slice() {
                [only] => only.name.clone(),
                several => format!("{} strategies", several.len()),
            },
            samples: environment.samples as u64,
            fit: checked && warned.is_empty(),
            condition: match (checked, refused) {
                (false, _) => "not checked".into(),
                (true, _) if warned.is_empty() => "fit".into(),
                (true, true) => format!("not fit: {}", warned.join(", ")),
                (true, false) => format!("doubtful: {}", warned.join(", ")),
            },
            ending: match &environment.ended {
                Some(ended) if ended.interrupted => "interrupted".into(),
                Some(_) => String::new(),
                None => "without an end".into(),
            },
        }
    }

    /// The run in one line: its tasks, its size and its end.
    pub fn line(&self) -> String {
        let tasks: Vec<&str> = self.findings.iter().map(|(task, _)| task.as_str()).collect();
        let samples = format!("{} {}", self.samples, if self.samples == 1 { "sample" } else { "samples" });
        let end = if self.ending.is_empty() { String::new() } else { format!(", {}", self.ending) };
        format!("{}; {}, {samples}{end}", tasks.join(", "), self.strategies)
    }
}

/// A run of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The run's id, which is the name of its folder.
    pub id: String,
    /// Whether the folder has a report.
    pub has_report: bool,
    /// The summary, or the reason why the record cannot be read.
    pub summary: Result<Summary, String>,
}

impl Listed {
    /// The address of the report, relative to the list.
    pub fn address(&self) -> String {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let escaped = self.id.bytes().map(|byte| match plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        });
        format!("{}/report.html", escaped.collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_no_sign_of_its_own() {
        let listed = |id: &str| Listed { id: id.into(), has_report: true, summary: Err(String::new()) }.address();
        assert_eq!(listed("20261130-142614-sfda"), "20261130-142614-sfda/report.html");
        assert_eq!(listed("a b/#?\"ä"), "a%20b%2F%23%3F%22%C3%A4/report.html");
    }
}
