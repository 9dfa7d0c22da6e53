//! Measures the project's promises. Prints a line for each: the promise, the figure, the bar, and whether the figure holds
//! the bar.

mod agreement;
mod cursor;
mod heartbeat;
mod processes;
mod seam;
mod speed;
mod sweeps;
mod truth;

use Proof::{Named, OnServer, Plain};
use anyhow::{Context, Result};
use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Arg, ArgMatches, Command};
use postgres::Server;
use std::fmt::Display;
use std::process::ExitCode;

/// The function that proves a part.
#[derive(Clone, Copy)]
enum Proof {
    Plain(fn(&mut Proofs) -> Result<()>),
    /// A proof that needs a server with the cursor's tables.
    OnServer(fn(&Server, &mut Proofs) -> Result<()>),
    /// A proof that also needs other programs. It runs only if the user names it.
    Named(fn(&Server, &mut Proofs) -> Result<()>),
}

/// The groups of parts: name and description.
const GROUPS: [(&str, &str); 8] = [
    ("main", "The seam, waiting, counting, 1-grams, interruptions, and whole sweeps (the default)"),
    ("seam", "The overhead of the seam: every strategy beside its twin"),
    ("agreement", "Every way to run word totals agrees with awk and sort on 20 MB"),
    ("crosscheck", "Our medians and criterion's agree on ten cells"),
    ("cursor", "The cursor on a real server: rates, traffic, faults, and what is left behind"),
    ("processes", "Worker processes: killed ones, orphans, and what shipping costs"),
    ("speed", "Word totals and counting against other programs, and what they cost"),
    ("truth", "The figures can be trusted: every fault that could mislead is injected and must be found"),
];

/// The parts: group, name, description and proof.
const PARTS: [(&str, &str, &str, Proof); 46] = [
    ("main", "seam", "The overhead of the seam", Plain(seam::prove)),
    ("main", "waits", "32 workers on work that only waits", Plain(sweeps::waits)),
    ("main", "counting", "Counting twice as far takes twice as long", Plain(sweeps::counting)),
    ("main", "generator", "How fast 1-grams are made", Plain(sweeps::generator)),
    (
        "main",
        "interruptions",
        "30 sweeps killed, terminated and stopped by Ctrl-C each, and 30 ended in other ways",
        Plain(sweeps::interruptions),
    ),
    ("main", "demo", "How long `just demo` takes", Plain(sweeps::demo)),
    ("main", "bench", "How long `just bench` takes", Plain(sweeps::bench)),
    ("seam", "seam", "The same as in main", Plain(seam::prove)),
    ("agreement", "agreement", "On one core and on two", Plain(agreement::prove)),
    ("crosscheck", "crosscheck", "Ten cells, eleven processes each", Plain(agreement::crosscheck)),
    ("cursor", "rates", "Rates of our own access methods", OnServer(cursor::rates::rates)),
    ("cursor", "runtimes", "The same cursor on every runtime", OnServer(cursor::runtimes::runtimes)),
    ("cursor", "late", "Eight pages in flight against one, with 1 ms more a round trip", OnServer(cursor::late)),
    ("cursor", "prefetch", "The best number of rows in flight can be predicted", OnServer(cursor::prefetch::prefetch)),
    ("cursor", "wire", "What crosses the wire for five rows, and for skipped ones", OnServer(cursor::wire)),
    ("cursor", "left", "A thousand cursors left in four ways", OnServer(cursor::left)),
    ("cursor", "ranges", "Range cursors on a table that changes", OnServer(cursor::ranges)),
    ("cursor", "memory", "Memory with a consumer ten times slower", OnServer(cursor::memory)),
    ("cursor", "server", "The private server: its start, its ports, what is left of it", Plain(cursor::server::prove)),
    ("cursor", "overlap", "Work on rows while the next rows travel", Plain(cursor::overlap::prove)),
    ("cursor", "faults", "Every fault is reported", Plain(cursor::faults)),
    ("cursor", "peers", "asyncpg, psycopg and psql beside our access methods", Named(cursor::rates::peers)),
    ("processes", "killed", "One of four workers killed in the middle of a run", Plain(processes::killed)),
    ("processes", "orphans", "How long workers outlive their parent", Plain(processes::orphans)),
    ("processes", "cliff", "Partitions of 2 lines against 60 000, by value", Plain(processes::cliff)),
    ("speed", "kernels", "Kernels against `wc -l` and a byte sum", Plain(speed::contests::kernels)),
    ("speed", "peers", "Polars, DuckDB and Python on 1.8 GB", Plain(speed::contests::peers)),
    ("speed", "count", "Counting against the same loop in C", Plain(speed::contests::count)),
    ("speed", "reduce", "The final reduce with 32 workers", Plain(speed::scaling::reduce)),
    ("speed", "cut", "How many workers one thread can cut partitions for", Plain(speed::scaling::cut)),
    ("speed", "axes", "How fast 1-grams of every kind are made", Plain(speed::scaling::axes)),
    ("speed", "strategies", "Strategies with the kernel runs, and beside each other", Plain(speed::bounds::strategies)),
    ("speed", "memory", "Memory for each word and each worker", Plain(speed::bounds::memory)),
    ("speed", "limit", "A file six times as large as the memory", Plain(speed::bounds::limit)),
    ("speed", "fuzz", "30 minutes of fuzzing, and Miri", Plain(speed::bounds::fuzz)),
    ("truth", "simulated", "The statistics on simulated sessions", Plain(truth::simulated)),
    ("truth", "doctor", "The doctor on this machine", Plain(truth::doctor)),
    ("truth", "suites", "Bars that tests hold", Plain(truth::suites)),
    ("truth", "resources", "Memory, processor time and switches of known work", Plain(truth::resources)),
    ("truth", "heartbeat", "A stall, a blocked runtime, and what the heart costs", Plain(heartbeat::prove)),
    ("truth", "equals", "The same strategy under two names", Plain(truth::equals)),
    ("truth", "crosscheck", "Our medians and criterion's", Plain(agreement::crosscheck)),
    ("truth", "cheats", "Every cheat, 20 times, and with several numbers of workers", Plain(truth::cheats)),
    ("truth", "killed", "Sweeps killed and resumed", Plain(truth::killed)),
    ("truth", "honest", "Honest strategies are not accused", Plain(truth::honest)),
    ("truth", "budget", "A sweep of five minutes, and what stopping early saves", Plain(truth::budget)),
];

/// A function that runs a subcommand with its arguments.
type Process = fn(&[&String]) -> Result<()>;

/// Hidden subcommands with which this program starts itself: name, arguments and function.
const PROCESSES: [(&str, &str, Process); 4] = [
    (seam::PAIRS, "strategy and task", seam::pairs),
    (cursor::rates::PROCESS, "table", cursor::rates::process),
    (processes::OWNER, "strategy", processes::owner),
    (cursor::server::OWNER, "folder, and milliseconds until it panics", cursor::server::owner),
];

fn command() -> Command {
    let mut listed = String::from("Parts of the groups:\n");
    let mut command = Command::new("prove").about("Measures what is promised and says whether it holds.");
    for (group, about) in GROUPS {
        let parts = PARTS.iter().filter(|part| part.0 == group);
        let values: Vec<_> = parts.map(|(_, name, about, _)| PossibleValue::new(*name).help(*about)).collect();
        if values.len() > 1 {
            for value in &values {
                let about = value.get_help().map(ToString::to_string).unwrap_or_default();
                listed += &format!("  {:22}{about}\n", format!("{group} {}", value.get_name()));
            }
        }
        let parts = Arg::new("parts").num_args(0..).value_parser(PossibleValuesParser::new(values));
        command = command.subcommand(Command::new(group).about(about).arg(parts.help("All of them if none is named")));
    }
    for (name, arguments, _) in PROCESSES {
        let arguments = Arg::new("arguments").num_args(0..).help(arguments);
        command = command.subcommand(Command::new(name).hide(true).arg(arguments));
    }
    command.after_help(listed)
}

fn main() -> ExitCode {
    let matches = command().get_matches();
    let (name, given) = matches.subcommand().map_or(("main", None), |(name, given)| (name, Some(given)));
    let values = |of: &'static str| -> Vec<&String> {
        given.and_then(|given: &ArgMatches| given.get_many(of)).map(Iterator::collect).unwrap_or_default()
    };
    let mut proofs = Proofs { all_hold: true };
    let proved = match PROCESSES.iter().find(|(process, ..)| *process == name) {
        Some((.., process)) => process(&values("arguments")),
        None => prove(&mut proofs, name, &values("parts")),
    };
    if let Err(error) = proved {
        eprintln!("error: {error:#}");
        return ExitCode::FAILURE;
    }
    if proofs.all_hold { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Proves the named parts of a group, or all of them.
fn prove(proofs: &mut Proofs, group: &str, named: &[&String]) -> Result<()> {
    let mut server = None;
    for (_, name, _, proof) in PARTS.iter().filter(|part| part.0 == group) {
        let by_default = named.is_empty() && !matches!(proof, Named(_));
        if !by_default && !named.iter().any(|part| part == name) {
            continue;
        }
        match proof {
            // Each part runs in its own process, so that nothing that another part left behind affects it.
            Plain(_) if group == "speed" && named.is_empty() => {
                let status = std::process::Command::new(std::env::current_exe()?).args([group, name]).status();
                proofs.all_hold &= status.context("cannot start this program again")?.success();
            }
            Plain(prove) => prove(proofs)?,
            OnServer(prove) | Named(prove) => {
                if server.is_none() {
                    server = Some(cursor::load()?);
                }
                prove(server.as_ref().context("it was just started")?, proofs)?;
            }
        }
    }
    Ok(())
}

struct Proofs {
    all_hold: bool,
}

impl Proofs {
    fn line(&mut self, what: impl Display, figure: impl Display, bar: impl Display, holds: bool) {
        self.all_hold &= holds;
        println!("{} {what}: {figure} (bar: {bar})", if holds { "holds    " } else { "DOES NOT " });
    }
}

/// The results of some tests.
struct Tested {
    passed: usize,
    failed: usize,
    success: bool,
}

/// Runs cargo's tests.
fn tests(arguments: &[&str]) -> Result<Tested> {
    let output = std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .arg("test")
        .args(arguments)
        .current_dir(testbed::workspace())
        .output()
        .context("cannot start cargo")?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let ended = |how| printed.lines().filter(|line| line.starts_with("test ") && line.ends_with(how)).count();
    let tested = Tested { passed: ended("... ok"), failed: ended("FAILED"), success: output.status.success() };
    if !tested.success {
        eprintln!("{printed}{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(tested)
}
