//! Bounds of word totals: overhead and spread of the strategies, memory, a file larger than memory, and fuzzing.

use super::{FULL, grams, grams_in};
use crate::{Proofs, seam, sweeps};
use anyhow::{Context, Result, ensure};
use reports::analysis::Analysis;
use reports::analysis::slowdown::FAR;
use reports::render::html;
use reports::render::{terminal, wrap::Look};
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

/// Compares every strategy, with the kernel `runs`, with its twin and with the other strategies.
pub(crate) fn strategies(proofs: &mut Proofs) -> Result<()> {
    for strategy in catalogue::ALL {
        let overhead = seam::compare(strategy, seam::RUNS, 0.1)?;
        proofs.line(
            format!("runs at 60 000 lines, {} against its twin", strategy.name),
            seam::ratio(&overhead),
            "at most +10 %",
            overhead.ratio <= 1.1,
        );
    }
    spread(proofs)
}

/// Compares the parallel strategies in a sweep, with the kernel and the combine that leave the least other work. The report
/// must explain strategies that are far behind.
fn spread(proofs: &mut Proofs) -> Result<()> {
    let mut parallel = Vec::new();
    for strategy in catalogue::ALL {
        let worker = Some(worker_for("word_totals", &Inputs::default()));
        if strategy.start(&Setup { workers: NonZeroUsize::MIN, worker })?.is_parallel() {
            parallel.push(strategy.name);
        }
    }
    let file = grams(FULL, &[])?;
    let (file, names) = (file.to_str().context("the file's name is not text")?, parallel.join(","));
    let cores = harness::machine::processors().len().min(2).to_string();
    let cell = ["--tasks=word_totals", "--kernel=runs", "--sizes=60000", "--combines=per_worker", "--workers=2"];
    let more = ["--blocks=5", "--cores", &cores, "--strategies", &names, "--input", file];
    let record = sweeps::sweep(goldilocks(), &[&cell[..], &more[..]].concat())?;
    let analysis = Analysis::new(&record);
    let task = analysis.tasks.first().context("word totals were measured")?;
    let sound = task.results.cells.iter().filter(|cell| cell.sound);
    let times = sound.filter_map(|cell| Some((cell.cell.strategy.as_str(), cell.time?.value)));
    let mut times: Vec<(&str, f64)> = times.collect();
    ensure!(
        times.len() == parallel.len(),
        "not every strategy has a sound cell:\n{}",
        terminal::text(&analysis, &Look::default())
    );
    times.sort_by(|a, b| a.1.total_cmp(&b.1));
    let (fastest, slowest) = (times.first().context("a strategy")?.1, times.last().context("a strategy")?.1);
    let percent = |time: f64| format!("{:+.0} %", (time / fastest - 1.0) * 100.0);
    let all: Vec<String> = times.iter().map(|(name, time)| format!("{name} {}", percent(*time))).collect();
    let (behind, page) = (&task.slowdowns, html::page(&analysis)?);
    // A delay is explained if the strategy would not be far behind without the cause, and the page contains the sentence.
    let limit = (1.0 + FAR) * fastest;
    let explained = behind.iter().all(|it| it.ns - it.explained_ns <= limit && page.contains(&it.sentence()));
    let reasons: String = behind.iter().map(|it| format!("; {}", it.sentence())).collect();
    proofs.line(
        "runs at 60 000 lines, the slowest parallel strategy against the fastest",
        format!("{} (1.8 GB sorted: {}){reasons}", percent(slowest), all.join(", ")),
        "at most +25 %, or the report names the reason",
        slowest <= limit || (!behind.is_empty() && explained),
    );
    Ok(())
}

/// The output and the memory use of a process that ran the whole job.
struct Ran {
    words: u64,
    occurrences: u128,
    /// The peak of resident memory in bytes, including mapped pages of files.
    peak: u64,
    /// The peak of anonymous memory in bytes, sampled every half millisecond.
    anonymous: u64,
}

/// Adds up a file in a new process, in the control group `group` if there is one.
fn whole(file: &Path, arguments: &[&str], group: Option<&Group>) -> Result<Ran> {
    let mut command = match group {
        // The process enters the group before it executes the program, so that the group counts all of its memory.
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
    let sampler = std::thread::spawn(move || {
        let mut most = 0;
        // The loop ends with the process, because the status of an ended process contains no memory.
        while let Some(now) = process::memory(number, "RssAnon") {
            most = most.max(now);
            std::thread::sleep(Duration::from_micros(500));
        }
        most
    });
    let printed = std::io::read_to_string(child.stdout.take().context("its output is a pipe")?)?;
    let anonymous = sampler.join().ok().context("the sampler of its memory panicked")?;
    let ended = usage::wait(child)?;
    ensure!(ended.status.success(), "goldilocks whole {}: {}", arguments.join(" "), ended.status);
    let (words, occurrences) = printed.trim().split_once('\t').context("two numbers are printed")?;
    Ok(Ran { words: words.parse()?, occurrences: occurrences.parse()?, peak: ended.peak_memory_bytes, anonymous })
}

/// Measures peak memory, less the memory that the program needs for a tiny file. With a map it measures anonymous memory,
/// because mapped pages come and go.
pub(crate) fn memory(proofs: &mut Proofs) -> Result<()> {
    let tiny = grams(1_000, &[])?;
    for (bytes, order, options) in [(FULL, "sorted", &[][..]), (FULL / 8, "shuffled", &["--shuffled"])] {
        let large = grams(bytes, options)?;
        for read in ["pread", "map"] {
            for threads in [1, 2] {
                let arguments = ["--kernel", "runs", "--read", read, "--threads", &threads.to_string()];
                let (nothing, ran) = (whole(&tiny, &arguments, None)?, whole(&large, &arguments, None)?);
                // A child process inherits its parent's peak.
                let own = process::peak_memory(std::process::id()).context("the kernel reports no peak memory")?;
                ensure!(own < nothing.peak, "other parts have used memory here; run `speed memory` by itself");
                let beyond = if read == "map" { ran.anonymous } else { ran.peak.saturating_sub(nothing.peak) };
                ensure!(beyond > MIB, "the process used no memory, which cannot be");
                let bar = 100 * ran.words + threads * MIB;
                proofs.line(
                    format!("memory of {} MB {order}, {read}, {threads} workers", bytes / 1_000_000),
                    format!(
                        "{} MiB at its peak, {:.0} bytes for each of {} words",
                        beyond / MIB,
                        beyond as f64 / ran.words as f64,
                        ran.words
                    ),
                    format!("at most {} MiB", bar / MIB),
                    beyond <= bar,
                );
            }
        }
    }
    // The memory per additional worker is measured with only a few words.
    let few_words = grams(100_000_000, &["--words", "100"])?;
    for read in ["pread", "map"] {
        let with = |threads| whole(&few_words, &["--kernel", "runs", "--read", read, "--threads", threads], None);
        let (one, many) = (with("1")?.anonymous, with("32")?.anonymous);
        proofs.line(
            format!("memory of 32 workers over that of one, 100 words, {read}"),
            format!("{:.1} MiB and {:.1} MiB", many as f64 / MIB as f64, one as f64 / MIB as f64),
            "at most 31 MiB more",
            many.saturating_sub(one) <= 31 * MIB,
        );
    }
    Ok(())
}

/// A control group with a memory limit, removed on drop.
struct Group(PathBuf);

impl Group {
    /// Creates a group below the root, with version 2 or version 1 of control groups.
    fn limited_to(bytes: u64) -> std::io::Result<Group> {
        let unified = Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
        let (root, limit) =
            if unified { ("/sys/fs/cgroup", "memory.max") } else { ("/sys/fs/cgroup/memory", "memory.limit_in_bytes") };
        let group = Group(Path::new(root).join(format!("goldilocks-prove-{}", std::process::id())));
        fs::create_dir(&group.0)?;
        fs::write(group.0.join(limit), bytes.to_string())?;
        Ok(group)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // A group that still contains a process cannot be removed, which is harmless.
        let _ = fs::remove_dir(&self.0);
    }
}

/// Adds up a file that is six times as large as the process's memory: 6 GB and 1 GiB, or less on a small disk.
pub(crate) fn limit(proofs: &mut Proofs) -> Result<()> {
    const WANTED: u64 = 6_000_000_000;
    let folder = tempfile::tempdir_in(workspace().join("datasets/generated"))?;
    let disk = rustix::fs::statvfs(folder.path())?;
    // The file uses at most half of the free space, in steps of 300 MB.
    let bytes = (disk.f_bavail * disk.f_frsize / 2 / 300_000_000 * 300_000_000).min(WANTED);
    ensure!(bytes > 0, "the disk is full: {} has less than 1 GB left", folder.path().display());
    let large = grams_in(folder.path(), bytes, &[])?;
    // awk computes the expected totals independently. In a sorted file the lines of each word are neighbours.
    const ADD_UP: &str = "$1 != word { words++; word = $1 } { sum += $3 } END { printf \"%d\\t%.0f\", words, sum }";
    let columns = Command::new("awk").args(["-F", "\t", ADD_UP]).arg(&large).env("LC_ALL", "C").output();
    let columns = String::from_utf8(columns.context("cannot start awk")?.stdout)?;
    let (words, sum) = columns.trim().split_once('\t').context("awk prints two numbers")?;
    let (words, expected): (u64, u128) = (words.parse()?, sum.parse()?);
    let allowed = bytes * 1024 * MIB / WANTED;
    let group = Group::limited_to(allowed);
    let within = match &group {
        Ok(_) => "in a control group with that limit".to_owned(),
        Err(error) => format!("without a control group ({error})"),
    };
    for (kernel, read) in [("runs", "pread"), ("runs", "map"), ("bytes", "pread")] {
        // Pages that are already cached count for another group and not towards the limit.
        page_cache::forget(&File::open(&large)?)?;
        let ran = whole(&large, &["--kernel", kernel, "--read", read, "--threads", "2"], group.as_ref().ok())?;
        // Without a control group nothing limits memory, so the peak itself must stay below the limit.
        let kept = group.is_ok() || ran.peak <= allowed;
        proofs.line(
            format!("{:.1} GB within {} MiB, {kernel}, {read}", bytes as f64 / 1e9, allowed / MIB),
            format!("{} words, {} occurrences, peak {} MiB, {within}", ran.words, ran.occurrences, ran.peak / MIB),
            format!("{words} words, {expected} occurrences, as awk counts; of 6 GB"),
            (ran.words, ran.occurrences) == (words, expected) && kept && bytes == WANTED,
        );
    }
    Ok(())
}

/// Runs fuzzing with the address sanitizer for 30 minutes of processor time, then Miri. Both need a nightly compiler.
pub(crate) fn fuzz(proofs: &mut Proofs) -> Result<()> {
    let just = |arguments: &[&str]| {
        let child = Command::new("just").args(arguments).current_dir(workspace()).spawn();
        anyhow::Ok(usage::wait(child.context("cannot start `just`")?)?)
    };
    // A first short run compiles, so that compilation does not count as fuzzing.
    let compiled = just(&["fuzz", "1"])?.status.success();
    ensure!(compiled, "the fuzzers do not compile, or find something at once");
    for (what, arguments, least, bar) in [
        (
            "kernels against each other, fuzzed under the address sanitizer",
            &["fuzz", "1020"][..],
            30.0,
            "at least 30 minutes, no finding",
        ),
        ("kernels on short texts under Miri", &["miri"], 0.0, "no finding"),
    ] {
        let ended = just(arguments)?;
        // The processor time includes all child processes.
        let took = ended.usage.processor_time().as_secs_f64() / 60.0;
        let success = ended.status.success();
        let found = if success { "no finding" } else { "a finding, or it could not run; see above" };
        let figure = format!("{took:.0} minutes of processor time, {found}");
        proofs.line(what, figure, bar, success && took >= least);
    }
    Ok(())
}
