//! The finding of a check: a verdict and a sentence. Unless all is well, the sentence names the cure.

use record::Verdict;

pub(super) struct Finding(pub(super) Verdict, pub(super) String);

/// All is well.
pub(super) fn ok(sentence: impl Into<String>) -> Finding {
    Finding(Verdict::Ok, sentence.into())
}

/// This machine does not report what the check needs.
pub(super) fn unknown(sentence: impl Into<String>) -> Finding {
    Finding(Verdict::Unknown, sentence.into())
}

/// The figures may be wrong.
pub(super) fn warn(sentence: impl Into<String>) -> Finding {
    Finding(Verdict::Warn, sentence.into())
}

/// The figures would mislead, so a sweep does not begin.
pub(super) fn refuse(sentence: impl Into<String>) -> Finding {
    Finding(Verdict::Refuse, sentence.into())
}

/// Returns the finding about an event that should not happen. `times` is `None` if the kernel does not count the event.
pub(super) fn counted(times: Option<u64>, silent: &str, none: String, some: impl Fn(u64) -> String) -> Finding {
    match times {
        None => unknown(silent),
        Some(0) => ok(none),
        Some(times) => warn(some(times)),
    }
}

/// Writes a number of processors with its noun.
pub(super) fn count(processors: usize) -> String {
    crate::counted(processors as u64, "processor")
}

/// The duration of the calibration, for sentences.
pub(super) const CALIBRATION: &str = "during the half second of calibration";

/// The time of the run, for sentences.
pub(super) const RUN: &str = "during the measurement";
