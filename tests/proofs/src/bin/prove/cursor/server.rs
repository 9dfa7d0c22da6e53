//! The private server: the time of its start, its open ports, and what remains of it after each way in which its owner can
//! end.

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
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use testbed::sandbox::Sandbox;

/// The subcommand that makes this program the owner of a server.
pub(crate) const OWNER: &str = "owner";

/// Rows of the default table.
const ROWS: u64 = 100_000;

/// The number of cold starts, and of warm starts.
const STARTS: usize = 7;

/// The number of owners that end in each way.
const ENDS: u32 = 50;

/// The time after which nothing may remain.
const PATIENCE: Duration = Duration::from_secs(5);

fn open(clusters: &Path) -> Result<Server> {
    let environment = Environment { address: None, ..Environment::of_this_process() };
    Ok(Server::with(&environment, &Products::new(1, ROWS)?, clusters)?.0)
}

/// Owns a server: `owner <folder> [<ms>]`. It panics `<ms>` milliseconds after the server is up, if given. It also ends at
/// the end of its input, so that no owner outlives the proof.
pub(crate) fn owner(arguments: &[&String]) -> Result<()> {
    let folder = arguments.first().context("`owner` is followed by the folder for clusters")?;
    let _server = open(Path::new(folder))?;
    if let Some(moment) = arguments.get(1) {
        thread::sleep(Duration::from_millis(moment.parse()?));
        panic!("as requested");
    }
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

pub(crate) fn prove(proofs: &mut Proofs) -> Result<()> {
    starts(proofs)?;
    ends(proofs)
}

/// Measures the time until a server is up and its table is loaded and read once.
fn starts(proofs: &mut Proofs) -> Result<()> {
    let (mut cold, mut warm, mut ports) = (Vec::new(), Vec::new(), 0);
    for _ in 0..STARTS {
        let clusters = tempfile::tempdir()?;
        for times in [&mut cold, &mut warm] {
            let begun = Instant::now();
            let server = open(clusters.path())?;
            times.push(begun.elapsed().as_secs_f64());
            ports += listening(server.directory().context("a private server has a directory")?);
        }
    }
    let user = if rustix::process::geteuid().is_root() { "root" } else { "an ordinary user" };
    for (start, seconds, bar) in [("cold", median(cold), 3.0), ("warm", median(warm), 0.5)] {
        let what = format!("{start} start of the server with {ROWS} rows loaded and read, as {user}");
        proofs.line(what, format!("{seconds:.2} s"), format!("at most {bar} s"), seconds <= bar);
    }
    proofs.line("TCP ports that these servers opened", ports, 0, ports == 0);
    Ok(())
}

/// The number of listening TCP sockets of the processes whose working directory is `directory`.
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

/// The way in which an owner ends, and the moment. `None` means its own panic.
type End = (Option<Interruption>, Duration);

/// Ends owners in every way, at moments from their start until some time after their server is up. Two owners run at a time
/// per core, because about half of the time is waiting.
fn ends(proofs: &mut Proofs) -> Result<()> {
    let at_once = 2 * harness::machine::processors().len();
    let began = Instant::now();
    let up = slowest_start(at_once)?;
    let mut rng = Rng::with_seed(1);
    // A panic happens only after the server is up. Its exact moment matters little, so its range is shorter.
    let spread = |way: Option<Interruption>| if way.is_some() { 1.2 } else { 0.2 };
    let ways = Interruption::SIGNALS.map(Some).into_iter().chain([None]);
    let mut all: Vec<End> = ways
        .flat_map(|way| (0..ENDS).map(move |time| (way, time)))
        .map(|(way, time)| (way, up.mul_f64(spread(way) * (f64::from(time) + rng.f64()) / f64::from(ENDS))))
        .collect();
    rng.shuffle(&mut all);
    let before = abandoned_memory();
    let next = Mutex::new(all.into_iter());
    let ended: Vec<Result<Ended>> = thread::scope(|scope| {
        let next = || next.lock().unwrap_or_else(PoisonError::into_inner).next();
        let work = move || std::iter::from_fn(next).map(end).collect::<Vec<_>>();
        let threads: Vec<_> = (0..at_once).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    });
    let all = ended.len();
    ended.iter().filter_map(|ended| ended.as_ref().err()).for_each(|error| eprintln!("{error:#}"));
    let good: Vec<Ended> = ended.into_iter().flatten().collect();
    let left = all - good.len();
    let with_server = good.iter().filter(|ended| ended.had_server).count();
    let slowest = good.iter().map(|ended| ended.cleared).max().unwrap_or_default().as_secs_f64();
    // The former owner of a segment is unknown. An unrelated server may be ending now, so the check waits.
    let deadline = Instant::now() + PATIENCE;
    let segments = loop {
        let segments: Vec<_> = abandoned_memory().difference(&before).cloned().collect();
        if segments.is_empty() || Instant::now() > deadline {
            break segments;
        }
        thread::sleep(Duration::from_millis(50));
    };
    if !segments.is_empty() {
        eprintln!("shared memory is left: {segments:?}");
    }
    proofs.line(
        format!("{ENDS} x SIGKILL, SIGTERM, Ctrl-C and a panic of a server's owner, {at_once} owners at a time"),
        format!(
            "{all} ended, {with_server} of them with their server up; {left} left a process or a folder, {} segments of \
             shared memory are left; all gone after {slowest:.2} s at most; {:.0} s in all",
            segments.len(),
            began.elapsed().as_secs_f64()
        ),
        format!("{} ended, 0 and 0 left, after {} s", 4 * ENDS, PATIENCE.as_secs()),
        all == 4 * ENDS as usize && left == 0 && segments.is_empty(),
    );
    Ok(())
}

/// Starts `at_once` cold servers at a time and returns the longest start.
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
    took?.into_iter().max().context("there is at least one core")
}

/// The result of an owner after which nothing remained.
struct Ended {
    /// Whether the server was up when the owner ended.
    had_server: bool,
    /// The time until nothing remained.
    cleared: Duration,
}

/// Runs one owner to its end.
fn end((way, moment): End) -> Result<Ended> {
    let name = way.map_or("a panic".to_owned(), |way| format!("{way:?}"));
    let sandbox = Sandbox::default();
    // A background job of a shell ignores Ctrl-C, and its child processes inherit that. `env` resets the signal.
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
    ensure!(!status.success(), "{name} after {moment:?}: the owner ended well");
    let cleared = sandbox.wait_until_clear(PATIENCE);
    let cleared = cleared.map_err(|error| anyhow!("{name} after {moment:?}: {error}"))?;
    Ok(Ended { had_server, cleared })
}

/// Segments of shared memory without an attached process. Their number of attached processes is in the seventh column; see
/// proc(5).
fn abandoned_memory() -> BTreeSet<String> {
    let table = read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    let segments = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let abandoned = segments.filter(|segment| segment.get(6) == Some(&"0"));
    let segments = abandoned.filter_map(|segment| segment.get(1).map(ToString::to_string));
    // A living server maps its file.
    let used = fs::read_dir("/proc").into_iter().flatten().flatten();
    let used: String = used.filter_map(|process| read_to_string(process.path().join("maps")).ok()).collect();
    let files = fs::read_dir("/dev/shm").into_iter().flatten().flatten().map(|file| file.path().display().to_string());
    segments.chain(files.filter(|file| file.contains("/PostgreSQL.") && !used.contains(file.as_str()))).collect()
}
