//! How fast the tasks are beside what else there is on the machine.

use crate::Proofs;
use anyhow::{Context, Result, ensure};
use datasets::ngrams::Recipe;
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

/// As large as the book's file when it is unpacked.
const FULL: u64 = 1_800_000_000;

/// An eighth of it, for what takes long.
const EIGHTH: u64 = FULL / 8;

/// What a contest has shown: a figure of a program with so many threads.
struct Shown(Vec<Peer>);

impl Shown {
    /// Adds the rounds of another contest of the same programs. Who was absent or wrong in one of them has no runs at all.
    fn go_on(&mut self, more: Shown) {
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

    /// The median time in nanoseconds; none if the program is absent or its processor lacks what it needs.
    fn time(&self, name: &str, threads: u32) -> Option<f64> {
        self.find(name, threads).and_then(|peer| median_of(peer, |run| run.wall_ns))
    }

    fn find(&self, name: &str, threads: u32) -> Option<&Peer> {
        self.0.iter().find(|peer| peer.name == name && peer.threads == threads)
    }

    /// One line: the ratio of two medians, each a program and its threads, and the bar that it must not cross.
    fn ratio(&self, proofs: &mut Proofs, what: &str, over: (&str, u32), under: (&str, u32), bar: &Bar) {
        match self.time(over.0, over.1).zip(self.time(under.0, under.1)) {
            Some((over_ns, under_ns)) => {
                let ratio = over_ns / under_ns;
                let [many, others] =
                    [over, under].map(|(name, threads)| self.find(name, threads).map_or(0, |peer| peer.runs.len()));
                let runs = if many == others { format!("{many}") } else { format!("{many} and {others}") };
                let figure =
                    format!("{ratio:.2} × ({:.0} ms against {:.0} ms, {runs} runs)", over_ns / 1e6, under_ns / 1e6);
                proofs.line(what, &figure, &bar.words(), bar.holds(ratio));
            }
            None => {
                let reason = |(name, threads)| self.find(name, threads).map_or("not asked", |peer| &peer.reason);
                let figure = format!("not measured: {} {}; {} {}", over.0, reason(over), under.0, reason(under));
                proofs.line(what, &figure, &bar.words(), false);
            }
        }
    }
}

/// What a ratio must be.
enum Bar {
    AtMost(f64),
    AtLeast(f64),
}

impl Bar {
    fn words(&self) -> String {
        match self {
            Bar::AtMost(bar) => format!("at most {bar} ×"),
            Bar::AtLeast(bar) => format!("at least {bar} ×"),
        }
    }

    fn holds(&self, ratio: f64) -> bool {
        match self {
            Bar::AtMost(bar) => ratio <= *bar,
            Bar::AtLeast(bar) => ratio >= *bar,
        }
    }
}

fn contest(file: PathBuf, names: &[&str], threads: &[usize], rounds: u32) -> Result<Shown> {
    let processors = harness::machine::processors();
    let made = workspace().join("datasets/generated/peers/bin/python");
    let programs: Vec<Program> =
        ALL.iter().chain(PATHS).copied().filter(|program| names.contains(&program.name)).collect();
    let contest = Contest {
        file,
        goldilocks: goldilocks().to_owned(),
        python: if made.exists() { made } else { "python3".into() },
        programs,
        threads: threads.iter().copied().filter(|threads| *threads <= processors.len()).collect(),
        processors,
        rounds,
        long: Duration::from_secs(10),
        digest: None,
    };
    Ok(Shown(contest.run(&|line| eprintln!("{line}"))?))
}

fn file(bytes: u64, shuffled: bool) -> Result<PathBuf> {
    let recipe = Recipe { bytes, shuffled, ..Recipe::default() };
    Ok(recipe.file(&workspace().join("datasets/generated"), &mut |_| ())?)
}

/// Kernels against `wc -l`, a plain sum, themselves on two cores, and in bounded memory; twice, for what a map costs depends
/// on how the page cache came by the file: in large pieces, which a map takes over whole, or page by page, each of which is
/// then mapped for itself. A plain sum does little else, so it takes several times as long in the latter case.
pub(super) fn kernels(proofs: &mut Proofs) -> Result<()> {
    let names = ["line_count", "byte_sum", "byte_sum_let_go", "runs_map", "runs_pread", "portable", "avx2", "avx512"];
    let file = file(FULL, false)?;
    for (how, advice) in [("in order", Advice::Sequential), ("page by page", Advice::Random)] {
        let mut shown = Shown(Vec::new());
        // Which memory the cache takes is chance, and in single pages `wc -l` takes up to a sixth longer in one than in another.
        for _ in 0..3 {
            read_again(&file, advice)?;
            shown.go_on(contest(file.clone(), &names, &[1, 2], 5)?);
        }
        kernels_on(proofs, &shown, &format!("the file read {how}"))?;
    }
    // For whatever comes next.
    read_again(&file, Advice::Sequential)
}

/// Has the page cache let go of a file, and reads it from the disk: so that all of it is there, and known how.
fn read_again(file: &Path, advice: Advice) -> Result<()> {
    let mut file = File::open(file)?;
    system::page_cache::forget(&file)?;
    let left = system::page_cache::resident(&file)?;
    ensure!(left < 0.01, "the system keeps {:.0} % of the file in memory; is another process using it?", 100.0 * left);
    fadvise(&file, 0, None, advice)?;
    let mut buffer = vec![0; 1 << 20];
    while file.read(&mut buffer)? > 0 {}
    let there = system::page_cache::resident(&file)?;
    ensure!(there > 0.99, "only {:.0} % of the file stay in memory; is there enough of it?", 100.0 * there);
    Ok(())
}

fn kernels_on(proofs: &mut Proofs, shown: &Shown, state: &str) -> Result<()> {
    for (path, bar) in [("avx512", 1.35), ("avx2", 2.0), ("portable", 2.8)] {
        let what = format!("runs, {path}, on one core against `wc -l`, {state}");
        shown.ratio(proofs, &what, (path, 1), ("line_count", 1), &Bar::AtMost(bar));
    }
    for (threads, bar) in [(1, 1.85), (2, 1.55)] {
        let what = format!("runs on {threads} cores against a sum of the map's bytes on as many, {state}");
        shown.ratio(proofs, &what, ("runs_map", threads), ("byte_sum", threads), &Bar::AtMost(bar));
    }
    // Where these two bars were set, a sum took 0.77 of `wc -l`: which state is like that one, this line tells.
    if let Some((sum, lines)) = shown.time("byte_sum", 1).zip(shown.time("line_count", 1)) {
        let figure = format!("{:.2} × ({:.0} ms against {:.0} ms)", sum / lines, sum / 1e6, lines / 1e6);
        Proofs::without_bar(&format!("a sum of the map's bytes on one core against `wc -l`, {state}"), &figure);
    }
    // A plain sum leaves the unmapping to the end of the process, where one thread does it.
    for threads in [1, 2] {
        if let Some((own, sum)) = shown.time("runs_map", threads).zip(shown.time("byte_sum_let_go", threads)) {
            let figure = format!("{:.2} × ({:.0} ms against {:.0} ms)", own / sum, own / 1e6, sum / 1e6);
            let what = format!("runs on {threads} cores against a sum that lets the map go as it does, {state}");
            Proofs::without_bar(&what, &figure);
        }
    }
    // What a map costs: a fault for each piece that is mapped, and the time in the kernel.
    for name in ["byte_sum", "runs_map", "runs_pread", "line_count"] {
        let Some(peer) = shown.find(name, 1) else { continue };
        if let Some((faults, system)) =
            median_of(peer, |run| run.minor_faults.unwrap_or(0)).zip(median_of(peer, |run| run.system_ns.unwrap_or(0)))
        {
            let figure = format!("{faults:.0} page faults, {:.0} ms in the kernel", system / 1e6);
            Proofs::without_bar(&format!("{name} on one core, {state}"), &figure);
        }
    }
    for path in ["avx512", "avx2", "portable", "runs_pread"] {
        let what = format!("runs, {path}, one core against two, {state}");
        shown.ratio(proofs, &what, (path, 1), (path, 2), &Bar::AtLeast(1.75));
    }
    let bounded = format!("runs in bounded memory on one core against `wc -l`, {state}");
    shown.ratio(proofs, &bounded, ("runs_pread", 1), ("line_count", 1), &Bar::AtMost(2.0));
    for threads in [1, 2] {
        let peer = shown.find("runs_pread", threads).context("it was asked for")?;
        let peak = peer.runs.iter().map(|run| run.peak_memory_bytes).max().unwrap_or(u64::MAX) as f64 / 1_048_576.0;
        let what = format!("runs in bounded memory on {threads} cores, peak, {state}");
        proofs.line(&what, &format!("{peak:.0} MiB"), "at most 64 MiB", peak <= 64.0);
    }
    Ok(())
}

/// Others at the same job, on two threads: the sorted file, then a shuffled one. And the lesson of it all: what a better kernel
/// is worth beside more cores.
pub(super) fn peers(proofs: &mut Proofs) -> Result<()> {
    let sorted = file(FULL, false)?;
    read_again(&sorted, Advice::Sequential)?;
    let shown = contest(sorted.clone(), &["runs_map", "polars", "duckdb", "python_pool"], &[2], 5)?;
    for (peer, bar) in [("polars", 12.0), ("duckdb", 18.0), ("python_pool", 200.0)] {
        let what = format!("{peer} against runs, sorted, read in order, two threads");
        shown.ratio(proofs, &what, (peer, 2), ("runs_map", 2), &Bar::AtLeast(bar));
    }
    let shown = contest(sorted, &["runs_map", "bytes_pread", "book_pread"], &[1], 5)?;
    let what = "the kernel book against runs, one core each: more than 32 cores could be worth";
    shown.ratio(proofs, what, ("book_pread", 1), ("runs_map", 1), &Bar::AtLeast(32.0));
    if let Some((bytes, runs)) = shown.time("bytes_pread", 1).zip(shown.time("runs_map", 1)) {
        Proofs::without_bar("the kernel bytes against runs, one core each", &format!("{:.2} ×", bytes / runs));
    }
    let shuffled = file(EIGHTH, true)?;
    read_again(&shuffled, Advice::Sequential)?;
    let shown = contest(shuffled, &["runs_map", "polars", "duckdb"], &[2], 5)?;
    for peer in ["polars", "duckdb"] {
        let what = format!("{peer} against runs, 225 MB shuffled, read in order, two threads");
        shown.ratio(proofs, &what, (peer, 2), ("runs_map", 2), &Bar::AtLeast(1.7));
    }
    Ok(())
}

/// Counting against the same loop in C, and two workers on two numbers.
pub(super) fn count(proofs: &mut Proofs) -> Result<()> {
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
    let (own, in_c) = (median(own), median(in_c));
    let ratio = own / in_c;
    proofs.line(
        "counting against the same loop in C -O2",
        &format!("{ratio:.3} × ({:.3} ns against {:.3} ns an increment)", own / N as f64, in_c / N as f64),
        "1.0 ×, within 0.1",
        (ratio - 1.0).abs() <= 0.1,
    );
    let task = Arc::new(Count::new(vec![N, 2 * N]));
    let choice = Choice { size: NonZeroUsize::MIN, delivery: Delivery::Gather, combine: Combine::PerPartition };
    let workers = NonZeroUsize::new(2).context("two is not zero")?;
    let strategy = strategies::catalogue::find("threads_shared").context("it is in the catalogue")?;
    let mut up = (strategy.start)(&Setup { workers, worker: None })?;
    let speed_ups: Vec<f64> = (0..15)
        .map(|_| {
            let began = Instant::now();
            let _one_after_the_other = AnyTask::baseline(&task)?;
            let alone = began.elapsed();
            let (_, phases) = strategies::run(&task as &dyn AnyTask, &mut *up, choice, &Cancel::default())?;
            Ok(alone.as_nanos() as f64 / (phases.run_ns + phases.reduce_ns) as f64)
        })
        .collect::<strategies::Result<_>>()?;
    let speed_up = median(speed_ups);
    proofs.line(
        "counting to 100 M and 200 M with two workers",
        &format!("{speed_up:.3} × as fast as one after the other"),
        "at least 1.45 ×; 1.50 is the bound",
        speed_up >= 1.45,
    );
    Ok(())
}
