//! What would spoil the figures: looked for before the first sample and after the last one.
//!
//! How it works:
//!
//! 1. [`Calibration`] watches the machine for half a second: at rest for who else works on it, then at work for how
//!    evenly it runs.
//! 2. Everything found is [`Observations`]. Each check is a small function from it to a verdict and a sentence, which names
//!    the cure unless all is well: `processor.rs`, `memory.rs`, `contention.rs` and `environment.rs`.
//! 3. A [`Checkup`] does this before the first sample. At its end it compares the system's [`Counters`] with those of its
//!    beginning: that shows what happened meanwhile.
//!
//! What a machine does not tell is unknown, never fine.

mod calibration;
mod contention;
mod counters;
mod database;
mod environment;
mod memory;
mod processor;

pub use calibration::Calibration;
pub use counters::Counters;
pub use database::Settings;

use crate::data::read_by;
use crate::machine;
use record::{Check, Verdict};
use std::path::Path;
use system::page_cache;
use system::sysfs::SystemFiles;
use tasks::Inputs;

/// Everything a check may look at.
#[derive(Debug, Clone)]
pub struct Observations {
    /// The system's own files.
    pub sight: SystemFiles,
    /// The processors that are going to be used, in the order in which cells get them.
    pub processors: Vec<usize>,
    /// Whether this program was built without optimisation.
    pub debug: bool,
    /// How many bytes the tasks read, all in all.
    pub data_bytes: u64,
    /// Which part of the input file is in memory, from 0 to 1; nothing if there is no file, or the system does not say.
    pub resident: Option<f64>,
    /// Free bytes where the record is written.
    pub room_bytes: Option<u64>,
    /// What the database server says of itself; nothing if none is used.
    pub database: Option<Result<Settings, String>>,
    /// Half a second of the machine.
    pub calibration: Calibration,
}

/// What is going to be measured.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The tasks' names.
    pub tasks: &'a [&'a str],
    /// Their options.
    pub inputs: &'a Inputs,
    /// The most cores that a cell gets.
    pub cores: usize,
    /// Where the record is written.
    pub runs: &'a Path,
    /// Whether the database server is not ours: then its work cannot be told from other programs'.
    pub given_server: bool,
}

impl Observations {
    /// Gathers it on this machine, which takes half a second.
    pub fn gather(subject: &Subject) -> Self {
        let sight = SystemFiles::here();
        let mut processors = machine::processors();
        processors.truncate(subject.cores.max(1));
        let data = read_by(subject.tasks, subject.inputs);
        let database = data.iter().find_map(|data| data.database.as_ref());
        Observations {
            debug: cfg!(debug_assertions),
            data_bytes: data.iter().map(|data| data.bytes).sum(),
            resident: data.iter().filter_map(|data| page_cache::probe(data.file.as_ref()?)).reduce(f64::min),
            room_bytes: environment::room(subject.runs),
            database: database.map(|database| Settings::ask(&database.url, database.table.as_deref())),
            calibration: Calibration::run(&sight, &processors),
            sight,
            processors,
        }
    }
}

/// Every check of what was found before the first sample.
pub fn examine(observations: &Observations) -> Vec<Check> {
    const CHECKS: [fn(&Observations) -> Check; 25] = [
        environment::build,
        environment::tracer,
        environment::priority,
        environment::address_layout,
        environment::counters,
        environment::room_for_record,
        contention::neighbours,
        contention::noise,
        contention::steal,
        processor::governor,
        processor::frequency,
        processor::turbo,
        processor::power,
        processor::second_threads,
        processor::affinity,
        processor::quota,
        processor::heat,
        processor::clock,
        memory::limit,
        memory::page_cache,
        memory::swap,
        memory::swapping,
        memory::huge_pages,
        memory::numa,
        database::check,
    ];
    CHECKS.iter().map(|check| check(observations)).collect()
}

/// What the measuring ran into, from the system's counters before the first sample and after the last one.
pub fn examine_after(before: &Counters, after: &Counters) -> Vec<Check> {
    vec![
        contention::neighbours_between(before, after),
        contention::steal_between(before, after),
        processor::quota_between(before, after),
        processor::heat_between(before, after),
        processor::clock_between(before, after),
        memory::swapping_between(before, after),
    ]
}

/// A look at the machine before the first sample, and one after the last.
#[derive(Debug, Clone)]
pub struct Checkup {
    /// What was found before.
    pub checks: Vec<Check>,
    /// Which of it is told once more at the end.
    again: Vec<Check>,
    sight: SystemFiles,
    processors: Vec<usize>,
    given_server: bool,
    before: Counters,
}

impl Checkup {
    /// Looks at the machine now.
    pub fn begin(subject: &Subject) -> Self {
        let observations = Observations::gather(subject);
        let checks = examine(&observations);
        let Observations { sight, processors, .. } = observations;
        let before = Counters::now(&sight, &processors);
        Checkup { checks, again: Vec::new(), sight, processors, given_server: subject.given_server, before }
    }

    /// The same for a run that is taken up again: its first line is written, so what is wrong now is told at the end.
    pub fn again(subject: &Subject) -> Self {
        let checkup = Checkup::begin(subject);
        let again = checkup.checks.iter().filter(|check| check.verdict > Verdict::Unknown).cloned().collect();
        Checkup { again, ..checkup }
    }

    /// What happened since.
    pub fn end(&self) -> Vec<Check> {
        let mut after = examine_after(&self.before, &Counters::now(&self.sight, &self.processors));
        if self.given_server {
            contention::name_given_server(&mut after);
        }
        self.again.iter().cloned().chain(after).collect()
    }
}

/// The checks, worst first; those alike in the order in which they were made.
pub fn worst_first(mut checks: Vec<Check>) -> Vec<Check> {
    checks.sort_by_key(|check| std::cmp::Reverse(check.verdict));
    checks
}

/// The sentences of the checks for which a sweep should not begin.
pub fn refusals(checks: &[Check]) -> Vec<&str> {
    checks.iter().filter(|check| check.verdict == Verdict::Refuse).map(|check| check.sentence.as_str()).collect()
}

/// A check's outcome.
fn found(name: &str, verdict: Verdict, sentence: impl Into<String>) -> Check {
    Check { name: name.to_owned(), verdict, sentence: sentence.into() }
}

/// What is found of something that should not happen at all: how often it did, or that nobody counts it.
fn counted(name: &str, times: Option<u64>, silent: &str, sentence: &dyn Fn(u64) -> String) -> Check {
    match times {
        None => found(name, Verdict::Unknown, silent),
        Some(0) => found(name, Verdict::Ok, sentence(0)),
        Some(times) => found(name, Verdict::Warn, sentence(times)),
    }
}

/// So many processors, in words.
fn count(processors: usize) -> String {
    format!("{processors} processor{}", if processors == 1 { "" } else { "s" })
}
