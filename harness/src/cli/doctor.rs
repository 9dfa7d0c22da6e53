//! `goldilocks doctor`: what would spoil a measurement here.

use super::Places;
use crate::machine::doctor;
use clap::Args;
use record::Verdict;
use std::process::ExitCode;
use tasks::Inputs;

#[derive(Args)]
pub(crate) struct Doctor {
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    places: Places,
    #[command(flatten)]
    inputs: Inputs,
}

impl Doctor {
    pub(crate) fn carry_out(mut self) -> ExitCode {
        // The files that a sweep would make, if they are there already.
        tasks::ALL.iter().for_each(|task| (task.hooks.reuse)(&mut self.inputs, &self.places.data));
        let tasks: Vec<&str> = tasks::ALL.iter().map(|task| task.name).collect();
        let subject = doctor::Subject {
            tasks: &tasks,
            inputs: &self.inputs,
            cores: usize::MAX,
            runs: &self.places.runs,
            given_server: false,
        };
        let checks = doctor::worst_first(doctor::examine(&doctor::Observations::gather(&subject)));
        let refused = !doctor::refusals(&checks).is_empty();
        if self.json {
            println!("{}", serde_json::json!({ "checks": checks }));
        } else {
            for check in &checks {
                println!("{:<8} {:<15} {}", verdict(check.verdict), check.name, check.sentence);
            }
            let warnings = checks.iter().filter(|check| check.verdict == Verdict::Warn).count();
            let end = if refused { "a sweep would not begin without --anyway" } else { "a sweep would begin" };
            let warnings = if warnings == 1 { "1 warning".to_owned() } else { format!("{warnings} warnings") };
            let unknown = match checks.iter().filter(|check| check.verdict == Verdict::Unknown).count() {
                0 => String::new(),
                unknown => format!(", {unknown} unknown"),
            };
            println!("{} checks, {warnings}{unknown}: {end}", checks.len());
        }
        if refused { ExitCode::FAILURE } else { ExitCode::SUCCESS }
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
