//! `goldilocks list`: every task and every strategy.

use super::exit::Exit;
use super::output::{print, print_json};
use anyhow::Result;
use clap::Args;

#[derive(Args)]
#[command(after_help = "\
Examples:
  goldilocks list                                     # names, one line for each
  goldilocks list --json                              # also partition sizes, and when a strategy is good or bad
  goldilocks list --json | jq -r '.strategies[].name' # the names of all strategies")]
pub(crate) struct List {
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl List {
    pub(crate) fn run(self) -> Result<Exit> {
        if self.json {
            let tasks: Vec<_> = tasks::ALL
                .iter()
                .map(|task| {
                    serde_json::json!({ "name": task.name, "about": task.about, "unit": task.unit,
                    "sizes": task.sizes, "default_size": task.default_size })
                })
                .collect();
            let strategies: Vec<_> = crate::strategies()
                .map(|strategy| {
                    let header = strategy.header();
                    serde_json::json!({ "name": strategy.name, "about": header.about, "good": header.good,
                        "bad": header.bad, "trace": header.trace, "exercise": is_exercise(strategy.name) })
                })
                .collect();
            print_json(serde_json::json!({ "tasks": tasks, "strategies": strategies }))?;
            return Ok(Exit::Done);
        }
        let mut text = String::from("tasks\n");
        for task in tasks::ALL {
            text += &format!("  {:<18} {} Partition size in {}.\n", task.name, task.about, task.unit);
        }
        for (title, exercises) in [("strategies", false), ("exercises", true)] {
            text += &format!("{title}\n");
            for strategy in crate::strategies().filter(|strategy| is_exercise(strategy.name) == exercises) {
                text += &format!("  {:<18} {}\n", strategy.name, strategy.header().about);
            }
        }
        print(text)?;
        Ok(Exit::Done)
    }
}

fn is_exercise(name: &str) -> bool {
    strategies::catalogue::find(name).is_none()
}
