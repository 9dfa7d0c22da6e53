//! One cell in two runs: what may be said of the difference.

use crate::analysis::results::{CellResult, TaskResults};
use crate::comparison::unpaired::{self, Process};
use record::Cell;
use record::statistics::{BLOCKS_FOR_A_VERDICT, Blocks, Estimate, Interval, LEVEL, MARGIN};
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
    /// The probability of this ratio without a difference, corrected for the number of comparisons.
    pub chance: Option<f64>,
    /// What follows.
    pub outcome: Outcome,
    /// Why it is not compared; empty if it is.
    pub reason: String,
}

/// What follows for a cell in B against A.
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

/// One cell in both runs, before they are compared.
pub(super) struct Pair<'a> {
    pub(super) cell: &'a Cell,
    /// Why it cannot be compared, or both sides of it.
    pub(super) sides: Result<[Half<'a>; 2], String>,
}

/// One side of a pair.
pub(super) struct Half<'a> {
    pub(super) processes: Vec<Process<'a>>,
    shown: Option<Estimate>,
}

pub(super) fn pairs<'a>(a: &'a TaskResults, b: &'a TaskResults, by: By) -> Vec<Pair<'a>> {
    let mut pairs = Vec::new();
    if by == By::Time
        && let (Some(one), Some(other)) = (&a.baseline, &b.baseline)
    {
        pairs.push(Pair { cell: &one.cell, sides: halves([(one, None), (other, None)]) });
    }
    for strategy in &a.strategies {
        for cores in a.cores.iter().copied() {
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
            pairs.push(Pair { cell: &one.cell, sides });
        }
    }
    pairs
}

/// Both sides of a cell, each with the baseline of its run if speed-ups are compared.
fn halves<'a>(measured: [(&'a CellResult, Option<&'a Blocks>); 2]) -> Result<[Half<'a>; 2], String> {
    for ((measured, _), run) in measured.iter().zip(["A", "B"]) {
        if !measured.sound {
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
    pub(super) fn difference(&self, by: By, level: f64, corrected: &mut impl Iterator<Item = f64>) -> Difference {
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
