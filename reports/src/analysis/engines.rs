//! Distributed engines at a task's job, beside the plain loop on one core and the best strategy.

use super::peers::median;
use super::results::{CellResult, Statement, TaskResults};
use crate::format;
use record::Peer;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeSet;

/// Distributed engines at the job of one task.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Engines {
    /// One entry for each engine and number of cores.
    pub results: Vec<EngineResult>,
    /// The time of the plain loop on one core, in nanoseconds; `null` without a sound sample.
    pub one_core_ns: Option<f64>,
    /// The strategy with the smallest median; `null` if load forbids naming one.
    pub best: Option<Best>,
    /// The cores that each engine needs to beat the plain loop on one core: its COST; `null` under such load.
    pub cost: Option<Statement>,
}

/// The strategy with the smallest median.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Best {
    /// The strategy.
    pub strategy: String,
    /// Its cores.
    pub cores: u32,
    /// Its median, in nanoseconds.
    pub ns: f64,
}

/// One engine on one number of cores: medians over its warm queries.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct EngineResult {
    /// The engine and its queries, as recorded.
    #[serde(flatten)]
    pub peer: Peer,
    /// The time of a warm query, in nanoseconds.
    pub warm_ns: Option<f64>,
    /// The time of a query of the input's first line, in nanoseconds; `null` if not known.
    pub line_ns: Option<f64>,
    /// The processor time of all its processes in a warm query, in nanoseconds; `null` if not known.
    pub cpu_ns: Option<f64>,
    /// The peak memory of its largest process; `null` if not known.
    pub peak_memory_bytes: Option<f64>,
    /// `warm_ns` divided by the time of the plain loop on one core.
    pub by_one_core: Option<f64>,
    /// `warm_ns` divided by the time of the best strategy.
    pub by_best: Option<f64>,
}

impl Engines {
    /// The engines among the peers of a task; `None` without any.
    pub fn new(peers: &[&Peer], results: Option<&TaskResults>) -> Option<Self> {
        let one_core = results.and_then(|it| it.baseline.as_ref()).filter(|it| it.cell.cores == 1);
        let one_core_ns = one_core.and_then(|it| it.time).map(|time| time.value);
        let overloaded = results.is_some_and(|it| it.overload.is_some());
        let best = results.filter(|_| !overloaded).and_then(|it| best(&it.cells));
        let engine = |peer: &&Peer| {
            let known = |value: Option<f64>| value.filter(|value| *value > 0.0);
            let warm_ns = median(peer, |run| run.wall_ns);
            let by = |other: Option<f64>| warm_ns.zip(other).map(|(time, other)| time / other);
            EngineResult {
                peer: (*peer).clone(),
                warm_ns,
                line_ns: known(median(peer, |run| run.start_ns)),
                cpu_ns: known(median(peer, |run| run.cpu_ns)),
                peak_memory_bytes: known(median(peer, |run| run.peak_memory_bytes)),
                by_one_core: by(one_core_ns),
                by_best: by(best.as_ref().map(|best| best.ns)),
            }
        };
        let results: Vec<_> = peers.iter().filter(|peer| peer.is_engine()).map(engine).collect();
        // Load that forbids naming a fastest strategy also forbids this conclusion.
        let cost = one_core_ns.filter(|_| !overloaded).and_then(|one_core| cost(&results, one_core));
        (!results.is_empty()).then_some(Self { results, one_core_ns, best, cost })
    }
}

/// The sound cell with the smallest median that does the work of the baseline.
fn best(cells: &[CellResult]) -> Option<Best> {
    let sound = cells.iter().filter(|it| it.sound && it.work == 1.0);
    let timed = sound.filter_map(|it| Some((it, it.time?.value)));
    let (fastest, ns) = timed.min_by(|one, other| one.1.total_cmp(&other.1))?;
    Some(Best { strategy: fastest.cell.strategy.clone(), cores: fastest.cell.cores, ns })
}

fn cost(results: &[EngineResult], one_core: f64) -> Option<Statement> {
    let timed: Vec<_> = results.iter().filter_map(|it| Some((&*it.peer.name, it.peer.threads, it.warm_ns?))).collect();
    let names: BTreeSet<&str> = timed.iter().map(|(name, ..)| *name).collect();
    let of = |name: &str| {
        let own = || timed.iter().filter(|(other, ..)| *other == name);
        let enough = own().filter(|(.., ns)| *ns < one_core).map(|(_, cores, _)| *cores).min();
        (enough, own().map(|(_, cores, _)| *cores).max().unwrap_or(0))
    };
    let costs: Vec<_> = names.iter().map(|name| (*name, of(name))).collect();
    let words = costs.iter().map(|(name, (enough, most))| match enough {
        Some(cores) => format!("{name} needs {}", format::cores(*cores)),
        None => format!("{name} is slower on {}, the most it got", format::cores(*most)),
    });
    let sentence = format!(
        "COST, the cores that an engine needs to beat the plain loop on one core ({}) with a warm query: {}.",
        format::time(one_core),
        words.collect::<Vec<_>>().join("; ")
    );
    let facts = costs.iter().map(|(name, (enough, most))| json!({"engine": name, "cores": enough, "most_cores": most}));
    (!costs.is_empty()).then(|| Statement { about: "cost", sentence, facts: facts.collect() })
}
