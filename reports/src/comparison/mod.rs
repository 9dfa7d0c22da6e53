//! Compares two runs and states a difference only where the evidence supports it.
//!
//! Runs with different data or different builds are not compared. Runs from one machine are compared by time. Runs from
//! two machines are compared only by speed-up over each machine's own baseline.

pub mod difference;
mod headline;
mod notes;
pub mod refusal;
pub mod view;

use self::difference::{By, Compared, Comparison, Difference, Figure, Outcome, Pair, Side};
use self::refusal::Refusal;
use crate::analysis::Analysis;
use crate::analysis::results::TaskResults;
use crate::format;
use record::statistics::{LEVEL, holm, rank_test};

/// Compares two runs, cell by cell at each task's default partition size.
///
/// A difference is stated if three conditions hold:
///
/// - Both runs have at least [`BLOCKS_FOR_A_VERDICT`](record::statistics::BLOCKS_FOR_A_VERDICT) processes of the cell.
/// - The p-value of the exact rank test over the processes, corrected for the number of comparisons, is at most `1 - LEVEL`.
/// - The ratio of the medians is beyond [`MARGIN`](record::statistics::MARGIN), in the same direction as the ranks.
///
/// # Errors
/// If the data or the builds of the runs differ, or the runs share no task.
pub fn compare(a: &Analysis, b: &Analysis) -> Result<Comparison, Refusal> {
    let differences = refusal::differences(a, b);
    if !differences.is_empty() {
        return Err(Refusal { runs: [a, b].map(|analysis| analysis.environment.run.id.clone()), differences });
    }
    let by = if refusal::same_machine(a, b) { By::Time } else { By::SpeedUp };
    let common: Vec<[&TaskResults; 2]> = refusal::common_tasks(a, b).collect();
    let pairs: Vec<Vec<Pair>> = common.iter().map(|[one, other]| difference::pairs(one, other, by)).collect();
    let count = pairs.iter().flatten().filter(|pair| pair.sides.is_ok()).count();
    let level = 1.0 - (1.0 - LEVEL) / count.max(1) as f64;
    let chances: Vec<f64> = pairs
        .iter()
        .flatten()
        .filter_map(|pair| pair.sides.as_ref().ok())
        .map(|[one, other]| rank_test(&one.processes, &other.processes))
        .collect();
    let mut corrected = holm(&chances).into_iter();
    let tasks: Vec<Compared> = common
        .iter()
        .zip(&pairs)
        .map(|([one, _], pairs)| {
            let cells: Vec<Difference> = pairs.iter().map(|pair| pair.difference(by, level, &mut corrected)).collect();
            Compared { task: one.task.name.clone(), sentence: sentence(&cells, by), cells }
        })
        .collect();
    let notes = notes::notes(a, b, by, &tasks);
    Ok(Comparison { headline: headline::headline(&tasks, by, &pairs), a: side(a), b: side(b), by, tasks, notes })
}

fn side(analysis: &Analysis) -> Side {
    let (run, machine) = (&analysis.environment.run, &analysis.environment.run.machine);
    Side {
        run: run.id.clone(),
        began: run.began.clone(),
        program: run.program.clone(),
        machine: format!(
            "{}, {} of {} available, {}",
            machine.processor,
            machine.cores_available,
            format::cores(machine.cores_online),
            format::memory(machine.memory_bytes as f64)
        ),
    }
}

/// Names the cells that differ, and counts the others.
fn sentence(cells: &[Difference], by: By) -> String {
    let of = |outcome: Outcome| cells.iter().filter(move |cell| cell.outcome == outcome);
    let mut parts: Vec<String> = Vec::new();
    for outcome in [Outcome::Worse, Outcome::Better] {
        let named: Vec<String> = of(outcome)
            .map(|found| {
                let ratio = found.ratio.map_or_else(String::new, |ratio| format!(" ({})", times(ratio)));
                format!("{} on {}{ratio}", found.cell.strategy, format::cores(found.cell.cores))
            })
            .collect();
        let word = headline::word(by, outcome);
        if !named.is_empty() {
            let names: Vec<&str> = named.iter().map(String::as_str).collect();
            parts.push(format!("{word}: {}", format::names(&names)));
        }
    }
    match (parts.is_empty(), of(Outcome::NoneShown).count()) {
        (_, 0) => {}
        (true, alike) => parts.push(format!("no difference shown in {}", format::cells(alike))),
        (false, alike) => parts.push(format!("no difference shown in the other {}", format::cells(alike))),
    }
    match of(Outcome::NotCompared).count() {
        0 => {}
        out => parts.push(format!("{} not compared", format::cells(out))),
    }
    if parts.is_empty() { "the runs share no cell.".into() } else { parts.join("; ") + "." }
}

/// `1.10×, 1.08–1.12`: a ratio and its interval, for use in parentheses.
fn times(ratio: Figure) -> String {
    let value = format!("{}×", format::digits(ratio.value));
    match (ratio.low, ratio.high) {
        (Some(low), Some(high)) => format!("{value}, {}–{}", format::digits(low), format::digits(high)),
        _ => value,
    }
}
