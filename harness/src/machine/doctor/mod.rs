//! Looks for anything that would spoil the figures, before the first sample and after the last one.
//!
//! How it works:
//!
//! 1. [`Calibration`] watches the machine for half a second. A pause shows the load of other programs. A loop on every
//!    core then shows how evenly the cores run.
//! 2. Each check is a small function from [`Observations`] to a verdict and a sentence. Unless all is well, the
//!    sentence names the cure. `checks/mod.rs` lists the checks.
//! 3. A [`Checkup`] runs these checks before the first sample. After the last sample it compares the kernel's
//!    [`Counters`] with their first reading, which shows what happened during the run.
//!
//! If a machine does not report something, the verdict is "unknown", never "ok".

mod calibration;
mod checks;
mod counters;
mod observations;
mod settings;

pub use calibration::Calibration;
pub use checks::{examine, examine_after};
pub use counters::Counters;
pub(crate) use observations::free_bytes;
pub use observations::{Observations, Subject};
pub use settings::Settings;

use record::{Check, Verdict};
use system::sysfs::SystemFiles;

/// The most looks at a noisy machine before the first sample.
const LOOKS: u32 = 4;

/// An examination of the machine before the first sample and after the last one.
#[derive(Debug, Clone)]
pub struct Checkup {
    /// The checks before the first sample.
    pub checks: Vec<Check>,
    /// The share of the input file on each NUMA node, as in [`Observations::input_nodes`].
    pub input_nodes: Vec<f64>,
    /// Those checks that [`Checkup::end`] repeats.
    repeated: Vec<Check>,
    files: SystemFiles,
    processors: Vec<usize>,
    given_server: bool,
    before: Counters,
}

impl Checkup {
    /// Examines the machine now. Noise that refuses is looked at again, because half a second may show a single burst.
    pub fn begin(subject: &Subject) -> Self {
        let look = || {
            let observations = Observations::gather(subject);
            (examine(&observations), observations)
        };
        let is_noisy = |checks: &[Check]| checks.iter().any(|it| it.name == "noise" && it.verdict == Verdict::Refuse);
        let (mut checks, mut observations) = look();
        for _ in 1..LOOKS {
            if is_noisy(&checks) {
                (checks, observations) = look();
            }
        }
        let Observations { files, processors, input_nodes, .. } = observations;
        let before = Counters::now(&files, &processors);
        let given_server = subject.given_server;
        Checkup { checks, input_nodes, repeated: Vec::new(), files, processors, given_server, before }
    }

    /// Examines the machine for a resumed run. The first line of the record is already written, so the last line
    /// repeats present warnings and refusals.
    pub fn again(subject: &Subject) -> Self {
        let checkup = Checkup::begin(subject);
        let repeated = checkup.checks.iter().filter(|check| check.verdict > Verdict::Unknown).cloned().collect();
        Checkup { repeated, ..checkup }
    }

    /// Checks what happened since the beginning.
    pub fn end(&self) -> Vec<Check> {
        let mut after = examine_after(&self.before, &Counters::now(&self.files, &self.processors));
        if self.given_server {
            checks::ignore_neighbours(&mut after);
        }
        self.repeated.iter().cloned().chain(after).collect()
    }
}

/// Sorts the checks by verdict, worst first. Checks with the same verdict keep their order.
pub fn worst_first(mut checks: Vec<Check>) -> Vec<Check> {
    checks.sort_by_key(|check| std::cmp::Reverse(check.verdict));
    checks
}

/// Returns the sentences of the checks that refuse to measure.
pub fn refusals(checks: &[Check]) -> Vec<&str> {
    checks.iter().filter(|check| check.verdict == Verdict::Refuse).map(|check| check.sentence.as_str()).collect()
}
