//! How fast rows come, by which way, beside other programs; and where the time went.

use super::{BASE, FIFTY, RATED, table};
use crate::Proofs;
use anyhow::{Context, Result, ensure};
use cursor::{DEFAULT_DEPTH, PageSize};
use postgres::discovery::find;
use postgres::{Environment, Server};
use proofs::access_methods::interleaved::Rounds;
use proofs::access_methods::peers::{self, Program, Stage};
use proofs::access_methods::time_breakdown::{Account, Took};
use proofs::access_methods::{Check, Sum, Table, Way};
use std::fmt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use testbed::workspace;

/// 50 rows a page, as many under way as by default.
const AHEAD: Way = Way::Cursor { depth: DEFAULT_DEPTH, size: FIFTY };

const fn pages(depth: usize) -> Way {
    Way::Cursor { depth, size: FIFTY }
}

/// As whoever says nothing of pages has it.
fn default(depth: usize) -> Way {
    Way::Cursor { depth, size: PageSize::default() }
}

/// All ways, for a table.
fn ways() -> Vec<Way> {
    let thousand = |depth| Way::Cursor { depth, size: PageSize::Rows(1_000) };
    let mut ways = vec![BASE, pages(2), pages(8), AHEAD, thousand(1), thousand(DEFAULT_DEPTH)];
    ways.extend([default(1), default(DEFAULT_DEPTH), Way::Declared { size: 50 }, Way::Declared { size: 1_000 }]);
    ways.extend([Way::Plain, Way::Copy, Way::All]);
    // Some twenty ranges in all, so that nobody waits long for the last.
    ways.extend([2, 4, 8].map(|cursors| Way::Ranges { cursors, rows: 50_000 }));
    ways
}

/// Reads a way, and makes sure of its rows.
fn read(table: &mut Table, way: Way, expected: &Sum) -> Result<Took> {
    let (sum, took) = table.read::<Sum>(way)?;
    ensure!(sum == *expected, "wrong: it has read {sum:?} and not {expected:?}");
    Ok(took)
}

/// Where client and server run: it changes every ratio here.
fn place(table: &Table) -> &'static str {
    match table.apart() {
        Some(_) => "Client and server have a processor each; range cursors run where the system puts them.",
        None => "Client and server run where the system puts them.",
    }
}

fn measure(server: &Server, ways: &[Way], rounds: usize) -> Result<Rounds<Way>> {
    let mut table = Table::open(&server.url(), &table(server, "rated"))?;
    println!("{}", place(&table));
    let (expected, _) = table.read(Way::Plain)?;
    Rounds::run(ways, rounds, |way| read(&mut table, way, &expected)).complete()
}

/// Rows a second, and what of the processors' time each of them takes.
fn rate<Who: Copy + PartialEq + fmt::Display>(rounds: &Rounds<Who>, who: Who) -> String {
    let a_row = |of: fn(&Took) -> f64| rounds.median(who, of) / RATED as f64;
    let (wall, cpu) = (a_row(|took| took.wall), a_row(|took| took.client.running));
    let server = a_row(|took| took.server.map_or(f64::NAN, |server| server.running));
    let server = if server.is_nan() { String::new() } else { format!(", server {server:.0}") };
    format!("{:.2} M rows/s, client {cpu:.0}{server} ns a row", 1e3 / wall)
}

/// One line: how many times as fast one is as another; without a bar it is there for comparison.
fn against<Who: Copy + PartialEq + fmt::Display>(
    proofs: &mut Proofs,
    rounds: &Rounds<Who>,
    one: Who,
    other: Who,
    bar: Option<f64>,
) {
    let ratio = rounds.faster(one, other);
    let missing =
        [one, other].into_iter().find_map(|who| Some(format!("not measured: {who}: {}", rounds.of(who).err()?)));
    let figure = format!("{ratio:.2} times as fast ({} against {})", rate(rounds, one), rate(rounds, other));
    let (what, figure) = (format!("{one} against {other}"), missing.unwrap_or(figure));
    match bar {
        Some(bar) => proofs.line(&what, &figure, &format!("at least {bar}"), ratio >= bar),
        None => Proofs::without_bar(&what, &figure),
    }
}

/// The argument with which this program is one of the processes in which rates are measured, before a table's name.
pub(crate) const PROCESS: &str = "rates";

/// How memory happens to be laid out, on either side, differs between processes and moves a ratio by a tenth.
const PROCESSES: usize = 7;

/// What is promised something of.
fn promised() -> [Way; 5] {
    [Way::Plain, BASE, AHEAD, default(DEFAULT_DEPTH), Way::Copy]
}

/// One process: prints what is typical of it for each way, on the server that `DATABASE_URL` names.
pub(crate) fn process(mut arguments: impl Iterator<Item = String>) -> Result<()> {
    let name = arguments.next().context("which table?")?;
    let mut table = Table::open(&std::env::var("DATABASE_URL").context("which server?")?, &name)?;
    let (expected, _) = table.read(Way::Plain)?;
    let rounds = Rounds::run(&promised(), 5, |way| read(&mut table, way, &expected)).complete()?;
    let typical = |way| rounds.typical(way).map_err(|reason| anyhow::anyhow!("{way}: {reason}"));
    let typical: Vec<Took> = promised().into_iter().map(typical).collect::<Result<_>>()?;
    println!("{}", serde_json::to_string(&typical)?);
    Ok(())
}

fn measure_in_processes(server: &Server) -> Result<Rounds<Way>> {
    println!("{}", place(&Table::open(&server.url(), &table(server, "rated"))?));
    let mut processes: Vec<Vec<Took>> = Vec::new();
    for _ in 0..PROCESSES {
        let mut process = Command::new(std::env::current_exe()?);
        process.args([PROCESS, &table(server, "rated")]).env("DATABASE_URL", server.url());
        let output = process.stderr(Stdio::inherit()).output().context("cannot start this program again")?;
        ensure!(output.status.success(), "a process that measures rates has failed");
        processes.push(serde_json::from_slice(&output.stdout).context("the process printed no figures")?);
    }
    Ok(Rounds::of_processes(&promised(), &processes))
}

/// What is promised of our own ways.
pub(super) fn rates(server: &Server, proofs: &mut Proofs) -> Result<()> {
    let best = default(DEFAULT_DEPTH);
    let rounds = measure_in_processes(server)?;
    for (one, other, bar) in [(AHEAD, BASE, 6.0), (AHEAD, Way::Plain, 0.7), (best, Way::Plain, 0.85)] {
        against(proofs, &rounds, one, other, Some(bar));
    }
    against(proofs, &rounds, Way::Copy, Way::Plain, Some(1.0));
    print_causes(&rounds, &[Way::Plain, Way::Copy]);
    let cpu = |way| rounds.median(way, |took| took.client.running);
    let cpu = cpu(Way::Copy) / cpu(Way::Plain);
    proofs.line(
        "client's processor time of COPY BINARY against the plain row stream",
        &format!("{cpu:.2} times"),
        "at most 0.9",
        cpu <= 0.9,
    );
    Ok(())
}

/// Where the time of each way went.
pub(super) fn time(server: &Server, _: &mut Proofs) -> Result<()> {
    let ways = ways();
    let rounds = measure(server, &ways, 7)?;
    let percent = |part: f64| format!("{:.0} %", 100.0 * part);
    let mut rows = vec![["", "ms", "client", "server", "waits", "sleeps"].map(str::to_owned).to_vec()];
    for way in &ways {
        let took = rounds.typical(*way).map_err(|reason| anyhow::anyhow!("{way}: {reason}"))?;
        let account = Account::of(&took);
        rows.push(vec![
            way.to_string(),
            format!("{:.0}", took.wall / 1e6),
            percent(account.client.busy),
            account.server.map_or("not seen".into(), |server| percent(server.busy)),
            took.waits.map_or("–".into(), |waits| waits.to_string()),
            // Of several threads they are not counted.
            if took.connections == 1 { took.sleeps.to_string() } else { "–".into() },
        ]);
    }
    println!(
        "{RATED} rows. Client and server: busy for so much of the wall, of each connection; waits: how often the cursor had \
         no row; sleeps: how often the client slept.\n{}",
        reports::render::terminal::aligned(&rows)
    );
    print_causes(&rounds, &ways);
    Ok(())
}

/// One sentence for each: where the time went in the run that took the median.
fn print_causes<Who: Copy + PartialEq + fmt::Display>(rounds: &Rounds<Who>, sides: &[Who]) {
    println!("Where the time went");
    let width = sides.iter().map(|side| side.to_string().chars().count()).max().unwrap_or(0);
    for side in sides {
        // Padded as text: a `Display` need not heed a width.
        let name = side.to_string();
        match rounds.typical(*side) {
            Ok(took) => println!("  {name:<width$}  {}", Account::of(&took)),
            Err(reason) => println!("  {name:<width$}  {reason}"),
        }
    }
    println!();
}

/// Who is measured in a table of all.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Ours(Way),
    Other(Program),
}

impl fmt::Display for Side {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Side::Ours(way) => write!(out, "{way}"),
            Side::Other(program) => write!(out, "{program}"),
        }
    }
}

/// All ways beside other programs.
pub(super) fn peers(server: &Server, proofs: &mut Proofs) -> Result<()> {
    let (url, name) = (server.url(), table(server, "rated"));
    let mut table = Table::open(&url, &name)?;
    let (expected, _) = table.read::<Sum>(Way::Plain)?;
    let (check, _) = table.read::<Check>(Way::Plain)?;
    let made = workspace().join("datasets/generated/peers/bin/python");
    let python = if made.exists() { made } else { PathBuf::from("python3") };
    // The server's own psql, without Debian's wrapper; a server that is given may have none here.
    let near = find(&Environment::of_this_process()).ok().map(|found| found.programs.join("psql"));
    let psql = near.filter(|psql| psql.exists()).unwrap_or_else(|| PathBuf::from("psql"));
    // A server that somebody gave us is left where it is.
    let apart = table.apart().zip(table.postmaster()).filter(|_| server.directory().is_some());
    let stage = Stage::new(&url, &name, python, psql, apart)?;
    println!("{}", place(&table));
    let mut others = peers::ALL.map(|program| (program, stage.start(program, &check)));
    for way in ways() {
        eprintln!("checking {way}");
        let (rows, _) = table.read::<Check>(way)?;
        ensure!(rows == check, "{way} has read {rows:?} and not {check:?}");
    }
    let sides: Vec<Side> = ways().into_iter().map(Side::Ours).chain(peers::ALL.into_iter().map(Side::Other)).collect();
    let rounds = Rounds::run(&sides, 5, |side| match side {
        Side::Ours(way) => read(&mut table, way, &expected),
        Side::Other(program) => {
            let peer = others.iter_mut().find(|(other, _)| *other == program).context("it was not started")?;
            match &mut peer.1 {
                Ok(peer) => peer.read(),
                Err(reason) => Err(anyhow::anyhow!("{reason:#}")),
            }
        }
    });
    print_beside(&rounds, sides);
    for (program, peer) in &others {
        println!("{program}: {}", peer.as_ref().map_or("absent", |peer| &peer.version));
    }
    let (other, ours) = (Side::Other, Side::Ours);
    let asyncpg = |uvloop| other(Program::Asyncpg { size: 50, uvloop });
    let psycopg = other(Program::Psycopg { size: 50 });
    for (way, program, bar) in [
        (BASE, asyncpg(false), Some(1.5)),
        (BASE, psycopg, Some(1.5)),
        (AHEAD, asyncpg(false), Some(10.0)),
        (BASE, asyncpg(true), None),
        (AHEAD, asyncpg(true), None),
        (AHEAD, psycopg, None),
    ] {
        against(proofs, &rounds, ours(way), program, bar);
    }
    for way in [default(DEFAULT_DEPTH), Way::Plain, Way::Copy] {
        against(proofs, &rounds, ours(way), other(Program::Psql), None);
    }
    Ok(())
}

fn print_beside(rounds: &Rounds<Side>, mut sides: Vec<Side>) {
    let rate = |side| RATED as f64 / rounds.median(side, |took| took.wall) * 1e3;
    sides.sort_by(|one, other| rate(*other).total_cmp(&rate(*one)));
    let ours = rate(Side::Ours(default(DEFAULT_DEPTH)));
    let roofline = rate(Side::Other(Program::Psql));
    let head = ["", "M rows/s", "of ours", "of R", "client ns/row", "server ns/row"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for side in &sides {
        let side = *side;
        let a_row = |of: &dyn Fn(&Took) -> f64| format!("{:.0}", rounds.median(side, of) / RATED as f64);
        let mut row = vec![side.to_string()];
        match rounds.typical(side) {
            Ok(took) => {
                // Without psql there is no roofline.
                let figures = [rate(side), rate(side) / ours, rate(side) / roofline];
                row.extend(figures.map(|figure| if figure.is_nan() { "–".into() } else { format!("{figure:.2}") }));
                row.push(a_row(&|took| took.client.running));
                let server = |took: &Took| took.server.map_or(f64::NAN, |server| server.running);
                row.push(took.server.map_or("–".into(), |_| a_row(&server)));
            }
            Err(_) => row.extend(std::iter::repeat_n("–".to_owned(), head.len() - 1)),
        }
        rows.push(row);
    }
    let caption = format!(
        "{RATED} rows, every side with the same rows (count, ids, names); ours: the cursor as it is by default; R: psql"
    );
    println!("{caption}\n{}", reports::render::terminal::aligned(&rows));
    print_causes(rounds, &sides);
}
