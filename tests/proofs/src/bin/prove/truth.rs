//! Checks that the figures can be trusted. Every fault that could mislead is injected and must be detected.

use crate::sweeps::sweep;
use crate::{Proofs, tests};
use anyhow::{Context, Result, ensure};
use proofs::interruption::{Interruption, interrupt};
use proofs::overhead::median;
use proofs::sabotage::{Trial, can_be_tried, measure, misjudged};
use proofs::statistics::{promises, simulation};
use record::statistics::{Blocks, fastest};
use record::{Check, Fault, Record, Sample, Status, Times, Verdict};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use testbed::{goldilocks, sabotaged, workspace};

/// Checks the statistics on simulated sessions, which do not depend on the machine.
pub(crate) fn simulated(proofs: &mut Proofs) -> Result<()> {
    for promise in promises::promises() {
        proofs.line(&promise.what, &promise.figure, promise.bar, promise.holds);
    }
    Ok(())
}

/// Prints the doctor's report on this machine. The tests in [`suites`] check that a quiet machine raises no warning.
pub(crate) fn doctor(proofs: &mut Proofs) -> Result<()> {
    let output = Command::new(goldilocks()).args(["doctor", "--json"]).output().context("cannot start the doctor")?;
    let mut printed: serde_json::Value =
        serde_json::from_slice(&output.stdout).context("the doctor printed no JSON")?;
    let checks: Vec<Check> = serde_json::from_value(printed["checks"].take())?;
    let bad = checks.iter().filter(|check| check.verdict >= Verdict::Warn);
    let bad: Vec<String> = bad.map(|check| format!("{} ({})", check.name, check.sentence)).collect();
    let found = if bad.is_empty() { "no warning".to_owned() } else { bad.join("; ") };
    let figure = format!("{} checks; {found}", checks.len());
    proofs.line("the doctor on this machine", figure, "at least 15 checks", checks.len() >= 15);
    Ok(())
}

/// Runs the tests that check a bar, and prints the number of passes and failures.
pub(crate) fn suites(proofs: &mut Proofs) -> Result<()> {
    for (what, package, filter) in [
        ("machines of six kinds and more give the expected masks", "harness", "topology::"),
        ("faults raise their own warning alone, and a quiet machine raises none", "harness", "doctor::"),
        ("faults that are really injected are found", "harness", "injected::"),
        ("a record of version 1 stays readable", "reports", "version_1"),
        (
            "rank-frequency slopes of 11 kinds of files are within 0.02 of the exponent",
            "datasets",
            "fall_with_the_rank",
        ),
        ("files of 1-grams made twice are equal", "datasets", "the_same_on_every_platform"),
    ] {
        let tested = tests(&["--package", package, filter])?;
        let holds = tested.success && tested.passed > 0 && tested.failed == 0;
        proofs.line(what, format!("{} tests pass, {} fail", tested.passed, tested.failed), "all", holds);
    }
    Ok(())
}

/// Measures the same strategy under two names in real sweeps. Neither name may win.
pub(crate) fn equals(proofs: &mut Proofs) -> Result<()> {
    const SESSIONS: u32 = 5;
    const NAMES: [&str; 2] = ["threads_shared", "threads_shared_again"];
    // All cells of a block use the same number of cores.
    let cores = harness::machine::processors().len().to_string();
    let names = NAMES.join(",");
    let cell = ["--tasks=word_totals", "--sizes=60000", "--blocks=6", "--strategies", &names, "--cores", &cores];
    let mut winners = Vec::new();
    for session in 0..SESSIONS {
        let record = sweep(sabotaged(), &cell)?;
        let [one, other] = NAMES.map(|name| {
            let mut blocks = Blocks::new();
            let own = |sample: &&Sample| sample.cell.task == "word_totals" && sample.cell.strategy == name;
            for sample in record.samples.iter().filter(own) {
                if let Some(times) = &sample.times {
                    blocks.entry(sample.block).or_default().push(times.wall_ns as f64);
                }
            }
            blocks
        });
        if let [winner] = fastest(&[(NAMES[0], &one), (NAMES[1], &other)])[..] {
            winners.push(format!("{winner} in session {session}"));
        }
    }
    proofs.line(
        "the same strategy under two names, real",
        format!("{} winners in {SESSIONS} sessions {}", winners.len(), winners.join(", ")),
        "0 winners",
        winners.is_empty(),
    );
    Ok(())
}

/// Tries every cheat repeatedly.
pub(crate) fn cheats(proofs: &mut Proofs) -> Result<()> {
    const RUNS: u32 = 20;
    let mut rejected: BTreeMap<&str, u32> = BTreeMap::new();
    for _ in 0..RUNS {
        for trial in [Trial::Short, Trial::Long, Trial::Waiting, Trial::Task] {
            for (sabotage, samples) in measure(trial)?.into_iter().filter(|(sabotage, _)| can_be_tried(sabotage)) {
                let right = rejected.entry(sabotage.name).or_default();
                match misjudged(&sabotage, &samples) {
                    None => *right += 1,
                    Some(sentence) => eprintln!("{sentence}"),
                }
            }
        }
    }
    let least = rejected.values().copied().min().unwrap_or_default();
    proofs.line(
        "cheats that are refused by name",
        format!("{} cheats, each in at least {least} of {RUNS} runs", rejected.len()),
        "at least 12 cheats, each in 20 of 20",
        rejected.len() >= 12 && least == RUNS,
    );
    threads(proofs)
}

/// A task, cores, workers, and the cheats with the fault that the record must name.
type Lot<'a> = (&'a [&'a str], &'a str, &'a str, &'a [(&'a str, Fault)]);

/// Tries cheats with twice or half the threads, for several numbers of workers.
fn threads(proofs: &mut Proofs) -> Result<()> {
    const RUNS: usize = 10;
    // The lots use one core and all cores, and both counting and waiting. A missing worker delays waiting work on any number
    // of cores.
    let cores = harness::machine::processors().len().to_string();
    let counting = ["--tasks=count", "--increments=1600000000", "--sizes=16"];
    let waiting = ["--tasks=virtual_work", "--waits=400", "--sizes=1"];
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
    // A single worker cannot be halved.
    for (task, cores, workers, cheats) in lots.into_iter().filter(|lot| lot.2 != "1") {
        let names = cheats.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(",");
        let cell = ["--cores", cores, "--workers", workers, "--strategies", &names, "--blocks", "1", "--samples", "1"];
        for _ in 0..RUNS {
            let record = sweep(sabotaged(), &[task, &cell[..]].concat())?;
            for (name, fault) in cheats {
                tried += 1;
                let mut own = record.samples.iter().filter(|sample| sample.cell.strategy == *name);
                named += usize::from(own.any(|sample| sample.fault == Some(*fault)));
            }
        }
    }
    let figure = format!("named in {named} of {tried} runs");
    proofs.line("twice or half the threads, in runs of 200 ms or more", figure, "all of them", named == tried);
    Ok(())
}

/// Measures the memory, processor time and context switches of known work.
pub(crate) fn resources(proofs: &mut Proofs) -> Result<()> {
    let peak = |mebibytes: &str| -> Result<f64> {
        let times = run(&["--task", "allocates", "--items", mebibytes, "--strategy", "threads_shared"])?;
        Ok(median(times.iter().map(|times| times.peak_memory_bytes as f64).collect()))
    };
    let more = (peak("257")? - peak("1")?) / f64::from(1 << 20);
    let holds = (more / 256.0 - 1.0).abs() <= 0.05;
    proofs.line("256 MiB more", format!("{more:.1} MiB more at the peak"), "256, within 5 %", holds);
    let mut busy = Vec::new();
    for task in [&["count", "--increments", "1600000000"][..], &["word_totals"]] {
        let times = run(&[&["--samples", "9", "--strategy", "sequential", "--cores", "1", "--task"], task].concat())?;
        busy.extend(times.iter().map(|times| (times.user_ns + times.system_ns) as f64 / times.wall_ns as f64));
    }
    let (low, high) = (busy.iter().copied().fold(f64::MAX, f64::min), busy.iter().copied().fold(0.0, f64::max));
    let middle = median(busy);
    proofs.line(
        "busy threads of sequential cells",
        format!("{middle:.3} in the median, {low:.3} to {high:.3}"),
        "1.00, within 0.05",
        (middle - 1.0).abs() <= 0.05,
    );
    for (task, strategy) in [("count", "threads_shared"), ("word_totals", "rayon"), ("count", "processes")] {
        let share = busy_share(task, strategy)?;
        let what = format!("time inside jobs in a trace of {task} with {strategy}");
        let figure = format!("{share:.3} of the processor time");
        proofs.line(&what, figure, "1.00, within 0.05", (share - 1.0).abs() <= 0.05);
    }
    let two_workers = ["--strategy=threads_shared", "--cores=1", "--workers=2", "--size=1"];
    let times = run(&[&["--task=yields", "--items=10000"], &two_workers[..]].concat())?;
    let switches = times.iter().map(|times| times.voluntary_switches + times.involuntary_switches);
    let least = switches.min().unwrap_or_default();
    proofs.line("10 000 yields", format!("at least {least} switches"), "10 000 or more", least >= 10_000);
    Ok(())
}

/// Traces a run and returns the time inside jobs as a share of the processor time.
fn busy_share(task: &str, strategy: &str) -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("trace.json");
    let path = path.to_str().context("the temporary folder is not UTF-8")?;
    run(&["--samples", "1", "--task", task, "--strategy", strategy, "--trace", path])?;
    let trace: serde_json::Value = serde_json::from_slice(&std::fs::read(path)?)?;
    let events = trace["traceEvents"].as_array().context("a trace has events")?;
    let is_job = |event: &&serde_json::Value| event["ph"] == "X" && event["args"]["partition"].is_u64();
    let busy_us: f64 = events.iter().filter(is_job).filter_map(|event| event["dur"].as_f64()).sum();
    Ok(busy_us * 1e3 / trace["otherData"]["cpu_ns"].as_f64().context("a trace has its processor time")?)
}

/// Measures one cell and returns the figures of its samples.
fn run(arguments: &[&str]) -> Result<Vec<Times>> {
    let mut run = Command::new(sabotaged());
    run.args(["run", "--json", "--processes", "1"]).args(arguments).current_dir(workspace());
    let output = run.output().context("cannot run a cell")?;
    ensure!(output.status.success(), "a cell failed: {}", String::from_utf8_lossy(&output.stderr));
    let mut printed: serde_json::Value = serde_json::from_slice(&output.stdout).context("a cell printed no JSON")?;
    Ok(serde_json::from_value(printed["samples"].take())?)
}

/// Kills sweeps at random moments and resumes them. The record must be as complete as without the kill.
pub(crate) fn killed(proofs: &mut Proofs) -> Result<()> {
    let summary = interrupt(&[Interruption::Kill], 20, 3)?;
    let holds = summary.failures.is_empty() && summary.survived() == 20;
    let bar = "20, no sample lost, repeated or torn, every cell as planned";
    proofs.line("kill -9 and --resume", &summary, bar, holds);
    Ok(())
}

/// Takes many samples of honest strategies, none of which may be called a cheat. Runs are short and long, with as many
/// workers as cores and with more.
pub(crate) fn honest(proofs: &mut Proofs) -> Result<()> {
    let (mut samples, mut accused, mut costs) = (0, 0, Vec::new());
    for arguments in [
        "--tasks count,word_totals,cursor_pages --blocks 3 --sizes 1000,20000",
        "--tasks count,virtual_work --increments 600000000 --blocks 2 --sizes 8 --workers 2,5,32 --waits 120",
        "--tasks count,word_totals --blocks 2 --sizes 500,20000 --workers 3,8 --deliveries in_order,as_completed \
         --combines per_worker,sharded",
    ] {
        let arguments: Vec<&str> = arguments.split_whitespace().chain(["--budget", "1h"]).collect();
        for sample in &sweep(sabotaged(), &arguments)?.samples {
            samples += 1;
            let Sample { cell, status, reason, times, .. } = sample;
            if *status != Status::Verified {
                accused += 1;
                let (task, strategy, cores, workers) = (&cell.task, &cell.strategy, cell.cores, cell.workers);
                eprintln!("{task} {strategy} on {cores} cores, {workers} workers: {reason}");
            }
            if let Some(times) = times
                && let Some(census) = &times.census
                && times.wall_ns >= 200_000_000
            {
                costs.push(100.0 * census.cost_ns as f64 / (times.wall_ns as f64 * f64::from(cell.cores)));
            }
        }
    }
    proofs.line(
        "honest samples that are accused",
        format!("{accused} of {samples}"),
        "0 of 1 000 or more",
        accused == 0 && samples >= 1_000,
    );
    let (runs, middle, most) = (costs.len(), median(costs.clone()), costs.iter().copied().fold(0.0, f64::max));
    proofs.line(
        "the cost of the census",
        format!("{middle:.2} % of the cell's processor time, the median of {runs} long runs, {most:.2} % at most"),
        "at most 1 %",
        middle <= 1.0,
    );
    Ok(())
}

/// The environment variable that can name an existing run of five minutes.
const RUN: &str = "GOLDILOCKS_RUN";

/// Runs a sweep of five minutes. Checks when it ends, and computes the saving by stopping early.
pub(crate) fn budget(proofs: &mut Proofs) -> Result<()> {
    let record: Record = match std::env::var_os(RUN) {
        Some(folder) => record::read(Path::new(&folder).join(harness::journal::FILE))?,
        None => sweep(goldilocks(), &["--budget", "5m"])?,
    };
    ensure!(record.run.budget_s == 300.0, "run {} has another budget than 300 s", record.run.id);
    let measured = record.samples.iter().map(|sample| sample.elapsed_ms).max().unwrap_or_default() as f64 / 1e3;
    let holds = (270.0..=330.0).contains(&measured);
    proofs.line("a budget of 300 s", format!("{measured:.0} s of measuring"), "270 to 330 s", holds);
    let session = simulation::recorded(&record);
    // The narrowest of these widths that every cell reaches with this machine's noise.
    let reached = [0.02, 0.05, 0.1, 0.2, 0.4].into_iter().find_map(|target| {
        let saving = simulation::saving(&session, target, 100, 1)?;
        Some((target, saving.share()))
    });
    let figure = reached.map_or("no width was reached".to_owned(), |(target, share)| {
        format!("{:.0} % fewer samples for intervals of ± {:.0} %", 100.0 * share, 100.0 * target)
    });
    proofs.line(
        "stopping early, on the session just recorded",
        figure,
        "at least 30 % fewer than a fixed number for the same widest interval",
        reached.is_some_and(|(_, share)| share >= 0.3),
    );
    Ok(())
}
