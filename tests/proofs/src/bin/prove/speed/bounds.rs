//! What word totals may take: memory, and of the time that a strategy's library needs by itself. And what runs elsewhere.

use crate::{Proofs, cores, seam};
use anyhow::{Context, Result, ensure};
use reports::analysis::Analysis;
use reports::analysis::slowdown::FAR;
use reports::render::{html, terminal};
use std::fs::{self, File};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use strategies::{Setup, catalogue};
use system::{page_cache, process, usage};
use tasks::Inputs;
use testbed::{goldilocks, worker_for, workspace};

const MIB: u64 = 1 << 20;

/// Every strategy with the kernel `runs` beside its twin, and all of them beside each other.
pub(super) fn strategies(proofs: &mut Proofs) -> Result<()> {
    for strategy in catalogue::ALL {
        let price = seam::compare(strategy, seam::RUNS, 0.1)?;
        proofs.line(
            &format!("runs at 60 000 lines, {} against its twin", strategy.name),
            &format!(
                "{:+.1} % ({:+.1} to {:+.1} from {} pairs in {} processes)",
                percent(price.ratio),
                percent(price.ratio_within.0),
                percent(price.ratio_within.1),
                price.pairs,
                price.processes
            ),
            "at most +10 %",
            price.ratio <= 1.1,
        );
    }
    spread(proofs)
}

/// The parallel strategies beside each other, with the kernel and the combine for which least time goes elsewhere: a sweep, and
/// what its report says of those far behind.
fn spread(proofs: &mut Proofs) -> Result<()> {
    let mut parallel = Vec::new();
    for strategy in catalogue::ALL {
        let worker = Some(worker_for("word_totals", &Inputs::default()));
        if strategy.start(&Setup { workers: NonZeroUsize::MIN, worker })?.is_parallel() {
            parallel.push(strategy.name);
        }
    }
    let runs = tempfile::tempdir()?;
    let status = Command::new(goldilocks())
        .args(["sweep", "--anyway", "--tasks", "word_totals", "--kernel", "runs", "--sizes", "60000"])
        .args(["--combines", "per_worker", "--workers", "2", "--blocks", "5"])
        .args(["--cores", &cores().get().min(2).to_string(), "--strategies", &parallel.join(",")])
        .arg("--input")
        .arg(file(1_800_000_000, false)?)
        .arg("--runs")
        .arg(runs.path())
        .stdout(Stdio::null())
        .status()
        .context("cannot start goldilocks")?;
    ensure!(testbed::completed(status), "the sweep failed");
    let record = record::read(harness::journal::find(runs.path(), None)?.join(harness::journal::FILE))?;
    let analysis = Analysis::new(&record);
    let task = analysis.tasks.first().context("word totals were measured")?;
    let mut times: Vec<(&str, f64)> = task
        .results
        .cells
        .iter()
        .filter_map(|cell| Some((cell.cell.strategy.as_str(), cell.time.filter(|_| cell.sound)?.value)))
        .collect();
    ensure!(times.len() == parallel.len(), "not every strategy has a sound cell:\n{}", terminal::text(&analysis));
    times.sort_by(|a, b| a.1.total_cmp(&b.1));
    let (fastest, slowest) = (times.first().context("a strategy")?.1, times.last().context("a strategy")?.1);
    let all: Vec<String> =
        times.iter().map(|(name, time)| format!("{name} {:+.0} %", percent(time / fastest))).collect();
    let (behind, page) = (&task.slowdowns, html::page(&analysis)?);
    // The report says where time went. That is the reason if the task's own work alone would not make it so far behind, and
    // stated if a reader sees it.
    let limit = (1.0 + FAR) * fastest;
    let within = slowest <= limit;
    let explained = behind.iter().all(|it| it.ns - it.explained_ns <= limit && page.contains(&it.sentence()));
    proofs.line(
        "runs at 60 000 lines, the slowest parallel strategy against the fastest",
        &format!("{:+.0} % (1.8 GB sorted: {})", percent(slowest / fastest), all.join(", ")),
        "at most +25 %, or the report says truly why not",
        within || (!behind.is_empty() && explained),
    );
    for strategy in behind {
        Proofs::without_bar("the report says", &strategy.sentence());
    }
    Ok(())
}

fn percent(ratio: f64) -> f64 {
    (ratio - 1.0) * 100.0
}

/// What a whole process printed and took.
struct Ran {
    words: u64,
    occurrences: u128,
    /// The most memory that it has had, in bytes, pages of files that it had mapped among it.
    peak: u64,
    /// The most that was of no file, looked at every half of a millisecond.
    own: u64,
}

/// Adds up a file in a process of its own, started in the control group `group` if there is one.
fn whole(file: &Path, arguments: &[&str], group: Option<&Group>) -> Result<Ran> {
    let mut command = match group {
        // A process goes into the group before it becomes ours, so that nothing of it is counted elsewhere.
        Some(group) => {
            let mut shell = Command::new("sh");
            shell.args(["-c", r#"echo $$ > "$0" && exec "$@""#]).arg(group.0.join("cgroup.procs")).arg(goldilocks());
            shell
        }
        None => Command::new(goldilocks()),
    };
    command.args(["whole", "--input"]).arg(file).args(arguments).stdout(Stdio::piped());
    let mut child = command.spawn().context("cannot start goldilocks")?;
    let number = child.id();
    let watch = std::thread::spawn(move || {
        let mut most = 0;
        // The status of a process that has ended names no memory.
        while let Some(now) = process::memory(number, "RssAnon") {
            most = most.max(now);
            std::thread::sleep(Duration::from_micros(500));
        }
        most
    });
    let printed = std::io::read_to_string(child.stdout.take().context("its output is a pipe")?)?;
    let own = watch.join().ok().context("whoever watched its memory panicked")?;
    let ended = usage::wait(child)?;
    ensure!(ended.status.success(), "goldilocks whole {}: {}", arguments.join(" "), ended.status);
    let (words, occurrences) = printed.trim().split_once('\t').context("two numbers are printed")?;
    Ok(Ran { words: words.parse()?, occurrences: occurrences.parse()?, peak: ended.peak_memory_bytes, own })
}

/// A file of 1-grams, made by a process of its own: one that this process starts afterwards begins with the most memory that
/// this one has had.
fn file(bytes: u64, shuffled: bool) -> Result<PathBuf> {
    file_in(&workspace().join("datasets/generated"), bytes, shuffled)
}

fn file_in(folder: &Path, bytes: u64, shuffled: bool) -> Result<PathBuf> {
    made(folder, bytes, if shuffled { &["--shuffled"] } else { &[] })
}

fn made(folder: &Path, bytes: u64, recipe: &[&str]) -> Result<PathBuf> {
    let mut command = Command::new(goldilocks());
    command.args(["data", "grams", "--size", &bytes.to_string(), "--data"]).arg(folder).args(recipe);
    let output = command.stderr(Stdio::inherit()).output().context("cannot start goldilocks")?;
    ensure!(output.status.success(), "goldilocks has made no file of {bytes} bytes");
    Ok(String::from_utf8(output.stdout)?.trim_end().into())
}

/// Peak memory beyond what the same program needs for next to nothing; with a map, whose pages come and go, all that is of no
/// file.
pub(super) fn memory(proofs: &mut Proofs) -> Result<()> {
    let tiny = file(1_000, false)?;
    let files = [(1_800_000_000, false), (225_000_000, true)];
    for (bytes, shuffled) in files {
        let large = file(bytes, shuffled)?;
        let order = if shuffled { "shuffled" } else { "sorted" };
        for read in ["pread", "map"] {
            for threads in [1, 2] {
                let arguments = ["--kernel", "runs", "--read", read, "--threads", &threads.to_string()];
                let (nothing, ran) = (whole(&tiny, &arguments, None)?, whole(&large, &arguments, None)?);
                // A process starts with the peak of the one that started it.
                let own_peak = process::peak_memory(std::process::id()).context("the kernel counts no peak")?;
                ensure!(own_peak < nothing.peak, "other parts have used memory here; ask for `memory` by itself");
                let beyond = if read == "map" { ran.own } else { ran.peak.saturating_sub(nothing.peak) };
                ensure!(beyond > MIB, "no memory was seen in use, which cannot be");
                let bar = 100 * ran.words + threads * MIB;
                proofs.line(
                    &format!("memory of {} MB {order}, {read}, {threads} workers", bytes / 1_000_000),
                    &format!(
                        "{} MiB at its peak, {:.0} bytes for each of {} words",
                        beyond / MIB,
                        beyond as f64 / ran.words as f64,
                        ran.words
                    ),
                    &format!("at most {} MiB", bar / MIB),
                    beyond <= bar,
                );
            }
        }
    }
    memory_of_workers(proofs)
}

/// What each further worker takes, where there are hardly any words.
fn memory_of_workers(proofs: &mut Proofs) -> Result<()> {
    const MANY: u64 = 32;
    let recipe = ["--words", "100"];
    let few_words = made(&workspace().join("datasets/generated"), 100_000_000, &recipe)?;
    for read in ["pread", "map"] {
        let with = |threads: u64| {
            whole(&few_words, &["--kernel", "runs", "--read", read, "--threads", &threads.to_string()], None)
        };
        let (one, many) = (with(1)?, with(MANY)?);
        let beyond = many.own.saturating_sub(one.own);
        proofs.line(
            &format!("memory of {MANY} workers over that of one, 100 words, {read}"),
            &format!("{:.1} MiB and {:.1} MiB", many.own as f64 / MIB as f64, one.own as f64 / MIB as f64),
            &format!("at most {} MiB more", MANY - 1),
            beyond <= (MANY - 1) * MIB,
        );
    }
    Ok(())
}

/// A control group with a limit on memory, removed in the end.
struct Group(PathBuf);

impl Group {
    /// One below the root, as the system has it: version 2 of control groups, or version 1.
    fn limited_to(bytes: u64) -> std::io::Result<Group> {
        let name = format!("goldilocks-prove-{}", std::process::id());
        let unified = Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
        let (root, limit) =
            if unified { ("/sys/fs/cgroup", "memory.max") } else { ("/sys/fs/cgroup/memory", "memory.limit_in_bytes") };
        let group = Group(Path::new(root).join(name));
        fs::create_dir(&group.0)?;
        fs::write(group.0.join(limit), bytes.to_string())?;
        Ok(group)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Nothing is in it any more; should something be, then the folder stays, and does no harm.
        let _ = fs::remove_dir(&self.0);
    }
}

/// A file six times as large as all memory that the process may have: 6 GB and 1 GiB, or less where the disk has no room.
pub(super) fn limit(proofs: &mut Proofs) -> Result<()> {
    const WANTED: u64 = 6_000_000_000;
    let folder = tempfile::tempdir_in(workspace().join("datasets/generated"))?;
    let disk = rustix::fs::statvfs(folder.path())?;
    // Half of what is free, in steps, and the rest for whoever else is at work.
    let room = disk.f_bavail * disk.f_frsize / 2 / 300_000_000 * 300_000_000;
    let bytes = room.min(WANTED);
    ensure!(bytes > 0, "the disk is full: {} has less than 1 GB left", folder.path().display());
    let large = file_in(folder.path(), bytes, false)?;
    // Added up by a program that knows nothing of ours: in a sorted file each word's lines are neighbours.
    const ADD_UP: &str = "$1 != word { words++; word = $1 } { sum += $3 } END { printf \"%d\\t%.0f\", words, sum }";
    let columns = Command::new("awk").args(["-F", "\t", ADD_UP]).arg(&large).env("LC_ALL", "C").output();
    let columns = String::from_utf8(columns.context("cannot start awk")?.stdout)?;
    let (words, sum) = columns.trim().split_once('\t').context("awk prints two numbers")?;
    let (words, expected): (u64, u128) = (words.parse()?, sum.parse()?);
    let allowed = bytes * 1024 * MIB / WANTED;
    let group = Group::limited_to(allowed);
    for (kernel, read) in [("runs", "pread"), ("runs", "map"), ("bytes", "pread")] {
        // Pages that are in memory already were counted to somebody else, and would not press on the limit.
        page_cache::forget(&File::open(&large)?)?;
        let ran = whole(&large, &["--kernel", kernel, "--read", read, "--threads", "2"], group.as_ref().ok())?;
        let within = match &group {
            Ok(_) => "in a control group with that limit".to_owned(),
            Err(error) => format!("without a control group ({error})"),
        };
        // Without a control group nothing limits what a map keeps, and then this shows nothing of it.
        let kept = group.is_ok() || ran.peak <= allowed;
        proofs.line(
            &format!("{:.1} GB within {} MiB, {kernel}, {read}", bytes as f64 / 1e9, allowed / MIB),
            &format!("{} words, {} occurrences, peak {} MiB, {within}", ran.words, ran.occurrences, ran.peak / MIB),
            &format!("{words} words, {expected} occurrences, as awk counts; of 6 GB"),
            (ran.words, ran.occurrences) == (words, expected) && kept && bytes == WANTED,
        );
    }
    Ok(())
}

/// The rank-frequency slope, which a test holds.
pub(super) fn slope(proofs: &mut Proofs) -> Result<()> {
    let test = "frequencies_fall_with_the_rank_as_the_exponent_says";
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["test", "--package", "datasets", "--test", "ngrams", test, "--", "--nocapture"])
        .current_dir(workspace())
        .output()
        .context("cannot start the tests")?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let off: Vec<f64> =
        printed.lines().filter_map(|line| line.split_once(" words: slope off by ")?.1.trim().parse().ok()).collect();
    let worst = off.iter().copied().fold(0.0, f64::max);
    proofs.line(
        "rank-frequency slope of 11 kinds of files",
        &format!("off by up to {worst:.4}, in {} kinds", off.len()),
        "within 0.02 of the exponent",
        output.status.success() && off.len() == 11 && worst < 0.02,
    );
    Ok(())
}

/// Fuzzing with the address sanitizer, as long as is promised, then Miri. Both need a nightly compiler.
pub(super) fn fuzz(proofs: &mut Proofs) -> Result<()> {
    const MINUTES: f64 = 30.0;
    // What has to be compiled first is no fuzzing.
    let compiled = Command::new("just").args(["fuzz", "1"]).current_dir(workspace()).status();
    ensure!(
        compiled.context("cannot start just")?.success(),
        "the fuzzers cannot be compiled, or find something at once"
    );
    for (what, arguments, minutes) in [
        ("kernels against each other, fuzzed under the address sanitizer", &["fuzz", "1020"][..], MINUTES),
        ("kernels on short texts, watched by Miri", &["miri"][..], 0.0),
    ] {
        let child =
            Command::new("just").args(arguments).current_dir(workspace()).spawn().context("cannot start just")?;
        let ended = usage::wait(child)?;
        // With that of all processes below it.
        let took = ended.usage.processor_time().as_secs_f64() / 60.0;
        let found = if ended.status.success() { "no finding" } else { "a finding, or it could not run; see above" };
        proofs.line(
            what,
            &format!("{took:.0} processor minutes, {found}"),
            &if minutes > 0.0 { format!("at least {minutes:.0} minutes, no finding") } else { "no finding".to_owned() },
            ended.status.success() && took >= minutes,
        );
    }
    Ok(())
}
