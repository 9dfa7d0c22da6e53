//! Whether the figures of a task can be trusted, in one sentence.

use crate::analysis::environment::{Alarm, Environment};
use crate::analysis::results::{BlockRange, Statement, TaskResults};
use crate::format;
use record::statistics::BLOCKS_FOR_A_VERDICT;

/// The shortest run to which all checks of fairness apply, in nanoseconds.
const SHORT_NS: f64 = 20e6;

/// Says whether the figures of a task can be trusted, and why or why not.
pub fn trust(environment: &Environment, results: &TaskResults) -> Statement {
    Statement::new("trust", sentence(environment, results))
}

fn sentence(environment: &Environment, results: &TaskResults) -> String {
    let alarm = environment.alarm.as_ref();
    let names = || alarm.map(Alarm::worst).unwrap_or_default();
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
    let shortest = results.candidates().iter().filter_map(|it| Some(it.time?.value)).fold(f64::INFINITY, f64::min);
    if shortest < SHORT_NS {
        return format!(
            "With care: a run takes only {}, and some checks of fairness apply from {} on. The compared cells have {blocks}.",
            format::time(shortest),
            format::time(SHORT_NS)
        );
    }
    if environment.run.checks.is_empty() {
        return format!("With care: the machine was not checked. The compared cells have {blocks}.");
    }
    format!("Yes: no check of the machine or the build warned, and the compared cells have {blocks}.")
}
