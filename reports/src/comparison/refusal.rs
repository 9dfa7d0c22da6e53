//! The differences that forbid a comparison, or restrict it to speed-ups.

use crate::analysis::Analysis;
use crate::analysis::results::TaskResults;
use crate::format;
use std::collections::BTreeSet;
use std::path::Path;

/// The reasons why two runs are not compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} and {} are not compared: {}", runs[0], runs[1], differences.join(" "))]
pub struct Refusal {
    /// The two runs.
    pub runs: [String; 2],
    /// One sentence for each difference.
    pub differences: Vec<String>,
}

/// The differences that forbid a comparison: different data, different builds, no shared task.
pub(super) fn differences(a: &Analysis, b: &Analysis) -> Vec<String> {
    let mut differences = Vec::new();
    let mut differ = |what: &str, one: &str, other: &str| {
        if one != other {
            differences.push(format!("{what} differs: {one} in A, {other} in B."));
        }
    };
    let [one, other] = [a, b].map(|analysis| &analysis.environment.run.machine);
    differ("The build’s profile", &one.profile, &other.profile);
    differ("The compiler", &one.compiler, &other.compiler);
    for [one, other] in common_tasks(a, b).map(|both| both.map(|results| &results.task)) {
        let name = &one.name;
        let [items, more] = [one, other].map(|task| task.items.map_or_else(|| "unknown".into(), format::count));
        differ(&format!("{name}: the number of {}", one.unit), &items, &more);
        let keys: BTreeSet<&String> = one.options.keys().chain(other.options.keys()).collect();
        for key in keys {
            let [value, another] = [one, other].map(|task| task.options.get(key).map_or("absent", |value| file(value)));
            differ(&format!("{name}: the option {key}"), value, another);
        }
        differ(&format!("{name}: the answer’s digest"), &one.digest, &other.digest);
        let growth = [one, other].map(|task| if task.grown.is_empty() { "the same" } else { "growing" });
        differ(&format!("{name}: the work on more cores"), growth[0], growth[1]);
    }
    if common_tasks(a, b).next().is_none() {
        differences.push("No task was measured in both.".into());
    }
    differences
}

/// The tasks that both runs measured.
pub(super) fn common_tasks<'a>(a: &'a Analysis, b: &'a Analysis) -> impl Iterator<Item = [&'a TaskResults; 2]> {
    let measured =
        |results: &TaskResults| results.baseline.is_some() || !results.cells.is_empty() || !results.failures.is_empty();
    a.tasks.iter().map(|task| &task.results).filter_map(move |one| {
        let other = b.tasks.iter().map(|task| &task.results).find(|other| other.task.name == one.task.name)?;
        (measured(one) && measured(other)).then_some([one, other])
    })
}

/// The last part of a path, because the folder of a file says nothing about its content.
fn file(value: &str) -> &str {
    Path::new(value).file_name().and_then(|name| name.to_str()).unwrap_or(value)
}

pub(super) fn same_machine(a: &Analysis, b: &Analysis) -> bool {
    let [one, other] = [a, b].map(|analysis| &analysis.environment.run.machine);
    // Each kernel release reserves a slightly different amount of memory.
    let memory = one.memory_bytes.abs_diff(other.memory_bytes) <= one.memory_bytes.max(other.memory_bytes) / 50;
    let cores = (one.cores_available, one.cores_online) == (other.cores_available, other.cores_online);
    one.processor == other.processor && cores && memory
}
