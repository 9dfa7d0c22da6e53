//! The rates of each access method and of other programs, and the causes of their times.

use super::{BASE, FIFTY, RATED, table};
use crate::Proofs;
use anyhow::{Context, Result, bail, ensure};
use cursor::{DEFAULT_DEPTH, PageSize};
use postgres::discovery::find;
use postgres::{Environment, Server};
use proofs::access_methods::interleaved::Interleaved;
use proofs::access_methods::peers::{self, Launcher, Program};
use proofs::access_methods::time_breakdown::{Cost, TimeBreakdown};
use proofs::access_methods::{AccessMethod, Check, Sum, Table};
use std::fmt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use testbed::workspace;

/// 50 rows a page, with the default number of pages in flight.
const AHEAD: AccessMethod = AccessMethod::Cursor(DEFAULT_DEPTH, FIFTY);

/// The cursor with the default page.
fn default(depth: usize) -> AccessMethod {
    AccessMethod::Cursor(depth, PageSize::default())
}

/// All access methods, for the table of results.
fn methods() -> Vec<AccessMethod> {
    use AccessMethod::{Copy, Cursor, Declared, FetchAll, Plain, Ranges};
    let thousand = PageSize::Rows(1_000);
    let mut methods = vec![BASE, Cursor(2, FIFTY), Cursor(8, FIFTY), AHEAD];
    methods.extend([Cursor(1, thousand), Cursor(DEFAULT_DEPTH, thousand), default(1), default(DEFAULT_DEPTH)]);
    methods.extend([Declared(50), Declared(1_000), Plain, Copy, FetchAll]);
    // There are about twenty ranges in total, so that the wait for the last one is short.
    methods.extend([2, 4, 8].map(|cursors| Ranges(cursors, 50_000)));
    methods
}

/// Reads a table and checks its rows.
fn read(table: &mut Table, method: AccessMethod, expected: &Sum) -> Result<Cost> {
    let (sum, cost) = table.read::<Sum>(method)?;
    ensure!(sum == *expected, "wrong: it has read {sum:?} and not {expected:?}");
    Ok(cost)
}

/// Describes where client and server run, because every ratio here depends on it.
fn placement(table: &Table) -> &'static str {
    match table.pinning() {
        Some(_) => "Client and server have a core each; the kernel places range cursors.",
        None => "The kernel places client and server.",
    }
}

/// Describes the rows per second and the processor time per row.
fn rate<Side: Copy + PartialEq + fmt::Display>(rounds: &Interleaved<Side>, side: Side) -> String {
    let a_row = |of: fn(&Cost) -> f64| rounds.median(side, of) / RATED as f64;
    let (wall, cpu) = (a_row(|cost| cost.wall), a_row(|cost| cost.client.running));
    let server = a_row(|cost| cost.server.map_or(f64::NAN, |server| server.running));
    let server = if server.is_nan() { String::new() } else { format!(", server {server:.0}") };
    format!("{:.2} M rows/s, client {cpu:.0}{server} ns a row", 1e3 / wall)
}

/// Prints a line with the speed-up of one side over another.
fn against<Side: Copy + PartialEq + fmt::Display>(
    proofs: &mut Proofs,
    rounds: &Interleaved<Side>,
    (one, other): (Side, Side),
    bar: f64,
) {
    let ratio = rounds.faster(one, other);
    let missing =
        [one, other].into_iter().find_map(|side| Some(format!("not measured: {side}: {}", rounds.of(side).err()?)));
    let figure = format!("{ratio:.2} times as fast ({} against {})", rate(rounds, one), rate(rounds, other));
    let figure = missing.unwrap_or(figure);
    proofs.line(format!("{one} against {other}"), figure, format!("at least {bar}"), ratio >= bar);
}

/// The subcommand that runs this program as one process that measures rates.
pub(crate) const PROCESS: &str = "rates";

/// Number of measuring processes. The memory layout of client and server differs between processes and changes a ratio by
/// up to a tenth.
const PROCESSES: usize = 7;

/// The access methods with a promise.
fn promised() -> [AccessMethod; 5] {
    [AccessMethod::Plain, BASE, AHEAD, default(DEFAULT_DEPTH), AccessMethod::Copy]
}

/// Runs one process, which prints the typical cost of each method on the server that `DATABASE_URL` names.
pub(crate) fn process(arguments: &[&String]) -> Result<()> {
    let [name] = arguments else { bail!("`{PROCESS}` is followed by a table") };
    let mut table = Table::open(&std::env::var("DATABASE_URL").context("DATABASE_URL is not set")?, name)?;
    let (expected, _) = table.read(AccessMethod::Plain)?;
    let rounds = Interleaved::run(&promised(), 5, |method| read(&mut table, method, &expected)).complete()?;
    let typical = |method| rounds.typical(method).map_err(|reason| anyhow::anyhow!("{method}: {reason}"));
    let typical: Vec<Cost> = promised().into_iter().map(typical).collect::<Result<_>>()?;
    println!("{}", serde_json::to_string(&typical)?);
    Ok(())
}

/// Checks the promises about our own access methods.
pub(crate) fn rates(server: &Server, proofs: &mut Proofs) -> Result<()> {
    let name = table(server, "rated");
    println!("{}", placement(&Table::open(&server.url(), &name)?));
    let mut processes: Vec<Vec<Cost>> = Vec::new();
    for _ in 0..PROCESSES {
        let mut process = Command::new(std::env::current_exe()?);
        process.args([PROCESS, &name]).env("DATABASE_URL", server.url());
        let output = process.stderr(Stdio::inherit()).output().context("cannot start this program again")?;
        ensure!(output.status.success(), "a process that measures rates has failed");
        processes.push(serde_json::from_slice(&output.stdout).context("the process printed no figures")?);
    }
    let (plain, copy) = (AccessMethod::Plain, AccessMethod::Copy);
    let rounds = Interleaved::of_processes(&promised(), &processes);
    for (sides, bar) in
        [((AHEAD, BASE), 6.0), ((AHEAD, plain), 0.7), ((default(DEFAULT_DEPTH), plain), 0.85), ((copy, plain), 1.0)]
    {
        against(proofs, &rounds, sides, bar);
    }
    print_causes(&rounds, &[plain, copy]);
    let cpu = |method| rounds.median(method, |cost| cost.client.running);
    let cpu = cpu(copy) / cpu(plain);
    let what = "client's processor time of COPY BINARY against the plain row stream";
    proofs.line(what, format!("{cpu:.2} times"), "at most 0.9", cpu <= 0.9);
    Ok(())
}

/// Prints one sentence per side: the cause of the time in its median run.
fn print_causes<Side: Copy + PartialEq + fmt::Display>(rounds: &Interleaved<Side>, sides: &[Side]) {
    println!("Where the time went");
    let width = sides.iter().map(|side| side.to_string().chars().count()).max().unwrap_or(0);
    for side in sides {
        // Padded as text, because a `Display` may ignore a width.
        let name = side.to_string();
        let cause = rounds.typical(*side).map(|cost| TimeBreakdown::of(&cost).to_string());
        println!("  {name:<width$}  {}", cause.unwrap_or_else(str::to_owned));
    }
    println!();
}

/// A row of the table of results.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Ours(AccessMethod),
    Peer(Program),
}

impl fmt::Display for Side {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Side::Ours(method) => method.fmt(out),
            Side::Peer(program) => program.fmt(out),
        }
    }
}

/// Compares all access methods with other programs.
pub(crate) fn peers(server: &Server, proofs: &mut Proofs) -> Result<()> {
    let (url, name) = (server.url(), table(server, "rated"));
    let mut table = Table::open(&url, &name)?;
    let (expected, _) = table.read::<Sum>(AccessMethod::Plain)?;
    let (check, _) = table.read::<Check>(AccessMethod::Plain)?;
    let installed = workspace().join("datasets/generated/peers/bin/python");
    let python = if installed.exists() { installed } else { PathBuf::from("python3") };
    // This is the server's own psql, without Debian's wrapper. This machine may lack it if the server is external.
    let near = find(&Environment::of_this_process()).ok().map(|found| found.programs.join("psql"));
    let psql = near.filter(|psql| psql.exists()).unwrap_or_else(|| PathBuf::from("psql"));
    // An external server is not moved to a core.
    let pinning = table.pinning().zip(table.postmaster()).filter(|_| server.directory().is_some());
    let launcher = Launcher::new(&url, &name, python, psql, pinning)?;
    println!("{}", placement(&table));
    let mut started = peers::ALL.map(|program| (program, launcher.start(program, &check)));
    for method in methods() {
        eprintln!("checking {method}");
        let (rows, _) = table.read::<Check>(method)?;
        ensure!(rows == check, "{method} has read {rows:?} and not {check:?}");
    }
    let sides: Vec<Side> =
        methods().into_iter().map(Side::Ours).chain(peers::ALL.into_iter().map(Side::Peer)).collect();
    let rounds = Interleaved::run(&sides, 5, |side| match side {
        Side::Ours(method) => read(&mut table, method, &expected),
        Side::Peer(program) => {
            let peer = started.iter_mut().find(|(other, _)| *other == program).context("all were started")?;
            peer.1.as_mut().map_err(|reason| anyhow::anyhow!("{reason:#}"))?.read()
        }
    });
    print_table(&rounds, sides);
    for (program, peer) in &started {
        println!("{program}: {}", peer.as_ref().map_or("absent", |peer| &peer.version));
    }
    for (method, program, bar) in
        [(BASE, Program::Asyncpg(50), 1.5), (BASE, Program::Psycopg(50), 1.5), (AHEAD, Program::Asyncpg(50), 10.0)]
    {
        against(proofs, &rounds, (Side::Ours(method), Side::Peer(program)), bar);
    }
    Ok(())
}

fn print_table(rounds: &Interleaved<Side>, mut sides: Vec<Side>) {
    let rate = |side| RATED as f64 / rounds.median(side, |cost| cost.wall) * 1e3;
    sides.sort_by(|one, other| rate(*other).total_cmp(&rate(*one)));
    let (ours, psql) = (rate(Side::Ours(default(DEFAULT_DEPTH))), rate(Side::Peer(Program::Psql)));
    let head = ["", "M rows/s", "of ours", "of R", "client ns/row", "server ns/row"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for side in &sides {
        let a_row = |of: fn(&Cost) -> f64| rounds.median(*side, of) / RATED as f64;
        let rate = rate(*side);
        let server = a_row(|cost| cost.server.map_or(f64::NAN, |server| server.running));
        let client = a_row(|cost| cost.client.running);
        // A side without a time has no figures. Without psql, the column R is empty.
        let figure = |value: f64, digits| if value.is_nan() { "–".into() } else { format!("{value:.digits$}") };
        let figures = [(rate, 2), (rate / ours, 2), (rate / psql, 2), (client, 0), (server, 0)];
        let figures = figures.into_iter().map(|(value, digits)| figure(value, digits));
        rows.push(std::iter::once(side.to_string()).chain(figures).collect());
    }
    println!(
        "{RATED} rows, the same for every side (count, ids, names); ours: the cursor with its defaults; R: psql\n{}",
        reports::render::wrap::aligned(&rows)
    );
    print_causes(rounds, &sides);
}
