//! One fault: how it is provoked, and how its report is judged.

use super::reading::{READERS, Reading};
use super::report::{PASSWORD, Report};
use anyhow::{Context, Result, ensure};
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// The time within which a fault must be reported.
pub const BAR: Duration = Duration::from_secs(2);

/// The time after which a fault without a report counts as a hang.
const HANGS: Duration = Duration::from_secs(20);

/// A fault on a server of type `S`.
pub struct Fault<S> {
    name: &'static str,
    /// The SQLSTATE that the report must name.
    code: Option<&'static str>,
    /// The number of rows read that the report must name.
    rows: Option<RangeInclusive<u64>>,
    /// Words that the report must contain, such as those of the next step.
    words: &'static [&'static str],
    provoke: Provoke<S>,
}

enum Provoke<S> {
    /// Each of these readers reads a table.
    Read(&'static [&'static str], fn(&S) -> Result<Reading>),
    /// A function provokes the fault and returns the report.
    Do(fn(&S) -> Result<Report>),
}

impl<S: Send + Sync + 'static> Fault<S> {
    /// A fault that every reader of a table can meet.
    pub(super) fn reading(
        name: &'static str,
        words: &'static [&'static str],
        reading: fn(&S) -> Result<Reading>,
    ) -> Self {
        Fault { name, code: None, rows: None, words, provoke: Provoke::Read(&READERS, reading) }
    }

    /// Any other fault.
    pub(super) fn other(name: &'static str, words: &'static [&'static str], provoke: fn(&S) -> Result<Report>) -> Self {
        Fault { name, code: None, rows: None, words, provoke: Provoke::Do(provoke) }
    }

    pub(super) fn code(self, code: &'static str) -> Self {
        Fault { code: Some(code), ..self }
    }

    pub(super) fn rows(self, rows: RangeInclusive<u64>) -> Self {
        Fault { rows: Some(rows), ..self }
    }

    /// Restricts the fault to these readers.
    pub(super) fn only(mut self, readers: &'static [&'static str]) -> Self {
        if let Provoke::Read(all, _) = &mut self.provoke {
            *all = readers;
        }
        self
    }

    /// Provokes the fault with each of its readers and judges the reports. Returns the longest time to a report. Fails if
    /// a report is wrong, late or missing.
    fn report(&self, server: &Arc<S>) -> Result<Duration> {
        match self.provoke {
            Provoke::Do(provoke) => self.judged(server, "directly", provoke),
            Provoke::Read(readers, reading) => {
                // The binary is built before the time starts.
                testbed::goldilocks();
                let mut slowest = Duration::ZERO;
                for reader in readers {
                    slowest = slowest.max(self.judged(server, reader, move |server| reading(server)?.by(reader))?);
                }
                Ok(slowest)
            }
        }
    }

    fn judged(
        &self,
        server: &Arc<S>,
        reader: &str,
        provoke: impl FnOnce(&S) -> Result<Report> + Send + 'static,
    ) -> Result<Duration> {
        let (sender, reports) = channel();
        let server = Arc::clone(server);
        thread::spawn(move || sender.send(provoke(&server)));
        let report = reports.recv_timeout(HANGS).unwrap_or_else(|error| match error {
            RecvTimeoutError::Timeout => Err(anyhow::anyhow!("nothing is reported")),
            RecvTimeoutError::Disconnected => Err(anyhow::anyhow!("it ends in a panic")),
        });
        let judged = report.and_then(|report| self.judge(&report).map(|()| report));
        let report = judged.with_context(|| format!("{}: {reader}", self.name))?;
        eprintln!("{}: {reader}: {:.3} s: {}", self.name, report.after.as_secs_f64(), report.text);
        Ok(report.after)
    }

    fn judge(&self, report: &Report) -> Result<()> {
        let text = &report.text;
        ensure!(text.lines().count() <= 2, "more than two lines: {text}");
        ensure!(!text.contains(PASSWORD), "the password is shown");
        ensure!(!text.contains("panicked"), "a panic: {text}");
        ensure!(["; ", "? ", "hint: "].iter().any(|mark| text.contains(mark)), "no next step: {text}");
        for word in self.words.iter().copied().chain(self.code) {
            ensure!(text.contains(word), "`{word}` is missing: {text}");
        }
        if let Some(rows) = &self.rows {
            let read = rows_in(text).with_context(|| format!("no number of rows: {text}"))?;
            ensure!(rows.contains(&read), "{read} rows and not {rows:?}: {text}");
        }
        ensure!(report.after <= BAR, "only after {:.1} s: {text}", report.after.as_secs_f64());
        Ok(())
    }
}

/// A fault of a table on the `FaultServer`, tested with every reader.
macro_rules! at_table {
    ($name:literal, $table:literal, $words:expr) => {
        Fault::reading($name, &$words, |server: &FaultServer| Ok(Reading::new(server.url(), $table)))
    };
}
pub(super) use at_table;

/// The result of many faults.
#[derive(Default)]
pub struct Summary {
    all: usize,
    /// The reasons why reports were rejected.
    pub failures: Vec<String>,
    slowest: (Duration, &'static str),
}

impl Summary {
    /// Provokes the faults one after another and adds their results.
    pub fn add<S: Send + Sync + 'static>(&mut self, faults: &[Fault<S>], server: &Arc<S>) {
        for fault in faults {
            self.all += 1;
            match fault.report(server) {
                Ok(took) => self.slowest = self.slowest.max((took, fault.name)),
                Err(error) => self.failures.push(format!("{error:#}")),
            }
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (reported, (took, which)) = (self.all - self.failures.len(), self.slowest);
        write!(out, "{reported} of {}, the slowest after {:.2} s ({which})", self.all, took.as_secs_f64())
    }
}

/// The number of rows read, as stated in a task's error.
fn rows_in(text: &str) -> Option<u64> {
    if text.contains("before the first row") {
        return Some(0);
    }
    let number = |text: &str| text.split(|digit: char| !digit.is_ascii_digit()).next()?.parse::<u64>().ok();
    match text.split_once("after ") {
        Some((_, rest)) => number(rest),
        None => number(text.split_once("row ")?.1).map(|row| row - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;

    #[test]
    fn a_complete_report_is_accepted_and_an_incomplete_one_is_rejected() {
        let fault =
            Fault::<()>::other("a fault", &["again"], |()| bail!("never provoked")).code("57P01").rows(700..=777);
        let judge = |text: &str, ms| fault.judge(&Report { text: text.to_owned(), after: Duration::from_millis(ms) });
        let good = "partition 15 failed: after 776 rows: FATAL 57P01: terminated; run this again";
        assert!(judge(good, 1_999).is_ok());
        assert!(judge(&good.replace("after 776 rows", "row 778"), 0).is_ok(), "777 rows before it");
        for (what, text) in [
            ("three lines", good.replace(": ", ":\n")),
            ("no code", good.replace("57P01", "")),
            ("too few rows", good.replace("776", "600")),
            ("no rows", good.replace("after 776 rows", "on the way")),
            ("none of the rows", good.replace("after 776 rows", "before the first row")),
            ("a missing word", good.replace("again", "")),
            ("no next step", good.replace("; run", ", run")),
            ("a password", format!("{good} {PASSWORD}")),
            ("a panic", format!("{good} panicked")),
        ] {
            assert!(judge(&text, 0).is_err(), "{what}: {text}");
        }
        assert!(judge(good, 2_001).is_err(), "too late");
    }

    #[test]
    fn success_and_a_panic_are_not_reports() {
        let report = |provoke: fn(&()) -> Result<Report>| {
            format!("{:#}", Fault::other("a fault", &[], provoke).report(&Arc::new(())).unwrap_err())
        };
        assert!(report(|()| bail!("it reads the table without an error")).contains("without an error"));
        assert!(report(|()| panic!("on purpose")).contains("it ends in a panic"));
    }
}
