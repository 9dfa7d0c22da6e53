//! The observations that a check may use.

use super::calibration::Calibration;
use super::settings::Settings;
use crate::data::read_by;
use crate::machine::description::processors;
use crate::machine::topology::nodes;
use std::path::Path;
use system::page_cache;
use system::sysfs::SystemFiles;
use tasks::Inputs;

/// The observations of this machine.
#[derive(Debug, Clone)]
pub struct Observations {
    /// The files in `/proc` and `/sys`.
    pub files: SystemFiles,
    /// The processors that cells will use, in the order in which cells get them.
    pub processors: Vec<usize>,
    /// Whether this program was built without optimisation.
    pub debug: bool,
    /// The total number of bytes that the tasks read.
    pub data_bytes: u64,
    /// The share of the input file that is in memory, from 0 to 1. `None` without a file, or if the kernel does not
    /// report the share.
    pub resident: Option<f64>,
    /// The share of the input file's pages on each NUMA node, from node 0 on. Empty without a file, on a machine with one
    /// node, or if the kernel does not report the nodes.
    pub input_nodes: Vec<f64>,
    /// Free bytes on the disk of the record.
    pub free_bytes: Option<u64>,
    /// The settings of the database server. `None` if no task uses a server.
    pub database: Option<Result<Settings, String>>,
    /// The other processes that run a sweep.
    pub other_sweeps: Vec<u32>,
    /// The calibration of the processors.
    pub calibration: Calibration,
}

/// The subject of the measurement.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The tasks' names.
    pub tasks: &'a [&'a str],
    /// The tasks' options.
    pub inputs: &'a Inputs,
    /// The maximum number of cores of a cell.
    pub cores: usize,
    /// The folder of the runs.
    pub runs: &'a Path,
    /// Whether the user gave a database server. Its load then cannot be told from that of other programs.
    pub given_server: bool,
}

impl Observations {
    /// Observes this machine. This takes half a second.
    pub fn gather(subject: &Subject) -> Self {
        let files = SystemFiles::here();
        let mut processors = processors();
        processors.truncate(subject.cores.max(1));
        let data = read_by(subject.tasks, subject.inputs);
        let file = data.iter().find_map(|data| data.file.as_ref()).filter(|_| nodes(&files).len() > 1);
        let database = data.iter().find_map(|data| data.database.as_ref());
        Observations {
            debug: cfg!(debug_assertions),
            data_bytes: data.iter().map(|data| data.bytes).sum(),
            resident: data.iter().filter_map(|data| page_cache::probe(data.file.as_ref()?)).reduce(f64::min),
            input_nodes: file.and_then(|file| page_cache::nodes(file).ok()).unwrap_or_default(),
            free_bytes: free_bytes(subject.runs),
            database: database.map(|database| Settings::ask(&database.url, database.table.as_deref())),
            other_sweeps: other_sweeps(&files),
            calibration: Calibration::run(&files, &processors),
            files,
            processors,
        }
    }
}

/// Finds the processes that run `goldilocks sweep` beside this one.
fn other_sweeps(files: &SystemFiles) -> Vec<u32> {
    let sweeps = files.names("/proc").into_iter().filter_map(|name| name.parse().ok()).filter(|process| {
        // The arguments end with a zero byte each. The first is the program.
        let command = files.text(format!("/proc/{process}/cmdline")).unwrap_or_default();
        let mut words = command.split('\0');
        words.next().is_some_and(|program| program.ends_with("goldilocks")) && words.next() == Some("sweep")
    });
    sweeps.filter(|process| *process != std::process::id()).collect()
}

/// Returns the free bytes on the disk of `folder`, which need not exist yet.
pub(crate) fn free_bytes(folder: &Path) -> Option<u64> {
    let folder = std::path::absolute(folder).ok()?;
    let disk = rustix::fs::statvfs(folder.ancestors().find(|folder| folder.exists())?).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}
