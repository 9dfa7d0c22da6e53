//! What goes wrong between a cursor and its server, and what must be said about it: two lines at most, with the SQLSTATE if
//! there is one, the rows read so far and the next step, within two seconds; never a password, and never "all is well".
//!
//! How it works:
//! 1. A [`Fault`] is provoked on a [`Place`], a server of our own with tables made for it, or on a [mock](crate::mock) that
//!    needs no server. Most are met by reading a table, and then everybody meets them: the baseline, strategies that block
//!    and that await, and the binary.
//! 2. [`Summary::add`] waits for what is [`Told`] and judges it. There is one judge for all.

mod connect_faults;
mod cursors;
mod place;
mod protocol;
mod reading;
mod stream;
mod table;

pub use place::{Place, host};

use anyhow::{Context, Result, ensure};
use reading::{BINARY, Reading, WAYS};
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Within this time a fault must be reported.
pub const BAR: Duration = Duration::from_secs(2);

/// A fault that is not reported for so long will not be.
const HANGS: Duration = Duration::from_secs(20);

/// In every address that has a password.
pub(crate) const PASSWORD: &str = "Tr0ub4dor";

/// Something that goes wrong at a place.
pub struct Fault<P> {
    /// What, in a few words.
    pub name: &'static str,
    /// The SQLSTATE that must be named.
    pub code: Option<&'static str>,
    /// How many rows must be said to have been read, if any were.
    pub rows: Option<RangeInclusive<u64>>,
    /// Words of the next step, and others that matter.
    pub words: &'static [&'static str],
    provoke: Provoke<P>,
}

enum Provoke<P> {
    /// By reading, in each of these ways.
    Read(&'static [&'static str], ToRead<P>),
    /// By something else, which says what it was told.
    Do(ToDo<P>),
}

type ToRead<P> = fn(&P) -> Result<Reading>;
type ToDo<P> = fn(&P) -> Result<Told>;

/// All faults that need a server.
pub fn on_a_server() -> Vec<Fault<Place>> {
    [connect_faults::faults(), stream::faults(), table::faults(), cursors::faults()].into_iter().flatten().collect()
}

/// All faults of a mock, for which no place is needed.
pub fn on_a_mock() -> Vec<Fault<()>> {
    protocol::faults()
}

/// What came of many faults.
#[derive(Default)]
pub struct Summary {
    /// How many were provoked.
    pub all: usize,
    /// What is wrong with those that were not reported as they must be.
    pub failures: Vec<String>,
    /// The longest time until one was reported, and which.
    pub slowest: (Duration, &'static str),
}

impl Summary {
    /// Provokes faults, one after the other, and adds what comes of them.
    pub fn add<P: Send + Sync + 'static>(&mut self, faults: &[Fault<P>], place: &Arc<P>) {
        for fault in faults {
            self.all += 1;
            match fault.report(place) {
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

/// What was said of a fault.
#[derive(Debug, Clone)]
pub struct Told {
    /// The words.
    pub said: String,
    /// How long after the fault.
    pub after: Duration,
}

impl Told {
    /// What has been said just now of a fault of that moment.
    fn since(began: Instant, said: impl ToString) -> Told {
        Told { said: said.to_string().trim_end().to_owned(), after: began.elapsed() }
    }
}

impl<P: Send + Sync + 'static> Fault<P> {
    /// Provokes it in every way and judges what is said. Returns the longest time that it took.
    ///
    /// # Errors
    /// When something else is said than must be, or too late, or nothing.
    fn report(&self, place: &Arc<P>) -> Result<Duration> {
        let slowest = match self.provoke {
            Provoke::Do(provoke) => self.judged(place, "directly", provoke)?,
            Provoke::Read(ways, reading) => {
                // Building it is not part of any way.
                testbed::goldilocks();
                let mut slowest = Duration::ZERO;
                for way in ways {
                    let took = self.judged(place, way, move |place| reading(place)?.by(way))?;
                    slowest = slowest.max(took);
                }
                slowest
            }
        };
        Ok(slowest)
    }

    fn judged(
        &self,
        place: &Arc<P>,
        way: &str,
        provoke: impl FnOnce(&P) -> Result<Told> + Send + 'static,
    ) -> Result<Duration> {
        let (answer, answers) = channel();
        let place = Arc::clone(place);
        thread::spawn(move || answer.send(provoke(&place)));
        let told = match answers.recv_timeout(HANGS) {
            Ok(told) => told,
            Err(RecvTimeoutError::Timeout) => Err(anyhow::anyhow!("nothing is said of it")),
            Err(RecvTimeoutError::Disconnected) => Err(anyhow::anyhow!("it ends in a panic")),
        };
        let judged = told.and_then(|told| self.judge(&told).map(|()| told));
        let told = judged.with_context(|| format!("{}: {way}", self.name))?;
        eprintln!("{}: {way}: {:.3} s: {}", self.name, told.after.as_secs_f64(), told.said);
        Ok(told.after)
    }

    fn judge(&self, told: &Told) -> Result<()> {
        let said = &told.said;
        ensure!(said.lines().count() <= 2, "more than two lines: {said}");
        ensure!(!said.contains(PASSWORD), "the password is shown");
        ensure!(!said.contains("panicked"), "a panic: {said}");
        ensure!(["; ", "? ", "hint: "].iter().any(|mark| said.contains(mark)), "no next step: {said}");
        for word in self.words.iter().copied().chain(self.code) {
            ensure!(said.contains(word), "`{word}` is missing: {said}");
        }
        if let Some(rows) = &self.rows {
            let read = rows_in(said).with_context(|| format!("no number of rows: {said}"))?;
            ensure!(rows.contains(&read), "{read} rows and not {rows:?}: {said}");
        }
        ensure!(told.after <= BAR, "only after {:.1} s: {said}", told.after.as_secs_f64());
        Ok(())
    }
}

/// How many rows were read, in the words of a task.
fn rows_in(said: &str) -> Option<u64> {
    if said.contains("before the first row") {
        return Some(0);
    }
    let number = |text: &str| text.split(|letter: char| !letter.is_ascii_digit()).next()?.parse::<u64>().ok();
    match said.split_once("after ") {
        Some((_, rest)) => number(rest),
        None => number(said.split_once("row ")?.1).map(|row| row - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;

    #[test]
    fn the_judge_accepts_what_must_be_said_and_nothing_less() {
        let fault: Fault<()> = Fault {
            name: "a fault",
            code: Some("57P01"),
            rows: Some(700..=777),
            words: &["again"],
            provoke: Provoke::Do(|()| bail!("never provoked")),
        };
        let judge = |said: &str, ms| fault.judge(&Told { said: said.to_owned(), after: Duration::from_millis(ms) });
        let good = "partition 15 failed: after 776 rows: FATAL 57P01: terminated; run this again";
        assert!(judge(good, 1_999).is_ok());
        assert!(judge(&good.replace("after 776 rows", "row 778"), 0).is_ok(), "777 rows before it");
        for (what, said) in [
            ("three lines", good.replace(": ", ":\n")),
            ("no code", good.replace("57P01", "")),
            ("too few rows", good.replace("776", "600")),
            ("no rows", good.replace("after 776 rows", "on the way")),
            ("none of the rows", good.replace("after 776 rows", "before the first row")),
            ("a word less", good.replace("again", "")),
            ("no next step", good.replace("; run", ", run")),
            ("a password", format!("{good} {PASSWORD}")),
            ("a panic", format!("{good} panicked")),
        ] {
            assert!(judge(&said, 0).is_err(), "{what}: {said}");
        }
        assert!(judge(good, 2_001).is_err(), "too late");
    }

    #[test]
    fn a_good_end_and_a_panic_are_not_reports() {
        let report = |provoke: ToDo<()>| {
            let fault = Fault { name: "a fault", code: None, rows: None, words: &[], provoke: Provoke::Do(provoke) };
            format!("{:#}", fault.report(&Arc::new(())).unwrap_err())
        };
        assert!(report(|()| bail!("it is read as if nothing were wrong")).contains("as if nothing were wrong"));
        assert!(report(|()| panic!("on purpose")).contains("it ends in a panic"));
    }
}
