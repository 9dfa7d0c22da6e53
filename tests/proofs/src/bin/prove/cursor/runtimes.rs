//! The same cursor on every runtime: the same rows, and what is counted where it is slower.

use super::{BASE, RATED, table};
use crate::Proofs;
use anyhow::{Context, Result, ensure};
use cursor::{DEFAULT_DEPTH, PageSize};
use postgres::Server;
use proofs::access_methods::interleaved::Rounds;
use proofs::access_methods::runtimes::{ALL, Running, Runtime};
use proofs::access_methods::time_breakdown::Took;
use proofs::access_methods::{Check, Sum, Table, Way, every_row};
use std::fmt;

/// Depth and page.
type Paging = (usize, PageSize);

/// A runtime, and how it pages.
#[derive(Clone, Copy, PartialEq)]
struct Side(Runtime, Paging);

impl fmt::Display for Side {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Side(runtime, (depth, size)) = *self;
        write!(out, "{runtime}: {}", Way::Cursor { depth, size })
    }
}

/// What is counted of a thousand rows.
struct Counts {
    sleeps: f64,
    /// Not a number where nobody counts.
    told_of_room: f64,
    /// The server's processor time, in microseconds.
    server: f64,
    hand_overs: f64,
    /// Processor time, and how long a thread had none though it was ready to run, in microseconds.
    running: f64,
    ready: f64,
}

impl Counts {
    fn of(rounds: &Rounds<Side>, side: Side) -> Self {
        let of = |figure: fn(&Took) -> f64| rounds.median(side, figure) / (RATED as f64 / 1e3);
        Counts {
            sleeps: of(|took| took.sleeps as f64),
            told_of_room: of(|took| took.told_of_room.map_or(f64::NAN, |told| told as f64)),
            server: of(|took| took.server.map_or(f64::NAN, |server| server.running / 1e3)),
            hand_overs: of(|took| took.hand_overs as f64),
            running: of(|took| took.client.running / 1e3),
            ready: of(|took| took.client.ready / 1e3),
        }
    }

    /// What the slower has more of than the faster, or less, by 15 % and by what can matter; none if nothing that is
    /// counted differs.
    fn beside(&self, faster: &Counts) -> Option<String> {
        let kinds = [
            ("hand-overs", self.hand_overs, faster.hand_overs, 1.0),
            ("sleeps", self.sleeps, faster.sleeps, 1.0),
            ("µs of processor time", self.running, faster.running, 10.0),
            ("µs without a processor", self.ready, faster.ready, 10.0),
            ("µs of the server's processor time", self.server, faster.server, 10.0),
        ];
        let more = kinds.into_iter().filter(|(_, own, other, least)| own - other > *least && *own > 1.15 * other);
        let more = more.map(|(what, own, other, _)| format!("{own:.0} {what} against {other:.0} per 1,000 rows"));
        let told = (faster.told_of_room > 1.0).then(|| {
            format!("nobody who tells it of room: the other is told {:.0} times per 1,000 rows", faster.told_of_room)
        });
        let found: Vec<String> = more.chain(told).collect();
        (!found.is_empty()).then(|| found.join(", "))
    }
}

/// Why one of tokio's is faster, if a plain thread that is told what tokio is told is as fast.
fn as_if_told(rounds: &Rounds<Side>, Side(runtime, paging): Side) -> Option<String> {
    let told = Side(Runtime::Roomy, paging);
    let tokio = matches!(runtime, Runtime::TokioMulti | Runtime::TokioCurrent);
    let times = Counts::of(rounds, told).told_of_room;
    let ratio = rounds.faster(told, Side(runtime, paging));
    (tokio && times > 1.0 && (ratio - 1.0).abs() <= 0.15).then(|| {
        format!(
            "nobody who tells it of room: told {times:.0} times per 1,000 rows, as tokio is, it has {ratio:.2} of tokio's rate"
        )
    })
}

/// Every runtime beside the plain thread.
pub(super) fn runtimes(server: &Server, proofs: &mut Proofs) -> Result<()> {
    let (url, name) = (server.url(), table(server, "rated"));
    let query = every_row(&name);
    let (check, _) = Table::open(&url, &name)?.read::<Check>(Way::Plain)?;
    let mut up: Vec<(Runtime, Running)> =
        ALL.into_iter().map(|runtime| Ok((runtime, Running::start(runtime, &url)?))).collect::<Result<_>>()?;
    println!(
        "{}",
        match up.iter().all(|(_, running)| running.apart()) {
            true => "The server has a processor of its own, and the runtimes have the others.",
            false => "Client and server run where the system puts them.",
        }
    );
    let Way::Cursor { depth, size } = BASE else { unreachable!("the base is a cursor") };
    let pagings = [(depth, size), (DEFAULT_DEPTH, size), (DEFAULT_DEPTH, PageSize::default())];
    let mut same = 0_usize;
    for (_, running) in &mut up {
        let (rows, _) = running.read::<Check>(&query, DEFAULT_DEPTH, PageSize::default())?;
        same += usize::from(rows == check);
    }
    proofs.line(
        "the cursor on every runtime",
        &format!("{same} of {} have the same rows", ALL.len()),
        "all",
        same == ALL.len(),
    );
    let sides: Vec<Side> = pagings.iter().flat_map(|paging| ALL.map(|runtime| Side(runtime, *paging))).collect();
    let expected = Table::open(&url, &name)?.read::<Sum>(Way::Plain)?.0;
    let rounds = Rounds::run(&sides, 7, |Side(runtime, (depth, size))| {
        let found = up.iter_mut().find(|(other, _)| *other == runtime);
        let (_, running) = found.context("every runtime is up")?;
        let (sum, took) = running.read::<Sum>(&query, depth, size)?;
        ensure!(sum == expected, "it has read {sum:?} and not {expected:?}");
        Ok(took)
    });
    let rounds = rounds.complete()?;
    let head = [
        "",
        "M rows/s",
        "of the thread's",
        "CPU, ns a row",
        "ready, ns a row",
        "server, ns a row",
        "sleeps",
        "told of room",
        "hand-overs",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for side in &sides {
        let counts = Counts::of(&rounds, *side);
        let rate = RATED as f64 / rounds.median(*side, |took| took.wall) * 1e3;
        let ratio = rounds.faster(*side, Side(Runtime::Thread, side.1));
        let mut row = vec![side.to_string()];
        row.extend([rate, ratio].map(|figure| format!("{figure:.2}")));
        // Microseconds of a thousand rows are nanoseconds of one.
        row.extend([counts.running, counts.ready, counts.server].map(|time| format!("{time:.0}")));
        row.extend([counts.sleeps, counts.told_of_room, counts.hand_overs].map(|count| match count.is_nan() {
            true => "–".into(),
            false => format!("{count:.1}"),
        }));
        rows.push(row);
    }
    println!(
        "Sleeps, hand-overs between threads, and how often it was told that there is room to write: of a thousand rows.\n{}",
        reports::render::terminal::aligned(&rows)
    );
    for side in sides.into_iter().filter(|side| side.0 != Runtime::Thread) {
        let thread = Side(Runtime::Thread, side.1);
        let ratio = rounds.faster(side, thread);
        let (slower, faster) = if ratio < 1.0 { (side, thread) } else { (thread, side) };
        let alike = (ratio - 1.0).abs() <= 0.15;
        let counted = || Counts::of(&rounds, slower).beside(&Counts::of(&rounds, faster));
        let cause = as_if_told(&rounds, faster).or_else(counted);
        let figure = match (&cause, alike) {
            (_, true) => format!("{ratio:.2} of the plain thread's rate"),
            (Some(cause), false) => format!("{ratio:.2} of it: {} has {cause}", slower.0),
            (None, false) => format!("{ratio:.2} of it, and nothing that is counted differs"),
        };
        proofs.line(&side.to_string(), &figure, "within 15 %, or a counted cause", alike || cause.is_some());
    }
    Ok(())
}
