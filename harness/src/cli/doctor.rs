//! `goldilocks doctor`: conditions of this machine that would spoil a measurement.

use super::exit::Exit;
use super::options::Folders;
use super::output::{print, print_json};
use crate::machine::doctor;
use anyhow::Result;
use clap::Args;
use record::Verdict;
use tasks::Inputs;

#[derive(Args)]
#[command(after_help = "\
Examples:
  goldilocks doctor                                   # every check, the worst first
  goldilocks doctor --json | jq -r '.checks[].name'   # the names of all checks
  goldilocks doctor --input my-1grams.tsv             # also whether this file fits into memory")]
pub(crate) struct Doctor {
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    folders: Folders,
    #[command(flatten)]
    inputs: Inputs,
}

impl Doctor {
    pub(crate) fn run(mut self) -> Result<Exit> {
        // Use the files that a sweep would make, if they already exist.
        tasks::ALL.iter().for_each(|task| (task.hooks.reuse)(&mut self.inputs, &self.folders.data));
        let tasks: Vec<&str> = tasks::ALL.iter().map(|task| task.name).collect();
        let subject = doctor::Subject {
            tasks: &tasks,
            inputs: &self.inputs,
            cores: usize::MAX,
            runs: &self.folders.runs,
            given_server: false,
        };
        let checks = doctor::worst_first(doctor::examine(&doctor::Observations::gather(&subject)));
        let refused = !doctor::refusals(&checks).is_empty();
        if self.json {
            print_json(serde_json::json!({ "checks": checks }))?;
        } else {
            let mut text = String::new();
            for check in &checks {
                text += &format!("{:<8} {:<15} {}\n", verdict(check.verdict), check.name, check.sentence);
            }
            let warnings = checks.iter().filter(|check| check.verdict == Verdict::Warn).count();
            let end = if refused { "a sweep would refuse to start without --anyway" } else { "a sweep would start" };
            let warnings = if warnings == 1 { "1 warning".to_owned() } else { format!("{warnings} warnings") };
            let unknown = match checks.iter().filter(|check| check.verdict == Verdict::Unknown).count() {
                0 => String::new(),
                unknown => format!(", {unknown} unknown"),
            };
            print(format_args!("{text}{} checks, {warnings}{unknown}: {end}\n", checks.len()))?;
        }
        Ok(if refused { Exit::Failed } else { Exit::Done })
    }
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "ok",
        Verdict::Unknown => "unknown",
        Verdict::Warn => "warn",
        Verdict::Refuse => "refuse",
    }
}
