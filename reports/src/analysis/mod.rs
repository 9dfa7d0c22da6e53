//! The analysis: a record turned into plain data that the page, the terminal and JSON are made from.
//!
//! Only this folder reads samples. A new conclusion is a file here and a line in [`CONCLUSIONS`].

pub mod caveats;
pub mod conclusions;
pub mod data_quality;
pub mod environment;
pub mod overhead;
pub mod peers;
pub mod resources;
pub mod results;
pub mod slowdown;

use self::caveats::Facts;
use self::conclusions::Finding;
use self::data_quality::DataQuality;
use self::environment::Environment;
use self::overhead::Overhead;
use self::peers::Peers;
use self::resources::CellResources;
use self::results::{CellResult, Statement, TaskResults};
use record::{Cell, Record, TaskNote};
use schemars::JsonSchema;
use serde::Serialize;

/// The name of the analysis' format.
pub const SCHEMA: &str = "goldilocks-analysis";

/// The version of that format. A change that breaks a reader raises it.
pub const VERSION: u32 = 1;

/// What may follow for a task, in the order in which the report says it.
const CONCLUSIONS: [fn(&TaskResults) -> Vec<Statement>; 4] =
    [conclusions::enough_cores, conclusions::good_sizes, slowdown::conclude, conclusions::left_out];

/// Everything that the report says of a record.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Analysis {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// [`VERSION`].
    pub version: u32,
    /// The run, the machine and the build.
    pub environment: Environment,
    /// What comes before the figures, because it may make them worthless.
    pub banners: Vec<Statement>,
    /// The tasks, in the order of the run.
    pub tasks: Vec<TaskAnalysis>,
    /// What a reader may not conclude.
    pub caveats: Vec<Statement>,
    /// How the figures came about.
    pub reading: Vec<Statement>,
}

/// Everything that the report says of a task.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TaskAnalysis {
    /// Which strategies lead.
    pub finding: Finding,
    /// What else follows.
    pub conclusions: Vec<Statement>,
    /// The strategies that are far behind, and why.
    pub slowdowns: Vec<slowdown::Slowdown>,
    /// The results by cell, and what is compared.
    pub results: TaskResults,
    /// How far the samples can be trusted.
    pub data_quality: DataQuality,
    /// What the baseline and every other cell used.
    pub resources: Vec<CellResources>,
    /// What the smallest unit of work costs.
    pub overhead: Overhead,
    /// What other programs take for the same job.
    pub peers: Peers,
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
        let peers: Vec<_> = record.peers.iter().filter(|peer| peer.task == task.name).collect();
        Self {
            finding: conclusions::finding(&results),
            conclusions: CONCLUSIONS.iter().flat_map(|conclude| conclude(&results)).collect(),
            slowdowns: slowdown::slowdowns(&results),
            data_quality: DataQuality::new(&results, &samples),
            resources: resources::resources(&results, &samples),
            overhead: Overhead::new(&results, &samples, &record.run.machine),
            peers: Peers::new(&peers, results.most_cores().unwrap_or(0)),
            results,
        }
    }

    /// What a cell used.
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
