//! Explains why a strategy is far behind the fastest, or behind itself at its best partition size, by comparing how the workers
//! spent their time.

use crate::analysis::results::{CellResult, Spent, Statement, TaskResults};
use crate::format;
use record::statistics;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

/// The report explains a slowdown only if the strategy takes longer than the fastest by more than this share.
pub const FAR: f64 = 0.25;

/// A cause that explains less than this share of the difference is not named.
const WORTH_NAMING: f64 = 0.2;

/// The causes for which a worker spends time. For each sample the causes add up to the sample's wall time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The task's own work, which the strategy only starts.
    Task,
    /// The part of a job's span that is not the task's own work.
    Shipping,
    /// The gaps between a worker's jobs.
    Between,
    /// The time before a worker's first job and after its last.
    Ends,
    /// The final reduce.
    Reduce,
}

/// A cause, a worker's time for that cause, and the words before and after the time in a sentence.
type Spending = (Cause, fn(&Spent) -> f64, &'static str, &'static str);

const CAUSES: [Spending; 5] = [
    (Cause::Task, |spent| spent.task, "spent", "in the task’s own work"),
    (Cause::Shipping, |spent| spent.shipping, "spent", "shipping jobs and partials, because workers share no memory"),
    (Cause::Between, |spent| spent.between, "idled", "between two jobs"),
    (Cause::Ends, |spent| spent.ends, "idled", "at the start or end"),
    (Cause::Reduce, |spent| spent.reduce, "spent", "in the final reduce"),
];

/// The additional time for a cause, compared with a worker of the fastest strategy.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct MoreTime {
    /// The cause.
    pub cause: Cause,
    /// The additional time, in nanoseconds.
    pub ns: f64,
}

/// A strategy that is far behind.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Slowdown {
    /// The strategy's name.
    pub strategy: String,
    /// The name of the fastest strategy.
    pub fastest: String,
    /// The strategy's median time, in nanoseconds.
    pub ns: f64,
    /// The fastest's median time, in nanoseconds.
    pub fastest_ns: f64,
    /// Whether the blocks show that the strategy is slower. If not, the two tie and only their medians differ.
    pub surely: bool,
    /// The causes worth naming, the largest first.
    pub causes: Vec<MoreTime>,
    /// The additional time in the task's own work, in nanoseconds; negative if the strategy spends less there.
    pub in_task_ns: f64,
    /// The part of the difference that the named causes other than the task's own work explain, in nanoseconds. At most
    /// the difference minus `in_task_ns`, because a strategy may spend less on other causes.
    pub explained_ns: f64,
}

impl Slowdown {
    /// `processes takes 40 % longer than rayon, 292 ms instead of 208 ms. Each worker idled 62.1 ms longer between two jobs.`
    pub fn sentence(&self) -> String {
        let (time, why) = (format::time, reasons(&self.causes));
        let more = format::percent(self.ns / self.fastest_ns - 1.0);
        let (own, other) = (&self.strategy, &self.fastest);
        let who = if self.surely {
            format!("{own} takes {more} longer than {other}")
        } else {
            format!("{own} ties with {other}, but its median time is {more} longer")
        };
        format!("{who}, {} instead of {}. {why}.", time(self.ns), time(self.fastest_ns))
    }
}

/// The causes for which a worker of `own` spent more time than one of `other`, the largest first. A cause that explains little
/// of the difference is left out.
pub(crate) fn causes(own: &Spent, other: &Spent, difference_ns: f64) -> Vec<MoreTime> {
    let more = CAUSES.into_iter().map(|(cause, of, ..)| MoreTime { cause, ns: of(own) - of(other) });
    let mut causes: Vec<MoreTime> = more.filter(|more| more.ns >= WORTH_NAMING * difference_ns).collect();
    causes.sort_by(|one, other| other.ns.total_cmp(&one.ns));
    causes
}

/// `Each worker idled 62.1 ms longer between two jobs`.
pub(crate) fn reasons(causes: &[MoreTime]) -> String {
    let did = |more: &MoreTime| {
        let spending = CAUSES.iter().find(|(cause, ..)| *cause == more.cause)?;
        Some(format!("{} {} longer {}", spending.2, format::time(more.ns), spending.3))
    };
    let causes: Vec<String> = causes.iter().filter_map(did).collect();
    if causes.is_empty() {
        return "The time accounts of its workers do not show why".into();
    }
    format!("Each worker {}", causes.join("; "))
}

/// The strategies that are far behind the fastest median on the most cores at the default partition size. Empty if the
/// record has no account of the workers' time, or if load forbids to name a fastest.
pub fn slowdowns(results: &TaskResults) -> Vec<Slowdown> {
    if results.overload.is_some() {
        return Vec::new();
    }
    let timed = results.candidates().into_iter().map(|result| Some((result, result.time?.value, result.spent?)));
    let candidates: Vec<(&CellResult, f64, Spent)> = timed.flatten().collect();
    let Some((fastest, fastest_ns, its)) = candidates.iter().min_by(|one, other| one.1.total_cmp(&other.1)) else {
        return Vec::new();
    };
    let is_slower = |result: &CellResult| {
        let both = [("slower", &result.blocks), ("fastest", &fastest.blocks)];
        statistics::tie_groups(&both).first().is_some_and(|place| !place.contains(&"slower"))
    };
    let far = candidates.iter().filter(|(_, ns, _)| *ns > fastest_ns * (1.0 + FAR));
    far.map(|(result, ns, own)| {
        let causes = causes(own, its, ns - fastest_ns);
        let in_task_ns = own.task - its.task;
        let named: f64 = causes.iter().filter(|more| more.cause != Cause::Task).map(|more| more.ns).sum();
        Slowdown {
            strategy: result.cell.strategy.clone(),
            fastest: fastest.cell.strategy.clone(),
            ns: *ns,
            fastest_ns: *fastest_ns,
            surely: is_slower(result),
            causes,
            in_task_ns,
            explained_ns: named.min(ns - fastest_ns - in_task_ns),
        }
    })
    .collect()
}

/// Returns [`slowdowns`] as conclusions, if a verdict was reached.
pub(crate) fn conclude(results: &TaskResults) -> Vec<Statement> {
    let found = if results.places.is_empty() { Vec::new() } else { slowdowns(results) };
    found.iter().map(|it| Statement::new("slowdown", it.sentence())).collect()
}

/// A strategy is at a cliff if it takes at least this number of times as long with the smallest partitions as with its best.
const CLIFF: f64 = 2.0;

/// A strategy with the smallest partitions, compared with itself at its best partition size.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Cliff {
    strategy: String,
    /// The smallest partition size, and the strategy's best one.
    size: u64,
    best_size: u64,
    /// The median times, in nanoseconds.
    ns: f64,
    best_ns: f64,
    /// The causes worth naming, the largest first.
    causes: Vec<MoreTime>,
}

impl Cliff {
    fn times(&self) -> String {
        format!("{} times", format::digits(self.ns / self.best_ns))
    }
}

/// The cliffs on the most cores, the highest first. A strategy needs as many blocks as for a verdict. Load does not forbid this
/// comparison of a strategy with itself, because both cells are in the same blocks.
fn cliffs(results: &TaskResults) -> Vec<Cliff> {
    let (Some(cores), Some(size)) = (results.most_cores(), results.sizes.first()) else {
        return Vec::new();
    };
    let of_strategy = |name: &str| {
        let best_size = results.best_size(name, cores)?.size;
        let (own, best) = (results.sound(name, cores, *size)?, results.sound(name, cores, best_size)?);
        let (ns, best_ns) = (own.time?.value, best.time?.value);
        let both = [("small", &own.blocks), ("best", &best.blocks)];
        let is_slower = statistics::tie_groups(&both).first().is_some_and(|place| !place.contains(&"small"));
        let causes = causes(&own.spent?, &best.spent?, ns - best_ns);
        (is_slower && ns >= CLIFF * best_ns).then(|| Cliff {
            strategy: name.to_owned(),
            size: *size,
            best_size,
            ns,
            best_ns,
            causes,
        })
    };
    let mut cliffs: Vec<Cliff> = results.strategies.iter().filter_map(|strategy| of_strategy(&strategy.name)).collect();
    cliffs.sort_by(|one, other| (other.ns / other.best_ns).total_cmp(&(one.ns / one.best_ns)));
    cliffs
}

/// Returns one conclusion for each main cause of a cliff. It explains the highest cliff and lists the others.
pub(crate) fn conclude_cliffs(results: &TaskResults) -> Vec<Statement> {
    let mut cliffs = cliffs(results);
    let mut statements = Vec::new();
    while let Some(first) = cliffs.first() {
        let cause = |cliff: &Cliff| cliff.causes.first().map(|more| more.cause);
        let main = cause(first);
        let (same, others): (Vec<Cliff>, Vec<Cliff>) = cliffs.into_iter().partition(|cliff| cause(cliff) == main);
        let facts = json!({ "cores": results.most_cores(), "cliffs": same });
        statements.push(Statement { about: "cliff", sentence: sentence(&same, &results.task.unit), facts });
        cliffs = others;
    }
    statements
}

/// `With partitions of 2 lines, processes takes 35.0 times as long as with partitions of 60 000 lines, 1.20 s instead of 34.3
/// ms. Each worker spent 1.10 s longer shipping jobs and partials, because workers share no memory.`
fn sentence(cliffs: &[Cliff], unit: &str) -> String {
    let [first, others @ ..] = cliffs else { return String::new() };
    let [small, best] = [first.size, first.best_size].map(|size| format::partitions(size, unit));
    let others: Vec<String> = others.iter().map(|it| format!("{} ({})", it.strategy, it.times())).collect();
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    let also = match others[..] {
        [] => String::new(),
        _ => format!(" The same cause slows {}.", format::names(&others)),
    };
    format!(
        "With {small}, {} takes {} as long as with {best}, {} instead of {}. {}.{also}",
        first.strategy,
        first.times(),
        format::time(first.ns),
        format::time(first.best_ns),
        reasons(&first.causes),
    )
}
