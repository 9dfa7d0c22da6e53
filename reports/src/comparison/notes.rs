//! Notes on a comparison that a reader needs besides the figures: about the machines, the evidence and the runs.

use crate::analysis::Analysis;
use crate::comparison::difference::{By, Compared, Difference};
use crate::format;
use record::{BASELINE, Cell};
use std::collections::BTreeSet;

/// Collects the notes of a comparison.
pub(super) fn notes(a: &Analysis, b: &Analysis, by: By, tasks: &[Compared]) -> Vec<String> {
    let mut notes = Vec::new();
    if a.environment.run.id == b.environment.run.id {
        notes.push("A and B are the same run.".into());
    }
    if by == By::SpeedUp {
        notes.push(
            "The machines differ, so times are not compared: only the speed-up over each machine’s own baseline is."
                .into(),
        );
    } else {
        let [one, other] = [a, b].map(|analysis| &analysis.environment.run.machine);
        for (what, one, other) in [("kernel", &one.kernel, &other.kernel), ("system", &one.system, &other.system)] {
            if one != other {
                notes.push(format!("The {what} differs: {one} in A, {other} in B."));
            }
        }
        let shifted = |cell: &&Difference| cell.outcome.is_decided();
        for task in tasks {
            let baseline = task.cells.iter().find(|cell| cell.cell.strategy == BASELINE);
            if let Some(ratio) = baseline.filter(shifted).and_then(|cell| cell.ratio) {
                notes.push(format!(
                    "{}: the plain loop itself takes {} as long in B as in A, so the strategies alone do not \
                     explain the differences.",
                    task.task,
                    format::sentence(format::speed_up(ratio.into()))
                ));
            }
        }
        notes.push(
            "Each run is one session. Anything else that differed between the sessions counts as a difference here."
                .into(),
        );
    }
    notes.extend(interval_with_one(tasks));
    notes.extend(only_in(a, b));
    for (analysis, name) in [(a, "A"), (b, "B")] {
        let environment = &analysis.environment;
        if environment.ended.as_ref().is_none_or(|ended| ended.interrupted) {
            notes.push(format!("{name} did not reach its planned end."));
        }
        if let Some(alarm) = &environment.alarm {
            notes.push(format!(
                "Checks of {name} warned or refused: {}; its report says why.",
                alarm.checks().join(", ")
            ));
        }
        if environment.run.machine.profile != "release" {
            notes.push(format!(
                "{name} is a `{}` build, so it says nothing about a release build.",
                environment.run.machine.profile
            ));
        }
    }
    notes
}

/// A note if a difference is stated although its interval contains 1.
fn interval_with_one(tasks: &[Compared]) -> Option<String> {
    let differs = |cell: &&Difference| cell.outcome.is_decided();
    let contains_one = |cell: &Difference| {
        cell.ratio.and_then(|ratio| ratio.low.zip(ratio.high)).is_some_and(|(low, high)| low <= 1.0 && 1.0 <= high)
    };
    tasks.iter().flat_map(|task| &task.cells).filter(differs).any(contains_one).then(|| {
        "An interval may contain 1 although a difference is stated: all intervals together have to cover the truth, and the \
         test of a difference is sharper than that."
            .into()
    })
}

/// Notes that name the tasks and strategies of only one run.
fn only_in(a: &Analysis, b: &Analysis) -> Vec<String> {
    let named = |analysis: &Analysis, of: fn(&Cell) -> &str| {
        let results = || analysis.tasks.iter().map(|task| &task.results);
        let measured = results().flat_map(|it| it.baseline.iter().chain(&it.cells)).map(|it| &it.cell);
        let failed = results().flat_map(|it| &it.failures).map(|failure| &failure.cell);
        measured.chain(failed).map(|cell| of(cell).to_owned()).collect::<BTreeSet<String>>()
    };
    let mut notes = Vec::new();
    for (what, of) in [
        ("tasks", (|cell: &Cell| cell.task.as_str()) as fn(&Cell) -> &str),
        ("strategies", |cell: &Cell| cell.strategy.as_str()),
    ] {
        let [one, other] = [named(a, of), named(b, of)];
        for (own, others, run) in [(&one, &other, "A"), (&other, &one, "B")] {
            let only: Vec<&str> = own.difference(others).map(String::as_str).collect();
            if !only.is_empty() {
                notes.push(format!("Only {run} has these {what}: {}.", only.join(", ")));
            }
        }
    }
    notes
}
