//! Two runs beside each other: differences only where the evidence carries them.
//!
//! Runs with other data or another build are not compared at all. Runs from one machine are compared by time, runs from
//! two machines only by shape: by speed-up over each machine's own baseline.

mod notes;
mod refusal;
mod unpaired;

pub use refusal::Refusal;

use self::unpaired::Process;
use crate::analysis::conclusions::listed;
use crate::analysis::results::{Measured, Sweep};
use crate::view::chart::on;
use crate::view::format;
use record::Record;
use record::statistics::{BLOCKS_FOR_A_VERDICT, Blocks, Estimate, Interval, LEVEL, MARGIN};
use record::{Cell, TaskNote};
use serde::Serialize;

/// Two runs, compared. A ratio says how many times as large B's figure is as A's.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The first run.
    pub a: Side,
    /// The second run.
    pub b: Side,
    /// What is compared.
    pub by: By,
    /// The tasks that both measured, in the order of the first run.
    pub tasks: Vec<Compared>,
    /// What else a reader must know.
    pub notes: Vec<String>,
}

/// One of the two runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Side {
    /// The run's id.
    pub run: String,
    /// When it began.
    pub began: String,
    /// The program that measured.
    pub program: String,
    /// The machine, in a few words.
    pub machine: String,
}

/// What two runs are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Times in nanoseconds: both runs are from one machine.
    Time,
    /// Speed-ups over each run's own baseline: the machines differ.
    SpeedUp,
}

/// What was found for one task.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// The task.
    pub task: String,
    /// The finding in one sentence, without the task's name.
    pub sentence: String,
    /// Every cell that was looked at: the baseline if times are compared, then strategies × core counts.
    pub cells: Vec<Difference>,
}

/// One cell in both runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The cell.
    pub cell: Cell,
    /// The first run's time or speed-up.
    pub a: Option<Figure>,
    /// The second run's.
    pub b: Option<Figure>,
    /// How many times as large B's is, with an interval that is corrected for the number of comparisons.
    pub ratio: Option<Figure>,
    /// Speed-up by cores in A and in B, if speed-ups are compared.
    pub efficiency: Option<[f64; 2]>,
    /// The chance of seeing so much without a difference, corrected for the number of comparisons.
    pub chance: Option<f64>,
    /// What may be said.
    pub outcome: Outcome,
    /// Why it is not compared; empty if it is.
    pub reason: String,
}

/// What may be said of a cell in B against A.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It takes less time, or has a greater speed-up.
    Better,
    /// It takes more time, or has a smaller speed-up.
    Worse,
    /// No difference is shown, which does not mean that there is none.
    NoneShown,
    /// It cannot be compared.
    NotCompared,
}

/// A value and its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Figure {
    /// The best single guess.
    pub value: f64,
    /// The interval's lower end; absent with too few blocks.
    pub low: Option<f64>,
    /// Its upper end.
    pub high: Option<f64>,
}

impl From<Estimate> for Figure {
    fn from(estimate: Estimate) -> Self {
        let (low, high) = estimate.interval.map(|interval| (interval.low, interval.high)).unzip();
        Self { value: estimate.value, low, high }
    }
}

impl From<Figure> for Estimate {
    fn from(figure: Figure) -> Self {
        let interval = figure.low.zip(figure.high).map(|(low, high)| Interval { low, high });
        Self { value: figure.value, interval }
    }
}

/// Compares two runs, cell by cell at each task's default partition size.
///
/// A difference is stated if three things hold: both runs have at least [`BLOCKS_FOR_A_VERDICT`] processes of the cell;
/// the interval of the ratio, at a level corrected for the number of comparisons, lies beyond [`MARGIN`] as a whole; and
/// the exact rank test over the processes, corrected likewise, is below `1 - LEVEL`.
///
/// # Errors
/// If the runs' data or builds differ, or they have no task in common.
pub fn compare(a: &Record, b: &Record) -> Result<Comparison, Refusal> {
    let differences = refusal::differences(a, b);
    if !differences.is_empty() {
        return Err(Refusal { runs: [a, b].map(|record| record.run.id.clone()), differences });
    }
    let by = if refusal::same_machine(a, b) { By::Time } else { By::SpeedUp };
    let sweeps: Vec<[Sweep; 2]> = both(a, b).map(|[one, other]| [Sweep::new(a, one), Sweep::new(b, other)]).collect();
    let pairs: Vec<Vec<Pair>> = sweeps.iter().map(|[one, other]| pairs(one, other, by)).collect();
    let count = pairs.iter().flatten().filter(|pair| pair.sides.is_ok()).count();
    let level = 1.0 - (1.0 - LEVEL) / count.max(1) as f64;
    let chances: Vec<f64> = pairs
        .iter()
        .flatten()
        .filter_map(|pair| pair.sides.as_ref().ok())
        .map(|[one, other]| unpaired::chance(&one.processes, &other.processes))
        .collect();
    let mut corrected = unpaired::corrected(&chances).into_iter();
    let tasks: Vec<Compared> = sweeps
        .iter()
        .zip(&pairs)
        .map(|([one, _], pairs)| {
            let cells: Vec<Difference> = pairs.iter().map(|pair| pair.difference(by, level, &mut corrected)).collect();
            Compared { task: one.task.name.clone(), sentence: sentence(&cells, by), cells }
        })
        .collect();
    let notes = notes::notes(a, b, by, &tasks, &pairs);
    Ok(Comparison { a: side(a), b: side(b), by, tasks, notes })
}

/// The tasks that both runs measured.
fn both<'a>(a: &'a Record, b: &'a Record) -> impl Iterator<Item = [&'a TaskNote; 2]> {
    let measured = |record: &Record, name: &str| record.samples.iter().any(|sample| sample.cell.task == name);
    a.run.tasks.iter().filter_map(move |one| {
        let other = b.run.tasks.iter().find(|other| other.name == one.name)?;
        (measured(a, &one.name) && measured(b, &one.name)).then_some([one, other])
    })
}

fn side(record: &Record) -> Side {
    let (run, machine) = (&record.run, &record.run.machine);
    Side {
        run: run.id.clone(),
        began: run.began.clone(),
        program: run.program.clone(),
        machine: format!(
            "{}, {} of {} available, {}",
            machine.processor,
            machine.cores_available,
            on(machine.cores_online),
            format::memory(machine.memory_bytes as f64)
        ),
    }
}

/// One cell in both runs, before anything is said of it.
struct Pair<'a> {
    cell: &'a Cell,
    /// Why it cannot be compared, or both sides of it.
    sides: Result<[Half<'a>; 2], String>,
}

/// One side of a pair.
struct Half<'a> {
    processes: Vec<Process<'a>>,
    shown: Option<Estimate>,
}

fn pairs<'a>(a: &'a Sweep, b: &'a Sweep, by: By) -> Vec<Pair<'a>> {
    let mut pairs = Vec::new();
    if by == By::Time
        && let (Some(one), Some(other)) = (&a.baseline, &b.baseline)
    {
        pairs.push(Pair { cell: one.cell, sides: halves([(one, None), (other, None)]) });
    }
    for (_, strategy) in &a.strategies {
        for cores in a.cores() {
            let Some(one) = a.at(&strategy.name, cores, a.task.default_size) else { continue };
            let Some(other) = b.cells.iter().find(|measured| measured.cell == one.cell) else { continue };
            let sides = match by {
                By::Time => halves([(one, None), (other, None)]),
                By::SpeedUp => match (&a.baseline, &b.baseline) {
                    (Some(plain), Some(another)) => {
                        halves([(one, Some(&plain.blocks)), (other, Some(&another.blocks))])
                    }
                    _ => Err("a run has no sound baseline".into()),
                },
            };
            pairs.push(Pair { cell: one.cell, sides });
        }
    }
    pairs
}

/// Both sides of a cell, each with the baseline of its run if speed-ups are compared.
fn halves<'a>(measured: [(&'a Measured<'a>, Option<&'a Blocks>); 2]) -> Result<[Half<'a>; 2], String> {
    for ((measured, _), run) in measured.iter().zip(["A", "B"]) {
        if !measured.is_sound() {
            let all = measured.samples + measured.failures;
            return Err(format!("{} of {all} samples failed in {run}", measured.failures));
        }
    }
    Ok(measured.map(|(measured, baseline)| Half {
        processes: measured
            .blocks
            .iter()
            .filter_map(|(block, own)| match baseline {
                None => Some(Process { own, baseline: None }),
                Some(baseline) => Some(Process { own, baseline: Some(baseline.get(block)?) }),
            })
            .collect(),
        shown: if baseline.is_some() { measured.speed_up } else { measured.time },
    }))
}

impl Pair<'_> {
    fn difference(&self, by: By, level: f64, corrected: &mut impl Iterator<Item = f64>) -> Difference {
        let cell = self.cell.clone();
        let [one, other] = match &self.sides {
            Ok(sides) => sides,
            Err(reason) => {
                return Difference {
                    cell,
                    a: None,
                    b: None,
                    ratio: None,
                    efficiency: None,
                    chance: None,
                    outcome: Outcome::NotCompared,
                    reason: reason.clone(),
                };
            }
        };
        let chance = corrected.next();
        let ratio = unpaired::ratio(&one.processes, &other.processes, level);
        let enough = one.processes.len().min(other.processes.len()) >= BLOCKS_FOR_A_VERDICT;
        let unlikely = chance.is_some_and(|chance| chance <= 1.0 - LEVEL);
        let interval = ratio.and_then(|ratio| ratio.interval).filter(|_| enough && unlikely);
        let outcome = match interval {
            Some(interval) if interval.low > 1.0 + MARGIN => larger(by),
            Some(interval) if interval.high < 1.0 / (1.0 + MARGIN) => smaller(by),
            _ => Outcome::NoneShown,
        };
        let cores = f64::from(cell.cores.max(1));
        let efficiency = match (by, one.shown, other.shown) {
            (By::SpeedUp, Some(one), Some(other)) => Some([one.value / cores, other.value / cores]),
            _ => None,
        };
        Difference {
            cell,
            a: one.shown.map(Figure::from),
            b: other.shown.map(Figure::from),
            ratio: ratio.map(Figure::from),
            efficiency,
            chance,
            outcome,
            reason: String::new(),
        }
    }
}

fn larger(by: By) -> Outcome {
    if by == By::Time { Outcome::Worse } else { Outcome::Better }
}

fn smaller(by: By) -> Outcome {
    if by == By::Time { Outcome::Better } else { Outcome::Worse }
}

/// What differs, cell by cell; and in how many cells nothing does.
fn sentence(cells: &[Difference], by: By) -> String {
    let of = |outcome: Outcome| cells.iter().filter(move |cell| cell.outcome == outcome);
    let mut parts: Vec<String> = Vec::new();
    for outcome in [Outcome::Worse, Outcome::Better] {
        let named: Vec<String> = of(outcome)
            .map(|found| {
                let ratio = found.ratio.map_or_else(String::new, |ratio| format!(" ({})", times(ratio)));
                format!("{} on {}{ratio}", found.cell.strategy, on(found.cell.cores))
            })
            .collect();
        let word = match (by, outcome) {
            (By::Time, Outcome::Worse) => "slower in B",
            (By::Time, _) => "faster in B",
            (By::SpeedUp, Outcome::Worse) => "of a smaller speed-up in B",
            (By::SpeedUp, _) => "of a greater speed-up in B",
        };
        if !named.is_empty() {
            let names: Vec<&str> = named.iter().map(String::as_str).collect();
            parts.push(format!("{word}: {}", listed(&names)));
        }
    }
    match (parts.is_empty(), of(Outcome::NoneShown).count()) {
        (_, 0) => {}
        (true, alike) => parts.push(format!("no difference shown in {}", cells_in_words(alike))),
        (false, alike) => parts.push(format!("no difference shown in the other {}", cells_in_words(alike))),
    }
    match of(Outcome::NotCompared).count() {
        0 => {}
        out => parts.push(format!("{} not compared", cells_in_words(out))),
    }
    if parts.is_empty() { "the runs have no cell in common.".into() } else { parts.join("; ") + "." }
}

fn cells_in_words(number: usize) -> String {
    if number == 1 { "1 cell".into() } else { format!("{} cells", format::count(number as u64)) }
}

/// `1.10×, 1.08–1.12`: a ratio and its interval, for use inside brackets.
fn times(ratio: Figure) -> String {
    let value = format!("{}×", format::digits(ratio.value));
    match (ratio.low, ratio.high) {
        (Some(low), Some(high)) => format!("{value}, {}–{}", format::digits(low), format::digits(high)),
        _ => value,
    }
}
