//! Names the cliff of small partitions: the strategies that take far longer with the smallest partitions, and the cause.

use crate::analysis::results::{Statement, TaskResults};
use crate::analysis::slowdown::{self, MoreTime};
use crate::format;
use record::statistics;
use serde::Serialize;
use serde_json::json;

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
        let causes = slowdown::causes(&own.spent?, &best.spent?, ns - best_ns);
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
pub(crate) fn conclude(results: &TaskResults) -> Vec<Statement> {
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
        slowdown::reasons(&first.causes),
    )
}
