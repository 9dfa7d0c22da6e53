//! Whether the numbers can be trusted: every fault that could mislead is made on purpose, and must be found.

use crate::Proofs;
use anyhow::{Context, Result, ensure};
use proofs::overhead::median;
use proofs::sabotage::{Trial, can_be_tried, measure, misjudged};
use proofs::statistics::{promises, simulation};
use record::Record;
use record::statistics::{Blocks, fastest};
use record::{Check, Fault, Sample, Status, Times, Verdict};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use testbed::{goldilocks, sabotaged, workspace};

/// A part by name.
type Part = (&'static str, fn(&mut Proofs) -> Result<()>);

/// What there is to prove, in this order.
const PARTS: [Part; 11] = [
    ("simulated", simulated),
    ("doctor", doctor),
    ("suites", suites),
    ("resources", resources),
    ("equals", equals),
    ("crosscheck", crate::crosscheck),
    ("cheats", cheats),
    ("threads", threads),
    ("killed", killed),
    ("honest", honest),
    ("budget", budget),
];

/// Proves the parts that are named, or all of them.
pub(crate) fn prove(proofs: &mut Proofs, named: &[String]) -> Result<()> {
    for name in named {
        let names = || PARTS.map(|(part, _)| part).join(", ");
        ensure!(PARTS.iter().any(|(part, _)| part == name), "no part `{name}` of truth; there are {}", names());
    }
    let wanted = |part: &str| named.is_empty() || named.iter().any(|name| name == part);
    PARTS.iter().filter(|(part, _)| wanted(part)).try_for_each(|(_, prove)| prove(proofs))
}

/// What simulated sessions show: nothing here depends on the machine.
fn simulated(proofs: &mut Proofs) -> Result<()> {
    for promise in promises::promises() {
        proofs.line(&promise.what, &promise.figure, promise.bar, promise.holds);
    }
    Ok(())
}

/// What the doctor says of this machine. Whether it is quiet is not ours to say: what a quiet one shows is a matter of the
/// [`suites`].
fn doctor(proofs: &mut Proofs) -> Result<()> {
    let output = Command::new(goldilocks()).args(["doctor", "--json"]).output().context("cannot start the doctor")?;
    let mut printed: serde_json::Value =
        serde_json::from_slice(&output.stdout).context("the doctor printed no JSON")?;
    let checks: Vec<Check> = serde_json::from_value(printed["checks"].take())?;
    let bad = checks.iter().filter(|check| check.verdict >= Verdict::Warn);
    let bad: Vec<String> = bad.map(|check| format!("{} ({})", check.name, check.sentence)).collect();
    let found = if bad.is_empty() { "nothing to warn of".to_owned() } else { bad.join("; ") };
    proofs.line(
        "the doctor on this machine",
        &format!("{} checks; {found}", checks.len()),
        "at least 15 checks",
        checks.len() >= 15,
    );
    Ok(())
}

/// Bars that tests hold: how many there are and how many pass.
fn suites(proofs: &mut Proofs) -> Result<()> {
    for (what, package, filter, bar) in [
        ("machines of six kinds and more give the expected masks", "harness", "topology::", "all"),
        ("faults raise their own warning alone, and a quiet machine raises none", "harness", "doctor::", "all"),
        ("faults that are really injected are found", "harness", "injected::", "all"),
        ("a record of version 1 stays readable", "reports", "version_1", "all"),
    ] {
        let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["test", "--package", package, filter])
            .current_dir(workspace())
            .output()
            .context("cannot start the tests")?;
        let words = String::from_utf8_lossy(&output.stdout);
        let passed = words.lines().filter(|line| line.starts_with("test ") && line.ends_with("... ok")).count();
        let failed = words.lines().filter(|line| line.starts_with("test ") && line.ends_with("FAILED")).count();
        proofs.line(
            what,
            &format!("{passed} tests pass, {failed} fail"),
            bar,
            output.status.success() && passed > 0 && failed == 0,
        );
    }
    Ok(())
}

/// The newest run below `runs`.
fn newest(runs: &Path) -> Result<Record> {
    let folder = harness::journal::find(runs, None)?;
    Ok(record::read(folder.join(harness::journal::FILE))?)
}

/// A sweep of the program that knows more than `goldilocks`; what it recorded.
fn sweep(arguments: &[&str]) -> Result<Record> {
    let runs = tempfile::tempdir()?;
    let output = Command::new(sabotaged())
        .args(["sweep", "--anyway", "--runs"])
        .arg(runs.path())
        .args(arguments)
        .current_dir(workspace())
        .output()
        .context("cannot start a sweep")?;
    ensure!(testbed::completed(output.status), "a sweep failed: {}", String::from_utf8_lossy(&output.stderr));
    newest(runs.path())
}

/// The times of a strategy on a task, by block.
fn blocks(record: &Record, task: &str, strategy: &str) -> Blocks {
    let mut blocks = Blocks::new();
    let own = |sample: &&Sample| sample.cell.task == task && sample.cell.strategy == strategy;
    for sample in record.samples.iter().filter(own) {
        if let Some(times) = &sample.times {
            blocks.entry(sample.block).or_default().push(times.wall_ns as f64);
        }
    }
    blocks
}

/// The same strategy under two names, in real sweeps: nobody may win.
fn equals(proofs: &mut Proofs) -> Result<()> {
    const SESSIONS: u32 = 5;
    const NAMES: [&str; 2] = ["threads_shared", "threads_shared_again"];
    // A cell is one core count: a block must not mix two.
    let cores = harness::machine::processors().len().to_string();
    let mut winners = Vec::new();
    for session in 0..SESSIONS {
        let record = sweep(&[
            "--tasks",
            "word_totals",
            "--strategies",
            &NAMES.join(","),
            "--sizes",
            "60000",
            "--cores",
            &cores,
            "--blocks",
            "6",
        ])?;
        let [one, other] = NAMES.map(|name| blocks(&record, "word_totals", name));
        let found = fastest(&[(NAMES[0], &one), (NAMES[1], &other)]);
        if found.len() == 1 {
            winners.push(format!("{} in session {session}", found[0]));
        }
    }
    proofs.line(
        "the same strategy under two names, real",
        &format!("{} winners in {SESSIONS} sessions {}", winners.len(), winners.join(", ")),
        "0 winners",
        winners.is_empty(),
    );
    Ok(())
}

/// Every cheat, again and again.
fn cheats(proofs: &mut Proofs) -> Result<()> {
    const RUNS: u32 = 20;
    let processors = harness::machine::processors().len();
    let mut rejected: BTreeMap<&str, u32> = BTreeMap::new();
    let mut wrong = Vec::new();
    for _ in 0..RUNS {
        for trial in [Trial::Short, Trial::Long, Trial::Waiting, Trial::Task] {
            for (sabotage, samples) in measure(trial)? {
                if !can_be_tried(&sabotage, processors) {
                    continue;
                }
                let right = rejected.entry(sabotage.name).or_default();
                match misjudged(&sabotage, &samples) {
                    None => *right += 1,
                    Some(sentence) => wrong.push(sentence),
                }
            }
        }
    }
    wrong.iter().for_each(|sentence| eprintln!("{sentence}"));
    let least = rejected.values().copied().min().unwrap_or_default();
    proofs.line(
        "ways to cheat that are refused by name",
        &format!("{} ways, each in at least {least} of {RUNS} runs", rejected.len()),
        "at least 12 ways, each in 20 of 20",
        rejected.len() >= 12 && least == RUNS,
    );
    Ok(())
}

/// A task, cores, workers, and the cheats that must be named for what they do with them.
type Lot<'a> = (&'a [&'a str], &'a str, &'a str, &'a [(&'a str, Fault)]);

/// Twice and half the threads, with several numbers of workers; and what looking costs.
fn threads(proofs: &mut Proofs) -> Result<()> {
    const RUNS: usize = 10;
    // On all cores and on one; with work and with waiting, in which a missing worker costs time on any number of cores.
    let cores = harness::machine::processors().len().to_string();
    let counting = ["--tasks", "count", "--increments", "1600000000", "--sizes", "16"];
    let waiting = ["--tasks", "virtual_work", "--waits", "400", "--sizes", "1"];
    let too_many = [("twice_the_threads", Fault::ExtraThreads), ("ignores_the_limit", Fault::TooManyJobs)];
    let too_few = [("half_the_workers", Fault::TooFewJobs)];
    let lots: [Lot; 6] = [
        (&counting, "1", "2", &too_many),
        (&counting, "1", "4", &too_many),
        (&counting, &cores, &cores, &too_few),
        (&waiting, "1", "2", &too_few),
        (&waiting, "1", "4", &too_few),
        (&waiting, &cores, "32", &too_few),
    ];
    let (mut tried, mut named) = (0, 0);
    for (task, cores, workers, cheats) in lots {
        // There is no half of one worker.
        if workers == "1" {
            continue;
        }
        let names = cheats.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(",");
        let cell = ["--cores", cores, "--workers", workers, "--strategies", &names, "--blocks", "1", "--samples", "1"];
        for _ in 0..RUNS {
            let record = sweep(&[task, &cell[..]].concat())?;
            for (name, fault) in cheats {
                tried += 1;
                let mut own = record.samples.iter().filter(|sample| sample.cell.strategy == *name);
                named += usize::from(own.any(|sample| sample.fault == Some(*fault)));
            }
        }
    }
    proofs.line(
        "twice or half the threads, in runs of 200 ms or more",
        &format!("named in {named} of {tried} runs"),
        "all of them",
        named == tried,
    );
    Ok(())
}

/// Memory, processor time and switches of work that is known.
fn resources(proofs: &mut Proofs) -> Result<()> {
    let peak = |mebibytes: &str| -> Result<f64> {
        let times = run(&["--task", "allocates", "--items", mebibytes, "--strategy", "threads_shared"])?;
        Ok(median(times.iter().map(|times| times.peak_memory_bytes as f64).collect()))
    };
    let more = (peak("257")? - peak("1")?) / f64::from(1 << 20);
    proofs.line(
        "256 MiB more",
        &format!("{more:.1} MiB more at the peak"),
        "256, within 5 %",
        (more / 256.0 - 1.0).abs() <= 0.05,
    );
    let mut busy = Vec::new();
    for task in [&["count", "--increments", "1600000000"][..], &["word_totals"]] {
        let times = run(&[&["--samples", "9", "--strategy", "sequential", "--cores", "1", "--task"], task].concat())?;
        busy.extend(times.iter().map(|times| (times.user_ns + times.system_ns) as f64 / times.wall_ns as f64));
    }
    let (low, high) = (busy.iter().copied().fold(f64::MAX, f64::min), busy.iter().copied().fold(0.0, f64::max));
    let middle = median(busy);
    proofs.line(
        "busy threads of sequential cells",
        &format!("{middle:.3} in the median, {low:.3} to {high:.3}"),
        "1.00, within 0.05",
        (middle - 1.0).abs() <= 0.05,
    );
    let times = run(&[
        "--task",
        "yields",
        "--items",
        "10000",
        "--strategy",
        "threads_shared",
        "--cores",
        "1",
        "--workers",
        "2",
        "--size",
        "1",
    ])?;
    let switches = times.iter().map(|times| times.voluntary_switches + times.involuntary_switches);
    let least = switches.min().unwrap_or_default();
    proofs.line("10 000 yields", &format!("at least {least} switches"), "10 000 or more", least >= 10_000);
    Ok(())
}

/// One cell; the figures of its samples.
fn run(arguments: &[&str]) -> Result<Vec<Times>> {
    let output = Command::new(sabotaged())
        .args(["run", "--json"])
        .args(arguments)
        .current_dir(workspace())
        .output()
        .context("cannot run a cell")?;
    ensure!(output.status.success(), "a cell failed: {}", String::from_utf8_lossy(&output.stderr));
    let mut printed: serde_json::Value = serde_json::from_slice(&output.stdout).context("a cell printed no JSON")?;
    Ok(serde_json::from_value(printed["samples"].take())?)
}

/// Killed at random moments, taken up again: the record is what it would have been.
fn killed(proofs: &mut Proofs) -> Result<()> {
    use proofs::interruption::{Interruption, interrupt};
    let summary = interrupt(&[Interruption::Kill], 20, 3, &mut |line| eprintln!("{line}"))?;
    proofs.line(
        "kill -9 and --resume",
        &summary.to_string(),
        "20, no sample lost, doubled or torn, every cell as planned",
        summary.failures.is_empty() && summary.good.len() == 20,
    );
    Ok(())
}

/// Honest strategies, many samples: nobody may be accused.
fn honest(proofs: &mut Proofs) -> Result<()> {
    let (mut samples, mut accused) = (0, Vec::new());
    let mut costs = Vec::new();
    // Short and long runs, with as many workers as cores and with more.
    for arguments in [
        &["--tasks", "count,word_totals,cursor_pages", "--blocks", "3", "--budget", "1h", "--sizes", "1000,20000"][..],
        &[
            "--tasks",
            "count,virtual_work",
            "--increments",
            "600000000",
            "--blocks",
            "2",
            "--budget",
            "1h",
            "--sizes",
            "8",
            "--workers",
            "2,5,32",
            "--waits",
            "120",
        ],
        &[
            "--tasks",
            "count,word_totals",
            "--blocks",
            "2",
            "--budget",
            "1h",
            "--sizes",
            "500,20000",
            "--workers",
            "3,8",
            "--deliveries",
            "in_order,as_completed",
            "--combines",
            "per_worker,sharded",
        ],
    ] {
        let record = sweep(arguments)?;
        for sample in &record.samples {
            samples += 1;
            if sample.status != Status::Verified {
                let Sample { cell, reason, .. } = sample;
                accused.push(format!(
                    "{} {} on {} cores, {} workers: {reason}",
                    cell.task, cell.strategy, cell.cores, cell.workers
                ));
            }
            if let Some(times) = &sample.times
                && let Some(census) = &times.census
                && times.wall_ns >= 200_000_000
            {
                costs.push(census.cost_ns as f64 / (times.wall_ns as f64 * f64::from(sample.cell.cores)));
            }
        }
    }
    accused.iter().for_each(|sentence| eprintln!("{sentence}"));
    proofs.line(
        "honest samples that were accused",
        &format!("{} of {samples}", accused.len()),
        "0 of 1 000 or more",
        accused.is_empty() && samples >= 1_000,
    );
    let (middle, most) = (median(costs.clone()), costs.iter().copied().fold(0.0, f64::max));
    proofs.line(
        "what the census costs",
        &format!(
            "{:.2} % of the cell's processor time in the median of {} runs of 200 ms or more, {:.2} % at most",
            100.0 * middle,
            costs.len(),
            100.0 * most
        ),
        "at most 1 %",
        middle <= 0.01,
    );
    Ok(())
}

/// The environment variable that names a run of five minutes that is there already.
const RUN: &str = "GOLDILOCKS_RUN";

/// A sweep of five minutes: when it ends, and what it saved.
fn budget(proofs: &mut Proofs) -> Result<()> {
    let record = match std::env::var_os(RUN) {
        Some(folder) => record::read(Path::new(&folder).join(harness::journal::FILE))?,
        None => five_minutes()?,
    };
    ensure!(record.run.budget_s == 300.0, "run {} has another budget than 300 s", record.run.id);
    let measured = record.samples.iter().map(|sample| sample.elapsed_ms).max().unwrap_or_default() as f64 / 1e3;
    proofs.line(
        "a budget of 300 s",
        &format!("{measured:.0} s of measuring"),
        "270 to 330 s",
        (270.0..=330.0).contains(&measured),
    );
    let session = simulation::recorded(&record);
    // The narrowest width that the noise of this machine lets every cell reach.
    let reached = [0.02, 0.05, 0.1, 0.2, 0.4].into_iter().find_map(|target| {
        let saving = simulation::saving(&session, target, 100, 1)?;
        Some((target, saving.share()))
    });
    let share = reached.map(|(_, share)| share);
    let said = reached.map_or("no width was reached".to_owned(), |(target, share)| {
        format!("{:.0} % fewer samples for intervals of {:.0} % either way", 100.0 * share, 100.0 * target)
    });
    proofs.line(
        "stopping early, on the session just recorded",
        &said,
        "at least 30 % fewer than a fixed number for the same widest interval",
        share.is_some_and(|share| share >= 0.3),
    );
    Ok(())
}

fn five_minutes() -> Result<Record> {
    let runs = tempfile::tempdir()?;
    let status = Command::new(goldilocks())
        .args(["sweep", "--anyway", "--budget", "5m", "--runs"])
        .arg(runs.path())
        .current_dir(workspace())
        .status()
        .context("cannot start a sweep")?;
    ensure!(testbed::completed(status), "the sweep failed");
    newest(runs.path())
}
