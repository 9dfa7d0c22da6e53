//! Looks for anything that would spoil the figures, before the first sample and after the last one.
//!
//! How it works:
//!
//! 1. [`Calibration`] watches the machine for half a second: at rest to see the load of other programs, then at work to see
//!    how evenly the processors run.
//! 2. [`Observations`] are all that a check may look at. Each check is a small function from them to a verdict and a
//!    sentence, which names the cure unless all is well. `checks/mod.rs` lists them.
//! 3. A [`Checkup`] does this before the first sample. At its end it compares the kernel's [`Counters`] with those of its
//!    beginning, which shows what happened meanwhile.
//!
//! What a machine does not report is unknown, never fine.

mod calibration;
mod checks;
mod counters;
mod observations;
mod settings;

pub use calibration::Calibration;
pub use checks::{examine, examine_after};
pub use counters::Counters;
pub use observations::{Observations, Subject};
pub use settings::Settings;

use record::{Check, Verdict};
use system::sysfs::SystemFiles;

/// A look at the machine before the first sample, and one after the last.
#[derive(Debug, Clone)]
pub struct Checkup {
    /// What the first look found.
    pub checks: Vec<Check>,
    /// Which of it the second look repeats.
    repeated: Vec<Check>,
    files: SystemFiles,
    processors: Vec<usize>,
    given_server: bool,
    before: Counters,
}

impl Checkup {
    /// Looks at the machine now.
    pub fn begin(subject: &Subject) -> Self {
        let observations = Observations::gather(subject);
        let checks = examine(&observations);
        let Observations { files, processors, .. } = observations;
        let before = Counters::now(&files, &processors);
        Checkup { checks, repeated: Vec::new(), files, processors, given_server: subject.given_server, before }
    }

    /// The same for a resumed run. Its first line is already written, so the last line repeats what is wrong now.
    pub fn again(subject: &Subject) -> Self {
        let checkup = Checkup::begin(subject);
        let repeated = checkup.checks.iter().filter(|check| check.verdict > Verdict::Unknown).cloned().collect();
        Checkup { repeated, ..checkup }
    }

    /// What happened since.
    pub fn end(&self) -> Vec<Check> {
        let mut after = examine_after(&self.before, &Counters::now(&self.files, &self.processors));
        if self.given_server {
            checks::ignore_neighbours(&mut after);
        }
        self.repeated.iter().cloned().chain(after).collect()
    }
}

/// The checks, worst first; those with the same verdict keep their order.
pub fn worst_first(mut checks: Vec<Check>) -> Vec<Check> {
    checks.sort_by_key(|check| std::cmp::Reverse(check.verdict));
    checks
}

/// The sentences of the checks for which a sweep should not begin.
pub fn refusals(checks: &[Check]) -> Vec<&str> {
    checks.iter().filter(|check| check.verdict == Verdict::Refuse).map(|check| check.sentence.as_str()).collect()
}
