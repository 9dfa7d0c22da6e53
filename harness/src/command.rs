//! The command line: what can be asked for, and who does it.

mod compare;
mod export;

use self::compare::Compare;
use self::export::Export;
use crate::cell::Order;
use crate::child::{End, Message};
use crate::data::{Prepared, grams};
use crate::interrupt::Interrupt;
use crate::plan::{Axes, baseline};
use crate::sweep::{self, Plan};
use crate::{cell, child, doctor, machine, record};
use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use reports::record::{Cell, Check, Times, Verdict};
use reports::statistics::TARGET;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tasks::Inputs;

/// Does what the command line asks for: all that the binary does.
pub fn main() -> ExitCode {
    match Command::parse().carry_out() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Which concurrency strategy, on how many cores, with which partition size? Not too big, not too small.
#[derive(Parser)]
#[command(name = "goldilocks", version, about)]
pub(crate) struct Command {
    #[command(subcommand)]
    wish: Wish,
}

#[derive(Subcommand)]
enum Wish {
    /// Names every task and every strategy
    List(List),
    /// Runs one task with one strategy, verifies the answer and says how long it took
    Run(Run),
    /// Measures tasks × strategies × core counts × partition sizes, and writes the report
    Sweep(Sweep),
    /// Looks for what would spoil a measurement on this machine, and says how to cure it
    Doctor(Doctor),
    /// Makes the report of a run again
    Report(Report),
    /// Writes a run's samples as CSV, one row for each, failures included
    Export(Export),
    /// Compares two runs: differences only where the evidence carries them
    Compare(Compare),
    /// Makes or fetches what the tasks read
    #[command(subcommand)]
    Data(Data),
    /// Makes sure that a PostgreSQL server can be had, installing one if need be
    Setup(Setup),
    /// Measures one cell: the child of `run` and `sweep`
    #[command(hide = true)]
    Cell,
    /// Serves partitions: the child of the strategy `processes`
    #[command(hide = true)]
    Worker,
}

#[derive(Args)]
struct List {
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Run {
    /// The task
    #[arg(long)]
    task: String,
    /// The strategy, or `baseline`
    #[arg(long)]
    strategy: String,
    /// How many processors it may use [default: all]
    #[arg(long, value_parser = positive)]
    cores: Option<u64>,
    /// How many jobs may be in progress at one moment [default: as many as cores]
    #[arg(long, value_parser = workers)]
    workers: Option<u64>,
    /// Items in a partition, about [default: the task's own]
    #[arg(long, value_parser = positive)]
    size: Option<u64>,
    /// gather, in_order or as_completed
    #[arg(long, default_value = "gather", value_parser = word::<strategies::Delivery>)]
    delivery: String,
    /// per_partition or per_worker
    #[arg(long, default_value = "per_partition", value_parser = word::<strategies::Combine>)]
    combine: String,
    /// How many timed runs, after one that is not timed
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    samples: u32,
    /// Write the whole total here; word totals as TSV, sorted by the words' bytes
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Seconds after which it is stopped
    #[arg(long, default_value_t = 3600.0, value_name = "SECONDS")]
    patience: f64,
    #[command(flatten)]
    places: Places,
    #[command(flatten)]
    inputs: Inputs,
}

#[derive(Args)]
struct Sweep {
    /// The tasks
    #[arg(long, value_delimiter = ',', default_value = "count,word_totals,cursor_pages")]
    tasks: Vec<String>,
    /// The strategies [default: the whole catalogue]
    #[arg(long, value_delimiter = ',')]
    strategies: Vec<String>,
    /// The core counts [default: 1, 2, 4 and so on up to all]
    #[arg(long, value_delimiter = ',', value_parser = positive)]
    cores: Vec<u64>,
    /// Jobs in progress at one moment [default: as many as cores]
    #[arg(long, value_delimiter = ',', value_parser = workers)]
    workers: Vec<u64>,
    /// Partition sizes, for every task [default: each task's own]
    #[arg(long, value_delimiter = ',', value_parser = positive)]
    sizes: Vec<u64>,
    /// Deliveries to compare
    #[arg(long, value_delimiter = ',', default_value = "gather", value_parser = word::<strategies::Delivery>)]
    deliveries: Vec<String>,
    /// Combines to compare
    #[arg(long, value_delimiter = ',', default_value = "per_partition", value_parser = word::<strategies::Combine>)]
    combines: Vec<String>,
    /// Time for measuring: 90s, 5m, 1h. The first block is finished whatever it takes [default: 5m]
    #[arg(long, value_parser = seconds)]
    budget: Option<f64>,
    /// Never more blocks than this
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    blocks: Option<u32>,
    /// How well a cell is to be known, in percent: half its interval as a part of its median. When all are, and nothing
    /// is left undecided, a sweep ends before its time
    #[arg(long, default_value_t = 100.0 * TARGET, value_name = "PERCENT", value_parser = percent)]
    precision: f64,
    /// Timed runs in each process, after one that is not timed
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    samples: u32,
    /// The seed of the order of cells [default: a random one, recorded]
    #[arg(long)]
    seed: Option<u64>,
    /// How long a process may take beyond ten times what the baseline would need
    #[arg(long, default_value = "20s", value_parser = seconds)]
    patience: f64,
    /// Take up an interrupted run: its id, or the newest. Its plan stays, but for --budget and --blocks
    #[arg(long, value_name = "RUN", num_args = 0..=1, default_missing_value = "")]
    resume: Option<String>,
    /// Measure even where the doctor refuses to; its reasons stay in the record and in the report
    #[arg(long)]
    anyway: bool,
    #[command(flatten)]
    places: Places,
    #[command(flatten)]
    inputs: Inputs,
}

#[derive(Args)]
struct Doctor {
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    places: Places,
    #[command(flatten)]
    inputs: Inputs,
}

/// How long other programs may take to end before a sweep is refused for them.
const QUIET_AFTER: Duration = Duration::from_secs(30);

/// Seconds for measuring, unless told otherwise.
const BUDGET_S: f64 = 300.0;

#[derive(Args)]
struct Report {
    /// The run's id or folder [default: the newest]
    run: Option<String>,
    #[command(flatten)]
    places: Places,
}

#[derive(Args)]
pub(crate) struct Places {
    /// Where runs are kept
    #[arg(long, value_name = "FOLDER", default_value = "reports/runs")]
    pub(crate) runs: PathBuf,
    /// Where generated and fetched data is kept
    #[arg(long, value_name = "FOLDER", default_value = "datasets/generated")]
    data: PathBuf,
}

#[derive(Args)]
struct Setup {
    /// Also a browser, for the report's tests
    #[arg(long)]
    browser: bool,
}

#[derive(Subcommand)]
enum Data {
    /// Makes a file of 1-grams: seeded, sorted by word and year
    Grams {
        /// How large: 500KB, 20MB, 2GB
        #[arg(long, default_value = "20MB", value_parser = bytes)]
        size: u64,
        /// Another seed gives another file
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// The same lines in a random order
        #[arg(long)]
        shuffled: bool,
        #[command(flatten)]
        places: Places,
    },
    /// Fetches the book's file from Google (1.8 GB when unpacked); needs the internet
    Fetch {
        /// From where
        #[arg(long, default_value = datasets::fetch::ADDRESS)]
        url: String,
        #[command(flatten)]
        places: Places,
    },
}

impl Command {
    /// Does what is asked for.
    pub(crate) fn carry_out(self) -> Result<ExitCode> {
        match self.wish {
            Wish::List(list) => list.carry_out(),
            Wish::Run(run) => run.carry_out(),
            Wish::Sweep(sweep) => sweep.carry_out(),
            Wish::Doctor(doctor) => Ok(doctor.carry_out()),
            Wish::Report(report) => {
                let folder = record::find(&report.places.runs, report.run.as_deref())?;
                make_report(&folder)?;
                Ok(ExitCode::SUCCESS)
            }
            Wish::Export(export) => export.carry_out(),
            Wish::Compare(compare) => compare.carry_out(),
            Wish::Data(data) => data.carry_out(),
            Wish::Setup(setup) => Ok(setup.carry_out()),
            Wish::Cell => {
                let mut text = String::new();
                std::io::stdin().read_to_string(&mut text).context("cannot read the order")?;
                let order: Order = serde_json::from_str(&text).context("`goldilocks cell` expects an order")?;
                cell::measure(&order, |message| {
                    let line = serde_json::to_string(message).unwrap_or_default();
                    // Nobody listens any more: then there is nothing left to do.
                    let _ = writeln!(std::io::stdout(), "{line}");
                });
                Ok(ExitCode::SUCCESS)
            }
            Wish::Worker => {
                cell::serve()?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

impl Setup {
    fn carry_out(self) -> ExitCode {
        let environment = datasets::postgres::Environment::of_this_process();
        let mut complaints = Vec::new();
        if environment.address.is_some() {
            eprintln!("DATABASE_URL names a server: none is installed");
        } else if let Err(error) = datasets::postgres::install::install(&environment) {
            complaints.push(error.to_string());
        }
        // The one is looked after even if the other cannot be had.
        if self.browser
            && let Err(error) = datasets::browser::install(&environment)
        {
            complaints.push(error.to_string());
        }
        for complaint in &complaints {
            eprintln!("error: {complaint}");
        }
        if complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

impl List {
    fn carry_out(self) -> Result<ExitCode> {
        if self.json {
            let tasks: Vec<_> = tasks::ALL
                .iter()
                .map(|task| {
                    serde_json::json!({ "name": task.name, "about": task.about, "unit": task.unit,
                    "sizes": task.sizes, "default_size": task.default_size })
                })
                .collect();
            let strategies: Vec<_> = crate::strategies()
                .map(|strategy| {
                    let header = strategy.header();
                    serde_json::json!({ "name": strategy.name, "about": header.about, "good": header.good,
                        "bad": header.bad, "trace": header.trace, "exercise": is_exercise(strategy.name) })
                })
                .collect();
            println!("{}", serde_json::json!({ "tasks": tasks, "strategies": strategies }));
            return Ok(ExitCode::SUCCESS);
        }
        println!("tasks");
        for task in tasks::ALL {
            println!("  {:<18} {} Partition size in {}.", task.name, task.about, task.unit);
        }
        for (title, exercises) in [("strategies", false), ("exercises", true)] {
            println!("{title}");
            for strategy in crate::strategies().filter(|strategy| is_exercise(strategy.name) == exercises) {
                println!("  {:<18} {}", strategy.name, strategy.header().about);
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn is_exercise(name: &str) -> bool {
    strategies::catalogue::find(name).is_none()
}

impl Run {
    fn carry_out(self) -> Result<ExitCode> {
        let entry = known_task(&self.task)?;
        if self.strategy != reports::record::BASELINE {
            known_strategy(&self.strategy)?;
        }
        let processors = machine::processors();
        let cores = self.cores.unwrap_or(processors.len() as u64);
        ensure!(
            cores <= processors.len() as u64,
            "{cores} cores are asked for, and this process may use {}; `--workers {cores}` would oversubscribe them",
            processors.len()
        );
        let cell = Cell {
            task: self.task.clone(),
            strategy: self.strategy.clone(),
            cores: u32::try_from(cores)?,
            workers: u32::try_from(self.workers.unwrap_or(cores)).context("too many workers")?,
            size: self.size.unwrap_or(entry.default_size),
            delivery: self.delivery.clone(),
            combine: self.combine.clone(),
        };
        let interrupt = Interrupt::listen()?;
        let say = |line: &str| eprintln!("{line}");
        let prepared = Prepared::prepare(&[&self.task], self.inputs.clone(), &self.places.data, &interrupt, &say)?;
        if let Some((_, reason)) = prepared.skipped.first() {
            bail!("{} cannot be run: {reason}", self.task);
        }
        let expected = self.ask(&baseline(&self.task), &prepared, &processors, None, &interrupt)?;
        let answer = self.ask(&cell, &prepared, &processors, self.output.clone(), &interrupt)?;
        prepared.end()?;
        let verified = answer.digest == expected.digest;
        if self.json {
            println!(
                "{}",
                serde_json::json!({ "cell": cell, "verified": verified, "digest": answer.digest,
                    "answer": answer.figures, "baseline": expected.times, "samples": answer.times })
            );
        } else {
            println!(
                "{} {} on {} cores, {} workers, {} {} a partition",
                cell.task, cell.strategy, cell.cores, cell.workers, cell.size, entry.unit
            );
            for (name, value) in &answer.figures {
                println!("  {name}: {value}");
            }
            let (own, baseline) = (median(&answer.times), median(&expected.times));
            println!("  answer: {}", if verified { "verified, the same as the baseline's" } else { "WRONG" });
            println!(
                "  median of {}: {} (start {}, reduce {}), {} partitions",
                answer.times.len(),
                shown(own.wall_ns),
                shown(own.start_ns),
                shown(own.reduce_ns),
                own.partitions
            );
            println!(
                "  baseline: {}, so the speed-up is {:.2}",
                shown(baseline.wall_ns),
                baseline.wall_ns as f64 / own.wall_ns.max(1) as f64
            );
        }
        ensure!(verified, "{} gave a wrong answer: {} instead of {}", cell.strategy, answer.digest, expected.digest);
        Ok(ExitCode::SUCCESS)
    }

    fn ask(
        &self,
        cell: &Cell,
        prepared: &Prepared,
        processors: &[usize],
        output: Option<PathBuf>,
        interrupt: &Interrupt,
    ) -> Result<Answered> {
        let mut order = sweep::order(cell, &prepared.inputs, processors, self.samples)?;
        order.output = output;
        let mut answered = Answered { digest: String::new(), figures: Vec::new(), times: Vec::new() };
        let end = child::measure(&order, Duration::from_secs_f64(self.patience), interrupt, |message| {
            if let Message::Sample { digest, figures, times, .. } = message {
                answered =
                    Answered { digest, figures, times: [std::mem::take(&mut answered.times), vec![*times]].concat() };
            }
            Ok(())
        })?;
        match end {
            End::Done => Ok(answered),
            End::Failed(_, reason) => bail!("{reason}"),
            End::Crashed(reason) | End::Hung(reason) => bail!("{}: {reason}", cell.strategy),
            End::Interrupted => bail!("interrupted"),
        }
    }
}

struct Answered {
    digest: String,
    figures: Vec<(String, String)>,
    times: Vec<Times>,
}

/// The sample whose wall time is in the middle.
fn median(times: &[Times]) -> Times {
    let mut sorted: Vec<&Times> = times.iter().collect();
    sorted.sort_by_key(|times| times.wall_ns);
    sorted.get(sorted.len() / 2).map(|times| (*times).clone()).unwrap_or_default()
}

fn shown(ns: u64) -> String {
    match ns {
        0..1_000_000 => format!("{:.1} µs", ns as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.2} ms", ns as f64 / 1e6),
        _ => format!("{:.3} s", ns as f64 / 1e9),
    }
}

impl Sweep {
    fn carry_out(self) -> Result<ExitCode> {
        let interrupt = Interrupt::listen()?;
        let folder = match self.measure(&interrupt) {
            Err(error) if interrupt.is_asked() => {
                eprintln!("{error:#}");
                return Ok(ExitCode::from(130));
            }
            measured => measured?,
        };
        make_report(&folder)?;
        if interrupt.is_asked() {
            eprintln!("interrupted; `goldilocks sweep --resume {}` goes on", folder.display());
            return Ok(ExitCode::from(130));
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Begins a run, or takes one up again; its folder.
    fn measure(&self, interrupt: &Interrupt) -> Result<PathBuf> {
        if let Some(run) = &self.resume {
            let folder = record::find(&self.places.runs, Some(run.as_str()).filter(|run| !run.is_empty()))?;
            let database_url = self.inputs.cursor_pages.database_url.clone();
            let changes = sweep::Changes { budget_s: self.budget, blocks: self.blocks, database_url };
            self.ask_doctor(interrupt)?;
            return sweep::resume(&folder, &changes, interrupt);
        }
        let command = std::env::args().map(|word| shlex::try_quote(&masked(&word)).map(String::from));
        let command: Vec<String> = command.collect::<Result<_, _>>().context("the command has a zero byte")?;
        let plan = self.plan()?;
        self.ask_doctor(interrupt)?;
        sweep::begin(&plan, &self.places.runs, command.join(" "), interrupt)
    }

    /// Before anything is made ready: nobody shall wait for data only to be refused. Neighbours get some time to end, for
    /// often the last of them is the compiler.
    fn ask_doctor(&self, interrupt: &Interrupt) -> Result<()> {
        if self.anyway {
            return Ok(());
        }
        let tasks: Vec<&str> = self.tasks.iter().map(String::as_str).collect();
        let cores = self.cores.iter().max().map_or(usize::MAX, |most| usize::try_from(*most).unwrap_or(usize::MAX));
        let subject = doctor::Subject {
            tasks: &tasks,
            inputs: &self.inputs,
            cores,
            runs: &self.places.runs,
            given_server: false,
        };
        let look = || doctor::examine(&doctor::Evidence::gather(&subject));
        let (mut checks, until) = (look(), Instant::now() + QUIET_AFTER);
        let crowded = |checks: &[Check]| {
            checks.iter().any(|check| check.name == "neighbours" && check.verdict == Verdict::Refuse)
        };
        while crowded(&checks) && Instant::now() < until && !interrupt.is_asked() {
            eprintln!("{}; waiting for them", doctor::refusals(&checks).join("; "));
            std::thread::sleep(Duration::from_secs(3));
            checks = look();
        }
        let refusals = doctor::refusals(&checks);
        ensure!(
            refusals.is_empty(),
            "what would be measured here would mislead:\n  {}\n`--anyway` measures regardless, and the report says so",
            refusals.join("\n  ")
        );
        // Whether the input is in memory is looked at again when the baselines have read it.
        let warnings = checks.iter().filter(|check| check.verdict == Verdict::Warn && check.name != "page_cache");
        for warning in warnings {
            eprintln!("warning: {}", warning.sentence);
        }
        Ok(())
    }

    fn plan(&self) -> Result<Plan> {
        let available = machine::processors().len();
        let counts = |list: &[u64]| list.iter().map(|count| usize::try_from(*count)).collect::<Result<Vec<_>, _>>();
        let mut cores = counts(&self.cores)?;
        if cores.is_empty() {
            cores = machine::core_counts(available);
        }
        cores.sort_unstable();
        cores.dedup();
        if let Some(more) = cores.iter().find(|count| **count > available) {
            bail!("{more} cores are asked for, and this process may use {available}");
        }
        let mut tasks = Vec::new();
        for task in &each_once(&self.tasks) {
            let entry = known_task(task)?;
            let mut sizes = if self.sizes.is_empty() { entry.sizes.to_vec() } else { self.sizes.clone() };
            sizes.sort_unstable();
            sizes.dedup();
            tasks.push((task.clone(), sizes));
        }
        for strategy in &self.strategies {
            known_strategy(strategy)?;
        }
        let catalogue = || strategies::catalogue::ALL.iter().map(|strategy| strategy.name.to_owned()).collect();
        Ok(Plan {
            axes: Axes {
                tasks,
                strategies: if self.strategies.is_empty() { catalogue() } else { each_once(&self.strategies) },
                cores,
                workers: counts(&self.workers)?,
                deliveries: self.deliveries.clone(),
                combines: self.combines.clone(),
            },
            inputs: self.inputs.clone(),
            seed: self.seed.unwrap_or_else(|| fastrand::u64(..1_000_000)),
            budget_s: self.budget.unwrap_or(BUDGET_S),
            blocks: self.blocks.unwrap_or(u32::MAX),
            precision: self.precision / 100.0,
            samples: self.samples,
            patience_s: self.patience,
            data: self.places.data.clone(),
        })
    }
}

impl Doctor {
    fn carry_out(mut self) -> ExitCode {
        // What a sweep would read by itself, if it has been made already.
        let usual = self.places.data.join(datasets::ngrams::Recipe::default().file_name());
        self.inputs.word_totals.input = self.inputs.word_totals.input.or(Some(usual).filter(|file| file.exists()));
        let tasks: Vec<&str> = tasks::ALL.iter().map(|task| task.name).collect();
        let subject = doctor::Subject {
            tasks: &tasks,
            inputs: &self.inputs,
            cores: usize::MAX,
            runs: &self.places.runs,
            given_server: false,
        };
        let checks = doctor::worst_first(doctor::examine(&doctor::Evidence::gather(&subject)));
        let refused = !doctor::refusals(&checks).is_empty();
        if self.json {
            println!("{}", serde_json::json!({ "checks": checks }));
        } else {
            for check in &checks {
                println!("{:<8} {:<15} {}", verdict(check.verdict), check.name, check.sentence);
            }
            let warnings = checks.iter().filter(|check| check.verdict == Verdict::Warn).count();
            let end = if refused { "a sweep would not begin without --anyway" } else { "a sweep would begin" };
            let warnings = if warnings == 1 { "1 warning".to_owned() } else { format!("{warnings} warnings") };
            println!("{} checks, {warnings}: {end}", checks.len());
        }
        if refused { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "ok",
        Verdict::Unknown => "unknown",
        Verdict::Warn => "warn",
        Verdict::Refuse => "refuse",
    }
}

/// The names in the order in which they were first given.
fn each_once(names: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    names.iter().filter(|name| seen.insert(*name)).cloned().collect()
}

/// Writes a run's report beside its record, and its finding to the terminal.
fn make_report(folder: &Path) -> Result<()> {
    let record = reports::read(folder.join(record::FILE))?;
    let path = folder.join("report.html");
    reports::write(&record, &path)?;
    println!("{}", reports::text(&record));
    println!("report: {}", path.display());
    Ok(())
}

impl Data {
    fn carry_out(self) -> Result<ExitCode> {
        let path = match self {
            Data::Grams { size, seed, shuffled, places } => {
                let recipe = datasets::ngrams::Recipe { seed, bytes: size, shuffled };
                grams(recipe, &places.data, &|line| eprintln!("{line}"))?
            }
            Data::Fetch { url, places } => fetch(url, &places.data)?,
        };
        println!("{}", path.display());
        Ok(ExitCode::SUCCESS)
    }
}

fn known_task(name: &str) -> Result<&'static tasks::Entry> {
    let names = || tasks::ALL.iter().map(|task| task.name).collect::<Vec<_>>().join(", ");
    crate::find_task(name).with_context(|| format!("no task `{name}`; there are {}", names()))
}

fn known_strategy(name: &str) -> Result<()> {
    let names = || crate::strategies().map(|strategy| strategy.name).collect::<Vec<_>>().join(", ");
    crate::find_strategy(name).with_context(|| format!("no strategy `{name}`; there are {}", names()))?;
    Ok(())
}

/// A password in an address may not get into a record.
fn masked(word: &str) -> String {
    match word.split_once("://") {
        Some((scheme, rest)) if rest.contains('@') => {
            let (user, host) = rest.rsplit_once('@').unwrap_or(("", rest));
            format!("{scheme}://{}@{host}", user.split(':').next().unwrap_or_default())
        }
        _ => word.to_owned(),
    }
}

fn positive(text: &str) -> Result<u64, String> {
    match text.replace('_', "").parse() {
        Ok(0) | Err(_) => Err("expected a whole number from 1".to_owned()),
        Ok(number) => Ok(number),
    }
}

/// The most jobs in progress: far more than pay, and few enough that every system has the threads or processes for them.
const MOST_WORKERS: u64 = 1024;

fn workers(text: &str) -> Result<u64, String> {
    let number = positive(text)?;
    if number <= MOST_WORKERS { Ok(number) } else { Err(format!("expected a whole number from 1 to {MOST_WORKERS}")) }
}

fn word<T: std::str::FromStr<Err = String>>(text: &str) -> Result<String, String> {
    text.parse::<T>().map(|_| text.to_owned())
}

fn seconds(text: &str) -> Result<f64, String> {
    let (number, unit) = text.split_at(text.find(|letter: char| letter.is_alphabetic()).unwrap_or(text.len()));
    let unit = match unit {
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(format!("`{unit}` is no unit of time; use s, m or h")),
    };
    let number: f64 = number.trim().parse().map_err(|_| "expected a time such as 90s, 5m or 1h".to_owned())?;
    if number.is_finite() && (0.0..1e9).contains(&number) {
        Ok(number * unit)
    } else {
        Err("expected a time from 0".to_owned())
    }
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches('%').trim().parse::<f64>();
    match number {
        Ok(number) if (0.0..=100.0).contains(&number) => Ok(number),
        _ => Err("expected a percentage such as 2 or 0.5".to_owned()),
    }
}

fn bytes(text: &str) -> Result<u64, String> {
    let (number, unit) = text.split_at(text.find(|letter: char| letter.is_alphabetic()).unwrap_or(text.len()));
    let unit: u64 = match unit.to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return Err(format!("`{unit}` is no unit of size; use B, KB, MB or GB")),
    };
    let number: u64 = number.trim().parse().map_err(|_| "expected a size such as 500KB, 20MB or 2GB".to_owned())?;
    number.checked_mul(unit).filter(|bytes| *bytes > 0).ok_or_else(|| "expected a size from 1 byte".to_owned())
}

fn fetch(address: String, folder: &Path) -> Result<PathBuf> {
    let source = datasets::fetch::Source { address, ..Default::default() };
    let bar = ProgressBar::no_length();
    bar.set_style(ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} to go")?);
    let path = source.file(folder, &mut |received, total| {
        if let Some(total) = total {
            bar.set_length(total);
        }
        bar.set_position(received);
    });
    bar.finish_and_clear();
    Ok(path?)
}
