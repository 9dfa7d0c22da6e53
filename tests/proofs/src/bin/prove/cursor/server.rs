//! The server of our own: how soon it is there, what it opens, and what is left of it however its owner ends.

use crate::Proofs;
use anyhow::{Context, Result, anyhow, ensure};
use datasets::products::Products;
use fastrand::Rng;
use postgres::{Environment, Server};
use proofs::interruption::Interruption;
use proofs::overhead::median;
use std::collections::BTreeSet;
use std::fs::{self, read_to_string};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use testbed::sandbox::Sandbox;

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
    Ok(Server::with(&environment, &Products::new(1, ROWS)?, clusters)?.0)
}

/// Owns a server: `owner <folder> [<ms>]`. It panics so many milliseconds after the server is up, or ends with its input:
/// if the proof itself is ended, it leaves no owner.
pub(crate) fn owner(mut arguments: impl Iterator<Item = String>) -> Result<()> {
    let folder = arguments.next().context("an owner is told where to keep clusters")?;
    let _server = open(Path::new(&folder))?;
    match arguments.next() {
        Some(moment) => {
            thread::sleep(Duration::from_millis(moment.parse()?));
            panic!("as it was told");
        }
        None => {
            io::copy(&mut io::stdin(), &mut io::sink())?;
            Ok(())
        }
    }
}

pub(super) fn prove(proofs: &mut Proofs) -> Result<()> {
    starts(proofs)?;
    ends(proofs)
}

/// How long it takes until a server is up with its table loaded and read once.
fn starts(proofs: &mut Proofs) -> Result<()> {
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
    Ok(())
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

/// An owner to be ended: how, or by its own panic, and when.
type End = (Option<Interruption>, Duration);

/// Ends owners in every way, at moments from their first to some time after their server is up: two at a time for each
/// processor, for half of what is done here is waiting.
fn ends(proofs: &mut Proofs) -> Result<()> {
    let at_once = 2 * crate::cores().get();
    let began = Instant::now();
    let up = slowest_start(at_once)?;
    let mut rng = Rng::with_seed(1);
    // One that panics does so when its server is up: from then on nothing about it changes.
    let spread = |way: Option<Interruption>| if way.is_some() { 1.2 } else { 0.2 };
    let ways = Interruption::ALL.map(Some).into_iter().chain([None]);
    let mut all: Vec<End> = ways
        .flat_map(|way| (0..ENDS).map(move |time| (way, time)))
        .map(|(way, time)| (way, up.mul_f64(spread(way) * (f64::from(time) + rng.f64()) / f64::from(ENDS))))
        .collect();
    rng.shuffle(&mut all);
    let before = abandoned_memory();
    let next = Mutex::new(all.into_iter());
    let ended: Vec<Ended> = thread::scope(|scope| {
        let next = || {
            let mut left = next.lock().unwrap_or_else(PoisonError::into_inner);
            if left.len().is_multiple_of(50) {
                eprintln!("{} owners are left, {:.0} s", left.len(), began.elapsed().as_secs_f64());
            }
            left.next()
        };
        let work = move || std::iter::from_fn(next).map(|how| (how, end(how))).collect::<Vec<_>>();
        let threads: Vec<_> = (0..at_once).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    });
    let (mut slowest, mut with_server, mut left) = (Duration::ZERO, 0, 0);
    for ((way, moment), end) in &ended {
        match end {
            Ok(end) => {
                slowest = slowest.max(end.cleared);
                with_server += u32::from(end.had_server);
            }
            Err(error) => {
                let way = way.map_or("a panic".to_owned(), |way| format!("{way:?}"));
                eprintln!("{way} after {moment:?}: {error:#}");
                left += 1;
            }
        }
    }
    // Whose a piece was cannot be seen any more. A server of somebody else's may be ending at this moment.
    let deadline = Instant::now() + PATIENCE;
    let pieces = loop {
        let pieces: Vec<_> = abandoned_memory().difference(&before).cloned().collect();
        if pieces.is_empty() || Instant::now() > deadline {
            break pieces;
        }
        thread::sleep(Duration::from_millis(50));
    };
    if !pieces.is_empty() {
        eprintln!("shared memory is left: {pieces:?}");
    }
    let all = ended.len();
    proofs.line(
        &format!("{ENDS} x SIGKILL, SIGTERM, Ctrl-C and a panic of a server's owner, {at_once} owners at a time"),
        &format!(
            "{all} ended, {with_server} of them with their server up; {left} left a process or a folder, {} pieces of \
             shared memory are left; all gone {:.2} s after at most; {:.0} s in all",
            pieces.len(),
            slowest.as_secs_f64(),
            began.elapsed().as_secs_f64()
        ),
        &format!("{} ended, 0 and 0 left, after {} s", 4 * ENDS, PATIENCE.as_secs()),
        all == 4 * ENDS as usize && left == 0 && pieces.is_empty(),
    );
    Ok(())
}

/// The longest that a cold start takes of so many at a time.
fn slowest_start(at_once: usize) -> Result<Duration> {
    let start = || {
        let clusters = tempfile::tempdir()?;
        let begun = Instant::now();
        open(clusters.path())?;
        anyhow::Ok(begun.elapsed())
    };
    let took: Result<Vec<Duration>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..at_once).map(|_| scope.spawn(start)).collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("a start panicked"))?).collect()
    });
    took?.into_iter().max().context("there is a processor")
}

/// What came of an owner's end.
struct Gone {
    /// Whether its server was up when it ended.
    had_server: bool,
    /// How long it took until nothing was left.
    cleared: Duration,
}

type Ended = (End, Result<Gone>);

/// One owner's life. Without a way to end it, it panics.
fn end((way, moment): End) -> Result<Gone> {
    let sandbox = Sandbox::default();
    // A background job of a shell ignores Ctrl-C, and so does all that it starts, unless it is told not to.
    let mut owner = Command::new("env");
    owner.args(["--default-signal=INT,TERM".as_ref(), std::env::current_exe()?.as_os_str()]);
    owner.args([OWNER.as_ref(), sandbox.path("clusters").as_os_str()]);
    if way.is_none() {
        owner.arg(moment.as_millis().to_string());
    }
    owner.env("TMPDIR", sandbox.temp()).env_remove("DATABASE_URL").process_group(0);
    let mut owner = owner.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let mut had_server = true;
    if let Some(way) = way {
        thread::sleep(moment);
        had_server = sandbox.leftovers().iter().any(|directory| directory.join("run/.s.PGSQL.5432").exists());
        way.strike(&owner);
    }
    let status = owner.wait()?;
    ensure!(!status.success(), "the owner ended well");
    let cleared = sandbox.wait_until_clear(PATIENCE).map_err(anyhow::Error::msg)?;
    Ok(Gone { had_server, cleared })
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
