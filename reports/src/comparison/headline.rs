//! The first sentences of a comparison: how many cells differ, or why nothing is decided.

use crate::comparison::difference::{By, Compared, Difference, Outcome, Pair};
use crate::format;
use record::statistics::{BLOCKS_FOR_A_VERDICT, LEVEL, smallest_p_value};

/// Counts the cells that differ. If none does, gives the reason, or how large a difference may have stayed unseen.
pub(super) fn headline(tasks: &[Compared], by: By, pairs: &[Vec<Pair>]) -> String {
    let cells = || tasks.iter().flat_map(|task| &task.cells);
    let count = |outcome: Outcome| cells().filter(|cell| cell.outcome == outcome).count();
    let all = cells().count();
    let compared = all - count(Outcome::NotCompared);
    if all == 0 {
        return "Nothing is decided: the runs share no cell. Measure the same cells in both.".into();
    }
    if compared == 0 {
        return format!("Nothing is decided: none of {} can be compared, because samples failed.", format::cells(all));
    }
    let differ: Vec<String> = [Outcome::Worse, Outcome::Better]
        .into_iter()
        .filter(|outcome| count(*outcome) > 0)
        .map(|outcome| format!("{} {}", format::count(count(outcome) as u64), word(by, outcome)))
        .collect();
    if differ.is_empty() {
        let why = too_few(pairs).map(|why| format!("Nothing is decided: {why}"));
        return why
            .unwrap_or_else(|| format!("No difference is shown in {}.{}", format::cells(compared), unseen(cells())));
    }
    format!(
        "{} of {} differ: {}.",
        format::count((count(Outcome::Worse) + count(Outcome::Better)) as u64),
        format::cells(compared),
        differ.join(", ")
    )
}

/// The verdict on a cell in which B is better or worse.
pub(super) fn word(by: By, outcome: Outcome) -> &'static str {
    match (by, outcome) {
        (By::Time, Outcome::Worse) => "slower in B",
        (By::Time, _) => "faster in B",
        (By::SpeedUp, Outcome::Worse) => "smaller speed-up in B",
        (By::SpeedUp, _) => "greater speed-up in B",
    }
}

/// The range of ratios that the data leave open in the cell that is known least.
fn unseen<'a>(cells: impl Iterator<Item = &'a Difference>) -> String {
    let intervals = cells.filter_map(|cell| cell.ratio.and_then(|ratio| ratio.low.zip(ratio.high)));
    let widest = intervals.max_by(|one, other| (one.1 / one.0).total_cmp(&(other.1 / other.0)));
    widest.map_or_else(String::new, |(low, high)| {
        let [low, high] = [low, high].map(format::digits);
        format!(" The widest interval of B / A is {low}–{high}: this comparison cannot show a difference inside it.")
    })
}

/// A clause if both runs have too few processes to show even a large difference.
fn too_few(pairs: &[Vec<Pair>]) -> Option<String> {
    let sides: Vec<(usize, usize)> = pairs
        .iter()
        .flatten()
        .filter_map(|pair| pair.sides.as_ref().ok())
        .map(|[one, other]| (one.processes.len(), other.processes.len()))
        .collect();
    let (most_a, most_b) = *sides.iter().max_by_key(|(one, other)| one.min(other))?;
    let bar = (1.0 - LEVEL) / sides.len() as f64;
    let shows =
        |one: usize, other: usize| smallest_p_value(one, other) <= bar && one.min(other) >= BLOCKS_FOR_A_VERDICT;
    let enough = (BLOCKS_FOR_A_VERDICT..).find(|blocks| shows(*blocks, *blocks))?;
    (!shows(most_a, most_b)).then(|| {
        format!(
            "with {most_a} blocks in A and {most_b} in B, {} cannot show any difference, however large. {enough} blocks in \
             each run could.",
            if sides.len() == 1 { "1 comparison".into() } else { format!("{} comparisons", sides.len()) }
        )
    })
}
