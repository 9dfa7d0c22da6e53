//! Compares one cell in two runs.

use crate::analysis::results::{CellResult, TaskResults};
use record::Cell;
use record::statistics::{self, BLOCKS_FOR_A_VERDICT, Blocks, Estimate, Interval, LEVEL, MARGIN};
use serde::Serialize;

/// The comparison of two runs. Each ratio is B's figure divided by A's.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// How many cells differ, or why nothing is decided, in one or two sentences.
    pub headline: String,
    /// The first run.
    pub a: Side,
    /// The second run.
    pub b: Side,
    /// Whether times or speed-ups are compared.
    pub by: By,
    /// The tasks that both measured, in the order of the first run.
    pub tasks: Vec<Compared>,
    /// Notes that a reader must know besides the figures.
    pub notes: Vec<String>,
}

/// One of the two runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Side {
    /// The run's id.
    pub run: String,
    /// The time at which the run began.
    pub began: String,
    /// The name and version of the program that measured.
    pub program: String,
    /// The machine, in a few words.
    pub machine: String,
}

/// The figures by which two runs are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Times in nanoseconds: both runs are from one machine.
    Time,
    /// Speed-ups over each run's own baseline: the machines differ.
    SpeedUp,
}

/// The comparison of one task.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// The task.
    pub task: String,
    /// The finding in one sentence, without the task's name.
    pub sentence: String,
    /// The cells of both runs: the baseline if times are compared, then strategies × core counts.
    pub cells: Vec<Difference>,
}

/// One cell in both runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The cell.
    pub cell: Cell,
    /// The first run's time or speed-up.
    pub a: Option<Figure>,
    /// The second run's time or speed-up.
    pub b: Option<Figure>,
    /// B's figure divided by A's. All intervals together cover all true ratios. The verdict is sharper than that, so it
    /// may state a difference although the interval contains 1.
    pub ratio: Option<Figure>,
    /// Speed-up divided by cores in A and in B, if speed-ups are compared.
    pub efficiency: Option<[f64; 2]>,
    /// The p-value: how likely a difference this large is if nothing differs, corrected for multiple comparisons.
    pub chance: Option<f64>,
    /// The verdict.
    pub outcome: Outcome,
    /// The reason why the cell is not compared; empty if it is.
    pub reason: String,
}

/// The verdict on a cell: how B compares with A.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// B takes less time, or has a greater speed-up.
    Better,
    /// B takes more time, or has a smaller speed-up.
    Worse,
    /// The data show no difference. A difference may still exist.
    NoneShown,
    /// The cell cannot be compared.
    NotCompared,
}

impl Outcome {
    /// Whether the data show a difference.
    pub fn is_decided(self) -> bool {
        matches!(self, Outcome::Better | Outcome::Worse)
    }
}

/// A value and its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Figure {
    /// The best single guess.
    pub value: f64,
    /// The interval's lower end; absent with too few blocks.
    pub low: Option<f64>,
    /// The interval's upper end; absent with too few blocks.
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
    /// Both sides, or the reason why the cell cannot be compared.
    pub(super) sides: Result<[Half; 2], String>,
}

/// One side of a pair.
pub(super) struct Half {
    /// One number for each process: the logarithm of its median time or, if speed-ups are compared, of its speed-up over
    /// the baseline of its block.
    pub(super) processes: Vec<f64>,
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

/// Both sides of a cell. If speed-ups are compared, each side includes its run's baseline.
fn halves(measured: [(&CellResult, Option<&Blocks>); 2]) -> Result<[Half; 2], String> {
    for ((measured, _), run) in measured.iter().zip(["A", "B"]) {
        if !measured.sound {
            let all = measured.samples + measured.failures;
            return Err(format!("{} of {all} samples failed in {run}", measured.failures));
        }
    }
    Ok(measured.map(|(measured, baseline)| Half {
        processes: match baseline {
            None => statistics::processes(&measured.blocks).into_iter().map(f64::ln).collect(),
            Some(baseline) => statistics::log_ratios(baseline, &measured.blocks).map(|(_, ratio)| ratio).collect(),
        },
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
        let shift = statistics::shift(&one.processes, &other.processes, level);
        let ratio = one.shown.zip(other.shown).map(|(one, other)| other.value / one.value);
        let enough = one.processes.len().min(other.processes.len()) >= BLOCKS_FOR_A_VERDICT;
        let unlikely = chance.is_some_and(|chance| chance <= 1.0 - LEVEL);
        let outcome = match ratio.zip(shift).filter(|_| enough && unlikely) {
            // The medians and the ranks have to agree which side is the larger.
            Some((ratio, shift)) if shift.value > 0.0 && ratio >= 1.0 + MARGIN => larger(by),
            Some((ratio, shift)) if shift.value < 0.0 && ratio <= 1.0 / (1.0 + MARGIN) => smaller(by),
            _ => Outcome::NoneShown,
        };
        let interval = shift.and_then(|shift| shift.interval);
        let ratio = ratio.map(|value| Figure {
            value,
            // The ratio of two medians is not quite the shift of the ranks.
            low: interval.map(|interval| interval.low.exp().min(value)),
            high: interval.map(|interval| interval.high.exp().max(value)),
        });
        let cores = f64::from(cell.cores.max(1));
        let efficiency = match (by, one.shown, other.shown) {
            (By::SpeedUp, Some(one), Some(other)) => Some([one.value / cores, other.value / cores]),
            _ => None,
        };
        Difference {
            cell,
            a: one.shown.map(Figure::from),
            b: other.shown.map(Figure::from),
            ratio,
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
