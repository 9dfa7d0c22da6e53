//! The server of our own: how soon it is there, what it opens, and what is left of it however its owner ends.

use crate::Proofs;
use anyhow::{Context, Result, bail, ensure};
use datasets::postgres::{Environment, Server};
use fastrand::Rng;
use std::collections::BTreeSet;
use std::fs::{self, read_to_string};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tests::interruption::Interruption;
use tests::prices::median;
use tests::sandbox::Sandbox;

/// The argument with which this program owns a server until somebody ends it.
pub(crate) const OWNER: &str = "owner";

/// Rows of the default table.
const ROWS: u64 = 100_000;

/// How often a server is started in either way.
const STARTS: usize = 7;

/// How often an owner ends in each way.
const ENDS: u32 = 50;

/// The longest time in which all must be gone.
const PATIENCE: Duration = Duration::from_secs(5);

fn open(clusters: &Path) -> Result<Server> {
    let environment = Environment { address: None, ..Environment::of_this_process() };
    Ok(Server::with_products(&environment, (ROWS, 1), clusters)?.0)
}

/// Owns a server: `owner <folder> [<ms>]`. It panics so many milliseconds after the server is up, or never ends.
pub(crate) fn owner(mut arguments: impl Iterator<Item = String>) -> Result<()> {
    let folder = arguments.next().context("an owner is told where to keep clusters")?;
    let _server = open(Path::new(&folder))?;
    match arguments.next() {
        Some(moment) => {
            std::thread::sleep(Duration::from_millis(moment.parse()?));
            panic!("as it was told");
        }
        None => loop {
            std::thread::sleep(Duration::from_secs(3600));
        },
    }
}

pub(super) fn prove(_: &Server, proofs: &mut Proofs) -> Result<()> {
    let cold = starts(proofs)?;
    ends(proofs, cold)
}

/// How long it takes until a server is up with its table loaded and read once; the median of cold starts is returned.
fn starts(proofs: &mut Proofs) -> Result<Duration> {
    let (mut cold, mut warm, mut ports) = (Vec::new(), Vec::new(), 0);
    for _ in 0..STARTS {
        let clusters = tempfile::tempdir()?;
        for times in [&mut cold, &mut warm] {
            let begun = Instant::now();
            let server = open(clusters.path())?;
            times.push(begun.elapsed().as_secs_f64());
            ports += listening(server.directory().context("a server of our own has a directory")?);
        }
    }
    let (cold, warm) = (median(cold), median(warm));
    let line = |start: &str| format!("{start} start of the server with {ROWS} rows loaded and read, as {}", whoami());
    proofs.line(&line("cold"), &format!("{cold:.2} s"), "at most 3 s", cold <= 3.0);
    proofs.line(&line("warm"), &format!("{warm:.2} s"), "at most 0.5 s", warm <= 0.5);
    proofs.line("TCP ports that these servers opened", &ports.to_string(), "0", ports == 0);
    Ok(Duration::from_secs_f64(cold))
}

fn whoami() -> &'static str {
    if rustix::process::geteuid().is_root() { "root" } else { "an ordinary user" }
}

/// How many TCP sockets the processes that work in `directory` listen on.
fn listening(directory: &Path) -> usize {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| read_to_string(table).unwrap_or_default());
    // The fourth column is the state, 0A is LISTEN; the tenth is the socket's inode. See proc(5).
    let inodes: BTreeSet<String> = tables
        .iter()
        .flat_map(|table| table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()))
        .filter(|columns| columns.get(3) == Some(&"0A"))
        .filter_map(|columns| Some(format!("socket:[{}]", columns.get(9)?)))
        .collect();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten().map(|process| process.path());
    let ours = processes.filter(|process| fs::read_link(process.join("cwd")).is_ok_and(|at| at.starts_with(directory)));
    let sockets = ours.flat_map(|process| fs::read_dir(process.join("fd")).into_iter().flatten().flatten());
    let sockets = sockets.filter_map(|socket| fs::read_link(socket.path()).ok());
    sockets.filter(|socket| inodes.contains(&*socket.to_string_lossy())).count()
}

/// Ends owners in every way, at moments from their first to some time after their server is up.
fn ends(proofs: &mut Proofs, cold: Duration) -> Result<()> {
    let ways = Interruption::ALL.map(Some).into_iter().chain([None]);
    let mut rng = Rng::with_seed(1);
    let (mut slowest, mut left) = (Duration::ZERO, Vec::new());
    for way in ways {
        for time in 0..ENDS {
            let moment = cold.mul_f64(1.2 * (f64::from(time) + rng.f64()) / f64::from(ENDS));
            match end(way, moment) {
                Ok(took) => slowest = slowest.max(took),
                Err(error) => left.push(format!("{} after {moment:?}: {error:#}", name(way))),
            }
        }
    }
    left.iter().for_each(|left| eprintln!("{left}"));
    proofs.line(
        &format!("{ENDS} x SIGKILL, SIGTERM, Ctrl-C and a panic of a server's owner"),
        &format!(
            "{} left a process, a folder or shared memory; all gone {:.2} s after at most",
            left.len(),
            slowest.as_secs_f64()
        ),
        "0, after 5 s",
        left.is_empty(),
    );
    Ok(())
}

fn name(way: Option<Interruption>) -> String {
    way.map_or("a panic".to_owned(), |way| format!("{way:?}"))
}

/// One owner's life. Without a way to end it, it panics. How long it took until nothing was left.
fn end(way: Option<Interruption>, moment: Duration) -> Result<Duration> {
    let sandbox = Sandbox::default();
    let before = abandoned_memory();
    // A background job of a shell ignores Ctrl-C, and so does all that it starts, unless it is told not to.
    let mut owner = Command::new("env");
    owner.args(["--default-signal=INT,TERM".as_ref(), std::env::current_exe()?.as_os_str()]);
    owner.args([OWNER.as_ref(), sandbox.path("clusters").as_os_str()]);
    if way.is_none() {
        owner.arg(moment.as_millis().to_string());
    }
    owner.env("TMPDIR", sandbox.temp()).env_remove("DATABASE_URL").process_group(0);
    let mut owner = owner.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    if let Some(way) = way {
        std::thread::sleep(moment);
        way.strike(&owner);
    }
    let status = owner.wait()?;
    ensure!(!status.success(), "the owner ended well");
    let cleared = sandbox.wait_until_clear(PATIENCE).map_err(anyhow::Error::msg)?;
    let left: Vec<_> = abandoned_memory().difference(&before).cloned().collect();
    if !left.is_empty() {
        bail!("shared memory is left: {left:?}");
    }
    Ok(cleared)
}

/// Pieces of shared memory that no process is attached to. The seventh column counts those that are; see proc(5).
fn abandoned_memory() -> BTreeSet<String> {
    let table = read_to_string(PathBuf::from("/proc/sysvipc/shm")).unwrap_or_default();
    let pieces = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    pieces
        .filter(|piece| piece.get(6) == Some(&"0"))
        .filter_map(|piece| piece.get(1).map(ToString::to_string))
        .collect()
}
