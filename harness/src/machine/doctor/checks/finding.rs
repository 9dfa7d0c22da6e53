//! What a check finds: a verdict, and a sentence that names the cure unless all is well.

use record::Verdict;

pub(super) struct Finding(pub(super) Verdict, pub(super) String);

/// Nothing to worry about.
pub(super) fn ok(sentence: impl Into<String>) -> Finding {
    Finding(Verdict::Ok, sentence.into())
}

/// This machine does not report it.
pub(super) fn unknown(sentence: impl Into<String>) -> Finding {
    Finding(Verdict::Unknown, sentence.into())
}

/// Figures may be off.
pub(super) fn warn(sentence: impl Into<String>) -> Finding {
    Finding(Verdict::Warn, sentence.into())
}

/// Figures would mislead, so a sweep does not begin.
pub(super) fn refuse(sentence: impl Into<String>) -> Finding {
    Finding(Verdict::Refuse, sentence.into())
}

/// The finding about an event that should not happen: how often it did, or that the kernel does not count it.
pub(super) fn counted(times: Option<u64>, silent: &str, none: String, some: impl Fn(u64) -> String) -> Finding {
    match times {
        None => unknown(silent),
        Some(0) => ok(none),
        Some(times) => warn(some(times)),
    }
}

/// A number of processors, in words.
pub(super) fn count(processors: usize) -> String {
    format!("{processors} processor{}", if processors == 1 { "" } else { "s" })
}

/// The half second of the calibration, in sentences.
pub(super) const CALIBRATION: &str = "in half a second";

/// The time of the run, in sentences.
pub(super) const RUN: &str = "during the run";
