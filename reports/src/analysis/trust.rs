//! Whether the figures of a task can be trusted, in one sentence.

use crate::analysis::environment::Environment;
use crate::analysis::results::{BlockRange, Statement, TaskResults};
use crate::format;
use record::statistics::BLOCKS_FOR_A_VERDICT;

/// Says whether the figures of a task can be trusted, and why or why not.
pub fn trust(environment: &Environment, results: &TaskResults) -> Statement {
    Statement::new("trust", sentence(environment, results))
}

fn sentence(environment: &Environment, results: &TaskResults) -> String {
    let alarm = environment.alarm.as_ref();
    let names = || alarm.into_iter().flat_map(|it| &it.entries).map(|(check, _)| &*check.name).collect::<Vec<_>>();
    let candidates = BlockRange::of(results.candidates().into_iter());
    let blocks = format::blocks(candidates.fewest, candidates.most);
    if results.candidates().is_empty() {
        return "No: no strategy has a sound cell.".into();
    }
    if let Some(load) = &results.overload {
        return format!("No: {load}.");
    }
    if alarm.is_some_and(|alarm| alarm.refused) {
        return format!("No: the machine or the build was not fit to measure with ({}).", format::names(&names()));
    }
    if candidates.fewest < BLOCKS_FOR_A_VERDICT {
        return format!("Not yet: the compared cells have {blocks}, and a verdict needs {BLOCKS_FOR_A_VERDICT}.");
    }
    if alarm.is_some() {
        return format!("With care: a check warned ({}). The compared cells have {blocks}.", format::names(&names()));
    }
    if environment.run.checks.is_empty() {
        return format!("With care: the machine was not checked. The compared cells have {blocks}.");
    }
    format!("Yes: no check of the machine or the build warned, and the compared cells have {blocks}.")
}
