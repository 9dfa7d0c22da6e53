//! The same cursor on every runtime. All read the same rows, and a counter explains each slower runtime.

use super::{BASE, FIFTY, RATED, table};
use crate::Proofs;
use anyhow::{Context, Result, ensure};
use cursor::{DEFAULT_DEPTH, PageSize};
use postgres::Server;
use proofs::access_methods::interleaved::Interleaved;
use proofs::access_methods::runtimes::{ALL, Running, Runtime};
use proofs::access_methods::time_breakdown::Cost;
use proofs::access_methods::{AccessMethod, Check, Sum, Table, every_row};
use std::fmt;

/// A runtime, its number of pages in flight, and their size.
#[derive(Clone, Copy, PartialEq)]
struct Side(Runtime, usize, PageSize);

impl fmt::Display for Side {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.0, AccessMethod::Cursor(self.1, self.2))
    }
}

impl Side {
    /// The same pages on a different runtime.
    fn on(self, runtime: Runtime) -> Self {
        Side(runtime, self.1, self.2)
    }
}

/// A counter: its name, and the function that takes it from a cost. Times are in microseconds.
type Counter = (&'static str, fn(&Cost) -> f64);

const SLEEPS: Counter = ("sleeps", |cost| cost.sleeps as f64);
const HAND_OVERS: Counter = ("hand-overs", |cost| cost.hand_overs as f64);
const RUNNING: Counter = ("µs of processor time", |cost| cost.client.running / 1e3);
const READY: Counter = ("µs without a core", |cost| cost.client.ready / 1e3);
const SERVER: Counter =
    ("µs of the server's processor time", |cost| cost.server.map_or(f64::NAN, |it| it.running / 1e3));
const WRITABLE: Counter = ("write events", |cost| cost.write_events.map_or(f64::NAN, |events| events as f64));

/// The median count per thousand rows, or NaN if the runtime does not count it.
fn count(rounds: &Interleaved<Side>, side: Side, counter: Counter) -> f64 {
    rounds.median(side, counter.1) / (RATED as f64 / 1e3)
}

/// The counters of which the slower side has at least 15 % more, and a relevant amount more. `None` if there are none.
fn counted_cause(rounds: &Interleaved<Side>, slower: Side, faster: Side) -> Option<String> {
    let of = |side, counter| count(rounds, side, counter);
    let kinds = [(HAND_OVERS, 1.0), (SLEEPS, 1.0), (RUNNING, 10.0), (READY, 10.0), (SERVER, 10.0)];
    let more = kinds.into_iter().filter_map(|(counter, least)| {
        let (own, other) = (of(slower, counter), of(faster, counter));
        let differs = own - other > least && own > 1.15 * other;
        differs.then(|| format!("{own:.0} {} against {other:.0} per 1,000 rows", counter.0))
    });
    let events = of(faster, WRITABLE);
    let without = (events > 1.0).then(|| format!("no write events: the other gets {events:.0} per 1,000 rows"));
    let found: Vec<String> = more.chain(without).collect();
    (!found.is_empty()).then(|| found.join(", "))
}

/// Explains a faster tokio runtime by its events, if a plain thread with the same events is as fast.
fn events_cause(rounds: &Interleaved<Side>, side: Side) -> Option<String> {
    let all_events = side.on(Runtime::ThreadAllEvents);
    let tokio = matches!(side.0, Runtime::TokioMulti | Runtime::TokioCurrent);
    let (events, ratio) = (count(rounds, all_events, WRITABLE), rounds.faster(all_events, side));
    (tokio && events > 1.0 && (ratio - 1.0).abs() <= 0.15).then(|| {
        format!(
            "no write events: with {events:.0} per 1,000 rows, as tokio gets, it reaches {ratio:.2} of tokio's rate"
        )
    })
}

/// Compares every runtime with the plain thread.
pub(crate) fn runtimes(server: &Server, proofs: &mut Proofs) -> Result<()> {
    let (url, name) = (server.url(), table(server, "rated"));
    let query = every_row(&name);
    let mut table = Table::open(&url, &name)?;
    let (check, expected) = (table.read::<Check>(AccessMethod::Plain)?.0, table.read::<Sum>(AccessMethod::Plain)?.0);
    drop(table);
    let start = |runtime| Ok((runtime, Running::start(runtime, &url)?));
    let mut up: Vec<(Runtime, Running)> = ALL.into_iter().map(start).collect::<Result<_>>()?;
    println!(
        "{}",
        match up.iter().all(|(_, running)| running.is_pinned()) {
            true => "The server has its own core, and the runtimes have the others.",
            false => "The kernel places client and server.",
        }
    );
    let mut same = 0_usize;
    for (_, running) in &mut up {
        let (rows, _) = running.read::<Check>(&query, DEFAULT_DEPTH, PageSize::default())?;
        same += usize::from(rows == check);
    }
    let figure = format!("{same} of {} read the same rows", ALL.len());
    proofs.line("the cursor on every runtime", figure, "all", same == ALL.len());
    let AccessMethod::Cursor(depth, size) = BASE else { unreachable!("the base is a cursor") };
    let pagings = [(depth, size), (DEFAULT_DEPTH, FIFTY), (DEFAULT_DEPTH, PageSize::default())];
    let sides: Vec<Side> =
        pagings.iter().flat_map(|(depth, size)| ALL.map(|runtime| Side(runtime, *depth, *size))).collect();
    let rounds = Interleaved::run(&sides, 7, |Side(runtime, depth, size)| {
        let (_, running) = up.iter_mut().find(|(other, _)| *other == runtime).context("every runtime is up")?;
        let (sum, cost) = running.read::<Sum>(&query, depth, size)?;
        ensure!(sum == expected, "it has read {sum:?} and not {expected:?}");
        Ok(cost)
    });
    let rounds = rounds.complete()?;
    let head = ["", "M rows/s", "of the thread's", "CPU ns", "ready ns", "server ns", "sleeps", "events", "hand-overs"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for side in &sides {
        let rate = RATED as f64 / rounds.median(*side, |cost| cost.wall) * 1e3;
        let mut row = vec![side.to_string()];
        row.extend([rate, rounds.faster(*side, side.on(Runtime::Thread))].map(|figure| format!("{figure:.2}")));
        // Microseconds per thousand rows equal nanoseconds per row.
        row.extend([RUNNING, READY, SERVER].map(|counter| format!("{:.0}", count(&rounds, *side, counter))));
        let counts = [SLEEPS, WRITABLE, HAND_OVERS].map(|counter| count(&rounds, *side, counter));
        row.extend(counts.map(|count| if count.is_nan() { "–".into() } else { format!("{count:.1}") }));
        rows.push(row);
    }
    println!(
        "Times of a row; sleeps, write events of the socket and hand-overs between threads of a thousand rows.\n{}",
        reports::render::wrap::aligned(&rows)
    );
    for side in sides.into_iter().filter(|side| side.0 != Runtime::Thread) {
        let thread = side.on(Runtime::Thread);
        let ratio = rounds.faster(side, thread);
        let (slower, faster) = if ratio < 1.0 { (side, thread) } else { (thread, side) };
        let alike = (ratio - 1.0).abs() <= 0.15;
        let cause = events_cause(&rounds, faster).or_else(|| counted_cause(&rounds, slower, faster));
        let figure = match (&cause, alike) {
            (_, true) => format!("{ratio:.2} of the plain thread's rate"),
            (Some(cause), false) => format!("{ratio:.2} of it: {} has {cause}", slower.0),
            (None, false) => format!("{ratio:.2} of it, and no count differs"),
        };
        proofs.line(side, figure, "within 15 %, or a counted cause", alike || cause.is_some());
    }
    Ok(())
}
