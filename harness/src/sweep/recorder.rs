//! Turns the messages of one measuring process into lines of the record.

use crate::journal::Journal;
use crate::measure::child::Failure;
use crate::measure::protocol::Message;
use anyhow::Result;
use record::{Fault, Line, Sample, Status, TaskNote, Times};
use std::time::{Duration, Instant};

/// The time that a run has spent measuring. Pauses between interruption and resumption do not count.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    /// The time in earlier processes.
    pub(super) earlier: Duration,
    /// When this process began.
    pub(super) began: Instant,
}

impl Clock {
    pub(super) fn elapsed(self) -> Duration {
        self.earlier + self.began.elapsed()
    }
}

/// Writes a line for each sample, up to the first unverified one. Later samples of the same process do not count.
pub(super) struct Recorder<'a> {
    journal: &'a mut Journal,
    clock: Clock,
    task: &'a TaskNote,
    /// The known fields of the next line.
    next: Sample,
    written: Vec<Sample>,
}

impl<'a> Recorder<'a> {
    /// Returns a recorder for the process that measures `first` and the following samples.
    pub(super) fn new(journal: &'a mut Journal, clock: Clock, task: &'a TaskNote, first: Sample) -> Self {
        Recorder { journal, clock, task, next: first, written: Vec::new() }
    }

    /// Writes a line for a message, if the message is a sample or a failure.
    pub(super) fn on_message(&mut self, message: Message) -> Result<()> {
        match message {
            Message::Started { processors, .. } => self.next.processors = processors,
            Message::WarmedUp { digest, figures, wall_ns } => {
                self.next.warm_up_ns = Some(wall_ns);
                if let Some(wrong) = wrong(self.task, &digest, &figures) {
                    self.write(digest, Err(wrong))?;
                }
            }
            Message::Sample { digest, figures, times, unfair, .. } => {
                let unfair = unfair.map(|(fault, reason)| Failure::of(Status::Unfair, fault, reason));
                let failure = wrong(self.task, &digest, &figures).or(unfair);
                self.write(digest, failure.map_or(Ok(*times), Err))?;
            }
            Message::Unfair { fault, reason } => {
                self.write(self.next.digest.clone(), Err(Failure::of(Status::Unfair, fault, reason)))?;
            }
            Message::Failed { .. } => {}
        }
        Ok(())
    }

    /// Writes a line if the process failed. Returns all samples that were written.
    pub(super) fn end(mut self, failure: Option<Failure>) -> Result<Vec<Sample>> {
        if let Some(failure) = failure {
            self.write(self.next.digest.clone(), Err(failure))?;
        }
        Ok(self.written)
    }

    fn write(&mut self, digest: String, outcome: std::result::Result<Times, Failure>) -> Result<()> {
        if self.written.last().is_some_and(|sample| sample.status != Status::Verified) {
            return Ok(());
        }
        let elapsed_ms = u64::try_from(self.clock.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.next.digest = digest;
        let line = Sample { elapsed_ms, ..self.next.clone() };
        let line = match outcome {
            Ok(times) => Sample { times: Some(times), ..line },
            // A failed sample has no times, so no chart can show it.
            Err(Failure { status, fault, reason, outside }) => {
                Sample { status, fault: Some(fault), reason, outside, ..line }
            }
        };
        self.journal.write(&Line::Sample(Box::new(line.clone())))?;
        self.written.push(line);
        self.next.index += 1;
        self.next.warm_up_ns = None;
        Ok(())
    }
}

/// Compares an answer with the baseline's. Returns the failure if they differ.
pub(super) fn wrong(task: &TaskNote, digest: &str, figures: &[(String, String)]) -> Option<Failure> {
    if digest == task.digest {
        return None;
    }
    let differing = figures.iter().zip(&task.answer).find(|(own, baseline)| own != baseline);
    let Some(((name, own), (_, baseline))) = differing else {
        let reason = format!("its answer has the digest {digest}, the baseline's has {}", task.digest);
        return Some(Failure::of(Status::Wrong, Fault::WrongAnswer, reason));
    };
    let fault = if *name == task.unit { Fault::LostItems } else { Fault::WrongAnswer };
    let reason = format!("{name}: {own} in its answer, {baseline} in the baseline's");
    Some(Failure::of(Status::Wrong, fault, reason))
}
