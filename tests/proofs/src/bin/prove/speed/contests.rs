//! Compares the speed of the tasks with that of other programs on the same machine.

use super::{FULL, grams};
use crate::Proofs;
use anyhow::{Context, Result, ensure};
use harness::peers::{ALL, Contest, PATHS, Program};
use proofs::overhead::median;
use record::Peer;
use reports::analysis::peers::median as median_of;
use rustix::fs::{Advice, fadvise};
use std::fs::File;
use std::io::Read;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use strategies::{AnyTask, Cancel, Choice, Combine, Delivery, Setup};
use tasks::count::Count;
use tasks::count::kernel::count_to;
use testbed::{goldilocks, workspace};

/// A program, and its number of threads.
type Side = (&'static str, u32);

/// The results of a contest.
struct Shown(Vec<Peer>);

impl Shown {
    /// Adds the rounds of another contest of the same programs. A program that was absent or wrong in either has no runs.
    fn extend(&mut self, more: Shown) {
        for peer in more.0 {
            match self.0.iter_mut().find(|before| before.is_same(&peer)) {
                Some(before) if before.reason.is_empty() && peer.reason.is_empty() => before.runs.extend(peer.runs),
                Some(before) => {
                    before.runs.clear();
                    before.reason = if before.reason.is_empty() { peer.reason } else { before.reason.clone() };
                }
                None => self.0.push(peer),
            }
        }
    }

    fn find(&self, (name, threads): Side) -> Option<&Peer> {
        self.0.iter().find(|peer| peer.name == name && peer.threads == threads)
    }

    /// The median time in nanoseconds. `None` if the program is absent or the machine does not support it.
    fn time(&self, side: Side) -> Option<f64> {
        self.find(side).and_then(|peer| median_of(peer, |run| run.wall_ns))
    }

    /// Prints a line with the ratio of two medians and its bar.
    fn ratio(&self, proofs: &mut Proofs, what: &str, over: Side, under: Side, bar: Bar) {
        let (words, holds): (String, &dyn Fn(f64) -> bool) = match bar {
            Bar::AtMost(bar) => (format!("at most {bar} ×"), &move |ratio| ratio <= bar),
            Bar::AtLeast(bar) => (format!("at least {bar} ×"), &move |ratio| ratio >= bar),
        };
        if let Some((over_ns, under_ns)) = self.time(over).zip(self.time(under)) {
            let ratio = over_ns / under_ns;
            let [many, others] = [over, under].map(|side| self.find(side).map_or(0, |peer| peer.runs.len()));
            let runs = if many == others { format!("{many}") } else { format!("{many} and {others}") };
            let (over, under) = (over_ns / 1e6, under_ns / 1e6);
            let figure = format!("{ratio:.2} × ({over:.0} ms against {under:.0} ms, {runs} runs)");
            proofs.line(what, figure, words, holds(ratio));
        } else {
            let reason = |side: Side| self.find(side).map_or("not started", |peer| &peer.reason);
            let figure = format!("not measured: {} {}; {} {}", over.0, reason(over), under.0, reason(under));
            proofs.line(what, figure, words, false);
        }
    }
}

/// The bound of a ratio.
enum Bar {
    AtMost(f64),
    AtLeast(f64),
}

/// Runs five rounds of a contest.
fn contest(file: &Path, names: &[&str], threads: &[usize]) -> Result<Shown> {
    let processors = harness::machine::processors();
    let installed = workspace().join("datasets/generated/peers/bin/python");
    let programs: Vec<Program> =
        ALL.iter().chain(PATHS).copied().filter(|program| names.contains(&program.name)).collect();
    let contest = Contest {
        file: file.to_owned(),
        goldilocks: goldilocks().to_owned(),
        python: if installed.exists() { installed } else { PathBuf::from("python3") },
        programs,
        threads: threads.iter().copied().filter(|threads| *threads <= processors.len()).collect(),
        processors,
        rounds: 5,
        long: Duration::from_secs(10),
        digest: None,
    };
    Ok(Shown(contest.run(&|line| eprintln!("{line}"))?))
}

/// Compares kernels with `wc -l`, with a plain sum, with themselves on two cores, and in bounded memory.
///
/// Each comparison runs twice, because the cost of a map depends on how the file entered the page cache. Large pieces are
/// mapped as a whole. Single pages are mapped one by one, and a plain sum, which does little else, then takes several times
/// as long.
pub(crate) fn kernels(proofs: &mut Proofs) -> Result<()> {
    let names = ["line_count", "byte_sum", "runs_map", "runs_pread", "portable", "avx2", "avx512"];
    let file = grams(FULL, &[])?;
    for (how, advice) in [("in order", Advice::Sequential), ("page by page", Advice::Random)] {
        let mut shown = Shown(Vec::new());
        // The cache's memory is refilled each time, because its placement is random. With single pages it changes the time
        // of `wc -l` by up to a sixth.
        for _ in 0..3 {
            fill_cache(&file, advice)?;
            shown.extend(contest(&file, &names, &[1, 2])?);
        }
        kernels_on(proofs, &shown, &format!("the file read {how}"))?;
    }
    // The next part expects a file that was read in order.
    fill_cache(&file, Advice::Sequential)
}

/// Evicts a file from the page cache and reads it again, so that the whole file is cached in a known way.
fn fill_cache(file: &Path, advice: Advice) -> Result<()> {
    let mut file = File::open(file)?;
    system::page_cache::forget(&file)?;
    let left = 100.0 * system::page_cache::resident(&file)?;
    ensure!(left < 1.0, "the kernel keeps {left:.0} % of the file in memory; is another process using it?");
    fadvise(&file, 0, None, advice)?;
    let mut buffer = vec![0; 1 << 20];
    while file.read(&mut buffer)? > 0 {}
    let there = 100.0 * system::page_cache::resident(&file)?;
    ensure!(there > 99.0, "only {there:.0} % of the file stay in memory; is there enough of it?");
    Ok(())
}

fn kernels_on(proofs: &mut Proofs, shown: &Shown, state: &str) -> Result<()> {
    for (path, bar) in [("avx512", 1.35), ("avx2", 2.0), ("portable", 2.8)] {
        let what = format!("runs, {path}, on one core against `wc -l`, {state}");
        shown.ratio(proofs, &what, (path, 1), ("line_count", 1), Bar::AtMost(bar));
    }
    for (threads, bar) in [(1, 1.85), (2, 1.55)] {
        let what = format!("runs on {threads} cores against a sum of the map's bytes on as many, {state}");
        shown.ratio(proofs, &what, ("runs_map", threads), ("byte_sum", threads), Bar::AtMost(bar));
    }
    for path in ["avx512", "avx2", "portable", "runs_pread"] {
        let what = format!("runs, {path}, one core against two, {state}");
        shown.ratio(proofs, &what, (path, 1), (path, 2), Bar::AtLeast(1.75));
    }
    let bounded = format!("runs in bounded memory on one core against `wc -l`, {state}");
    shown.ratio(proofs, &bounded, ("runs_pread", 1), ("line_count", 1), Bar::AtMost(2.0));
    for threads in [1, 2] {
        let peer = shown.find(("runs_pread", threads)).context("runs_pread is in the contest")?;
        let peak = peer.runs.iter().map(|run| run.peak_memory_bytes).max().unwrap_or(u64::MAX) as f64 / 1_048_576.0;
        let what = format!("runs in bounded memory on {threads} cores, peak, {state}");
        proofs.line(what, format!("{peak:.0} MiB"), "at most 64 MiB", peak <= 64.0);
    }
    Ok(())
}

/// Compares with other programs on two threads, on the sorted file and on a shuffled one. Also compares the gain of a
/// better kernel with the gain of more cores.
pub(crate) fn peers(proofs: &mut Proofs) -> Result<()> {
    let sorted = grams(FULL, &[])?;
    fill_cache(&sorted, Advice::Sequential)?;
    let shown = contest(&sorted, &["runs_map", "polars", "duckdb", "python_pool"], &[2])?;
    for (peer, bar) in [("polars", 12.0), ("duckdb", 18.0), ("python_pool", 200.0)] {
        let what = format!("{peer} against runs, sorted, read in order, two threads");
        shown.ratio(proofs, &what, (peer, 2), ("runs_map", 2), Bar::AtLeast(bar));
    }
    let shown = contest(&sorted, &["runs_map", "book_pread"], &[1])?;
    let what = "the kernel book against runs, one core each: more than 32 cores could be worth";
    shown.ratio(proofs, what, ("book_pread", 1), ("runs_map", 1), Bar::AtLeast(32.0));
    let shuffled = grams(FULL / 8, &["--shuffled"])?;
    fill_cache(&shuffled, Advice::Sequential)?;
    let shown = contest(&shuffled, &["runs_map", "polars", "duckdb"], &[2])?;
    for peer in ["polars", "duckdb"] {
        let what = format!("{peer} against runs, 225 MB shuffled, read in order, two threads");
        shown.ratio(proofs, &what, (peer, 2), ("runs_map", 2), Bar::AtLeast(1.7));
    }
    Ok(())
}

/// Compares counting with the same loop in C, and two workers with one on two numbers.
pub(crate) fn count(proofs: &mut Proofs) -> Result<()> {
    const N: u64 = 100_000_000;
    let folder = tempfile::tempdir()?;
    let (source, program) = (folder.path().join("count.c"), folder.path().join("count"));
    std::fs::write(&source, include_str!("count.c"))?;
    let compiled = Command::new("cc").arg("-O2").arg(&source).arg("-o").arg(&program).status();
    ensure!(compiled.context("cannot start the C compiler `cc`")?.success(), "count.c does not compile");
    let (mut own, mut in_c) = (Vec::new(), Vec::new());
    for _ in 0..15 {
        let began = Instant::now();
        ensure!(count_to(N) == N, "the loop ended early");
        own.push(began.elapsed().as_nanos() as f64);
        let output = Command::new(&program).arg(N.to_string()).output()?;
        ensure!(output.status.success(), "the loop in C ended early");
        in_c.push(String::from_utf8(output.stdout)?.trim().parse::<f64>()?);
    }
    let (own, in_c) = (median(own) / N as f64, median(in_c) / N as f64);
    let ratio = own / in_c;
    proofs.line(
        "counting against the same loop in C -O2",
        format!("{ratio:.3} × ({own:.3} ns against {in_c:.3} ns an increment)"),
        "1.0 ×, within 0.1",
        (ratio - 1.0).abs() <= 0.1,
    );
    let task = Arc::new(Count::new(vec![N, 2 * N]));
    let choice = Choice { size: NonZeroUsize::MIN, delivery: Delivery::Gather, combine: Combine::PerPartition };
    let workers = NonZeroUsize::new(2).context("two is not zero")?;
    let strategy = strategies::catalogue::find("threads_shared").context("it is in the catalogue")?;
    let mut up = (strategy.start)(&Setup { workers, worker: None })?;
    let mut speed_ups = Vec::new();
    for _ in 0..15 {
        let began = Instant::now();
        let _both_numbers_in_sequence = AnyTask::baseline(&task)?;
        let alone = began.elapsed().as_nanos() as f64;
        let (_, phases) = strategies::run(&task as &dyn AnyTask, &mut *up, choice, &Cancel::default())?;
        speed_ups.push(alone / (phases.run_ns + phases.reduce_ns) as f64);
    }
    let speed_up = median(speed_ups);
    proofs.line(
        "counting to 100 M and 200 M with two workers",
        format!("{speed_up:.3} × as fast as one after the other"),
        "at least 1.45 ×; 1.50 is the bound",
        speed_up >= 1.45,
    );
    Ok(())
}
