//! Turns a record into plain data, from which the page, the terminal text and JSON are made.
//!
//! Only this folder reads samples. A new conclusion is a file here and a line in `CONCLUSIONS`.

pub mod axes;
pub mod calls;
pub mod caveats;
pub mod conclusions;
pub mod data_quality;
pub mod engines;
pub mod environment;
pub mod groups;
pub mod heartbeat;
pub mod limits;
pub mod overhead;
pub mod peers;
pub mod resources;
pub mod results;
pub mod sharing;
pub mod shipping;
pub mod slowdown;
pub mod timeline;
pub mod trust;

use self::caveats::Facts;
use self::conclusions::Finding;
use self::data_quality::DataQuality;
use self::engines::Engines;
use self::environment::Environment;
use self::heartbeat::{CellHeartbeat, heartbeats};
use self::overhead::Overhead;
use self::peers::Peers;
use self::resources::CellResources;
use self::results::{CellResult, Statement, TaskResults, variants};
use self::sharing::Sharing;
use self::shipping::CellShipping;
use self::timeline::Timelines;
use record::{Cell, Record, TaskNote};
use schemars::JsonSchema;
use serde::Serialize;

/// The name of the analysis' format.
pub const SCHEMA: &str = "goldilocks-analysis";

/// The version of the format. A change that breaks a reader raises the version.
pub const VERSION: u32 = 1;

/// The possible conclusions for a task, in the order in which the report states them.
const CONCLUSIONS: [fn(&TaskResults) -> Vec<Statement>; 8] = [
    conclusions::growing_work,
    limits::conclude,
    slowdown::conclude,
    sharing::conclude,
    slowdown::conclude_cliffs,
    conclusions::only_compared,
    conclusions::left_out,
    conclusions::tried_again,
];

/// Everything that the report says about a record.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Analysis {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// [`VERSION`].
    pub version: u32,
    /// The run, the machine and the build.
    pub environment: Environment,
    /// The warnings before the figures: each may make the figures worthless.
    pub banners: Vec<Statement>,
    /// The tasks, in the order of the run.
    pub tasks: Vec<TaskAnalysis>,
    /// The conclusions that the data do not support.
    pub caveats: Vec<Statement>,
    /// How the figures came about.
    pub reading: Vec<Statement>,
}

/// Everything that the report says about a task.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TaskAnalysis {
    /// The strategies that lead, and the cores and partition sizes that they need.
    pub finding: Finding,
    /// Whether the figures can be trusted.
    pub trust: Statement,
    /// Further conclusions.
    pub conclusions: Vec<Statement>,
    /// The strategies that are far behind, with the causes.
    pub slowdowns: Vec<slowdown::Slowdown>,
    /// The results by cell, and the comparisons.
    pub results: TaskResults,
    /// Outliers and warm-up.
    pub data_quality: DataQuality,
    /// The resources used by the baseline and every other cell.
    pub resources: Vec<CellResources>,
    /// What workers share while they map, and what that costs; absent if they share nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sharing: Vec<Sharing>,
    /// What strategies without shared memory ship between processes; absent without such a strategy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shipping: Vec<CellShipping>,
    /// How late a tick of 1 ms was while the jobs ran; absent without a heartbeat.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub heartbeats: Vec<CellHeartbeat>,
    /// The cost of the smallest unit of work.
    pub overhead: Overhead,
    /// Other programs doing the same job.
    pub peers: Peers,
    /// Distributed engines doing the same job; absent without any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engines: Option<Engines>,
    /// The traced runs; absent without any.
    #[serde(skip_serializing_if = "Timelines::is_empty")]
    pub timelines: Timelines,
}

impl Analysis {
    /// Analyses a record.
    pub fn new(record: &Record) -> Self {
        let environment = Environment::new(record);
        let tasks: Vec<TaskAnalysis> = record.run.tasks.iter().map(|task| TaskAnalysis::new(record, task)).collect();
        let facts = Facts { environment: &environment, tasks: tasks.iter().map(|task| &task.results).collect() };
        let measured = tasks.iter().filter(|task| !task.results.cells.is_empty());
        let quality: Vec<_> = measured.map(|task| (&task.results, &task.data_quality)).collect();
        Self {
            schema: SCHEMA,
            version: VERSION,
            banners: caveats::banners(&facts),
            caveats: caveats::caveats(&facts, data_quality::caveats(&quality)),
            reading: caveats::reading(&facts),
            environment,
            tasks,
        }
    }

    /// The tasks that have a result or a failure.
    pub fn shown(&self) -> impl Iterator<Item = &TaskAnalysis> {
        self.tasks.iter().filter(|task| !task.results.cells.is_empty() || !task.results.failures.is_empty())
    }
}

impl TaskAnalysis {
    /// Analyses one task of a record.
    pub fn new(record: &Record, task: &TaskNote) -> Self {
        let samples = results::samples(record, &task.name);
        let results = TaskResults::new(record, task);
        let environment = Environment::new(record);
        let peers = record.peers.iter().filter(|peer| peer.task == task.name);
        let (engines, peers): (Vec<_>, Vec<_>) = peers.partition(|peer| peer.is_engine());
        let heartbeats = heartbeats(&results, &samples);
        let concluded = CONCLUSIONS.iter().flat_map(|conclude| conclude(&results));
        Self {
            finding: conclusions::finding(&results),
            trust: trust::trust(&environment, &results),
            conclusions: concluded.chain(heartbeat::conclude(&heartbeats, &results)).collect(),
            heartbeats,
            slowdowns: slowdown::slowdowns(&results),
            data_quality: DataQuality::new(&results, &samples),
            resources: resources::resources(&results, &samples),
            sharing: sharing::sharing(&results),
            shipping: shipping::shipping(&results, &samples),
            overhead: Overhead::new(&results, &samples, &environment),
            engines: Engines::new(&engines, Some(&results)),
            peers: Peers::new(&peers, results.most_cores().unwrap_or(0), variants(record, &results.task.name)),
            timelines: Timelines::new(record, &results),
            results,
        }
    }

    /// The resources used by a cell.
    pub fn used(&self, cell: &Cell) -> Option<&CellResources> {
        self.resources.iter().find(|resources| resources.cell == *cell)
    }

    /// The sound cells at the default partition size, the baseline first.
    pub fn at_default_size(&self) -> Vec<&CellResult> {
        let results = &self.results;
        let cells = results.strategies.iter().flat_map(|strategy| {
            let at = move |cores: &u32| results.sound(&strategy.name, *cores, results.task.default_size);
            results.cores.iter().filter_map(at)
        });
        results.baseline.iter().chain(cells).collect()
    }
}
