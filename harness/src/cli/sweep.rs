//! `goldilocks sweep`: tasks × strategies × core counts × partition sizes.

use super::cell_list::cell_list;
use super::exit::Exit;
use super::options::{Folders, announce};
use super::output::print;
use super::report::write_report;
use super::states::refuse_states;
use super::values::{ALL, cores, named, percent, positive, samples, seconds, strategy_or_all, task, workers};
use crate::interrupt::Interrupt;
use crate::machine::doctor;
use crate::plan::Plan;
use crate::plan::cells::Axes;
use crate::plan::stages::{default_minutes, verdict_blocks};
use crate::plan::staging::Staging;
use crate::progress::Waiting;
use crate::sweep::{self, Outcome};
use crate::{journal, machine};
use anyhow::{Context, Result, ensure};
use clap::{ArgAction, Args};
use record::statistics::{BLOCKS_FOR_A_VERDICT, TARGET};
use record::{Cell, Check, Record, Sample, Status, Verdict, forgiven_block};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};
use strategies::{Combine, Delivery, catalogue};
use system::printing::say;
use tasks::Inputs;

#[derive(Args)]
#[command(after_help = "\
Examples:
  goldilocks sweep                                    # three tasks, all strategies, six minutes on few cores
  goldilocks sweep -t count -s sequential,rayon -j 1,2,4,8 --budget 1m --dry-run     # what this would measure
  goldilocks sweep --resume --budget 10m              # more blocks for the newest run")]
pub(crate) struct Sweep {
    /// The tasks. A task named here must run; a default task is skipped if this machine cannot run it
    /// [default: count,word_totals,cursor_pages, and cursor_ranges from 4 cores on]
    #[arg(short, long, value_delimiter = ',', action = ArgAction::Set, value_parser = task())]
    tasks: Vec<String>,
    /// The strategies [default: the first nine that `goldilocks list` names; the others only on all cores at the default size].
    /// `all` means the whole catalogue
    #[arg(short, long, value_delimiter = ',', action = ArgAction::Set, value_parser = strategy_or_all())]
    pub(super) strategies: Vec<String>,
    /// The core counts [default: 1, 2, 4 and so on up to all, and the boundaries of the topology]
    #[arg(long, value_delimiter = ',', action = ArgAction::Set, value_parser = cores)]
    cores: Vec<u64>,
    /// Jobs in progress at one moment [default: as many as cores]
    #[arg(short = 'j', long, value_delimiter = ',', action = ArgAction::Set, value_parser = workers)]
    workers: Vec<u64>,
    /// Partition sizes for every task [default: each task's own, fitted to its input and the workers]
    #[arg(long, value_delimiter = ',', action = ArgAction::Set, value_parser = positive)]
    sizes: Vec<u64>,
    /// Deliveries: when and in which order partials reach the total
    #[arg(long, value_delimiter = ',', action = ArgAction::Set, default_value = "gather",
        value_parser = named::<Delivery>(Delivery::ALL.iter().map(|it| it.name())))]
    deliveries: Vec<Delivery>,
    /// Combines: where partials are combined first, or what the workers share while they map
    #[arg(long, visible_alias = "states", alias = "state", value_delimiter = ',', action = ArgAction::Set, default_value = "per_partition",
        value_parser = named::<Combine>(Combine::ALL.iter().map(|it| it.name())))]
    combines: Vec<Combine>,
    /// Time for the sweep: 90s, 5m, 1h. The first block is always completed, even after this time [default: 6m on up to 8
    /// cores, 15m on 32, 30m on 128]
    #[arg(long, value_parser = seconds)]
    pub(super) budget: Option<f64>,
    /// The highest number of blocks
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    blocks: Option<u32>,
    /// Let the work grow with the cores, so that each core always has the same amount (weak scaling). By default, all
    /// core counts share the same work (strong scaling)
    #[arg(long, conflicts_with_all = ["resume", "workers"])]
    weak: bool,
    /// Target precision of a cell: half-width of the interval, in percent of the median. A sweep ends early when every
    /// cell has reached it and no comparison is undecided
    #[arg(long, default_value_t = 100.0 * TARGET, value_name = "PERCENT", value_parser = percent)]
    precision: f64,
    /// The number of timed runs in each process, after one that is not timed [default: 2; 1 if a run takes over
    /// 200 ms, and for partition sizes if the budget is short]
    #[arg(long, value_parser = samples)]
    pub(super) samples: Option<u32>,
    /// Let a tick of 1 ms beat beside the jobs, on the runtime of a strategy that has one; the report says how late it was
    #[arg(long, conflicts_with = "resume")]
    heartbeat: bool,
    /// The seed of the order of cells [default: a random one, recorded]
    #[arg(long)]
    seed: Option<u64>,
    /// The time that a process may take beyond ten times the baseline's
    #[arg(long, default_value = "20s", value_parser = seconds)]
    patience: f64,
    /// Continue a run: its id, or the newest. Its plan stays, except for --budget and --blocks
    #[arg(long, value_name = "RUN", num_args = 0..=1, default_missing_value = "")]
    resume: Option<String>,
    /// Print the plan and measure nothing but each task's plain loop
    #[arg(long, conflicts_with = "resume")]
    dry_run: bool,
    /// Install PostgreSQL first if a task needs a server and this machine has none
    #[arg(long)]
    install: bool,
    /// Measure even where the doctor refuses; the reasons stay in the record and in the report
    #[arg(long)]
    anyway: bool,
    /// Print every conclusion at the end, and tables with all columns, which are wider than 80 letters
    #[arg(short, long)]
    verbose: bool,
    #[command(flatten)]
    folders: Folders,
    #[command(flatten)]
    pub(super) inputs: Inputs,
}

/// The maximum time that a sweep waits for other programs to end. After that it refuses to start.
const QUIET_AFTER: Duration = Duration::from_secs(30);

/// The number of tasks, from the start of [`tasks::ALL`], that a sweep measures by default.
const DEFAULT_TASKS: usize = 3;

/// The same from [`MANY_CORES`] on: the last task reads through many connections.
const MORE_TASKS: usize = 4;

/// The number of cores from which many connections are worth a comparison.
const MANY_CORES: usize = 4;

/// The default number of timed runs in a process.
const SAMPLES: u32 = 2;

impl Sweep {
    pub(crate) fn run(self) -> Result<Exit> {
        let interrupt = Interrupt::listen()?;
        if self.dry_run {
            return match self.describe_plan(&interrupt) {
                Err(error) if interrupt.is_asked() => Err(Exit::Interrupted.error(format!("{error:#}"))),
                printed => printed.map(|()| Exit::Done),
            };
        }
        let Outcome { folder, error, wanted_budget } = match self.measure(&interrupt) {
            Err(error) if interrupt.is_asked() => return Err(Exit::Interrupted.error(format!("{error:#}"))),
            measured => measured?,
        };
        if let Some(lost) = error.as_ref().and_then(|error| error.downcast_ref::<journal::Lost>()) {
            return Err(Exit::Failed.error(lost.to_string()));
        }
        let resume = self.resume_command(&folder);
        // The number of blocks would end a resumed sweep too.
        let limited = Plan::read(&folder).ok().and_then(|plan| {
            let needed = u32::try_from(verdict_blocks(&plan.staging)).ok()?;
            (plan.blocks < needed).then_some((needed, plan))
        });
        if let Some(budget) = wanted_budget {
            let blocks = limited.as_ref().map_or_else(String::new, |(needed, _)| format!(" --blocks {needed}"));
            say(format_args!(
                "the budget ended before every planned comparison had its {BLOCKS_FOR_A_VERDICT} blocks; `{resume}{blocks} --budget \
                 {}s` measures the remaining blocks",
                budget.as_secs_f64().ceil()
            ));
        }
        let written = write_report(&folder, &self.folders, self.verbose).with_context(|| {
            format!("no report is written; `{} {}` tries again", crate::command("report"), quoted(&folder))
        });
        let early = match (interrupt.is_asked(), error) {
            (true, None) => Some((Exit::Interrupted, "interrupted".to_owned())),
            (true, Some(error)) => Some((Exit::Interrupted, format!("interrupted, and {error:#}"))),
            (false, Some(error)) => Some((Exit::of(&error), format!("{error:#}"))),
            (false, None) => None,
        };
        match (early, written) {
            (Some((exit, why)), Ok(_)) => Err(exit.error(format!("{why}; `{resume}` continues this run"))),
            (Some((exit, why)), Err(report)) => {
                Err(exit.error(format!("{why}; `{resume}` continues this run; {report:#}")))
            }
            (None, written) => {
                let (record, report) = written?;
                if let Some((needed, plan)) = limited.filter(|_| wanted_budget.is_none()) {
                    let options = record.options_for_blocks(needed, plan.budget_s, Some(plan.blocks));
                    say(format_args!(
                        "all verdicts need {needed} blocks; `{resume}{options}` measures the remaining blocks"
                    ));
                }
                let outside: BTreeSet<&Cell> =
                    record.samples.iter().filter(|sample| sample.outside).map(|sample| &sample.cell).collect();
                if !outside.is_empty() {
                    let cells = crate::counted(outside.len() as u64, "cell");
                    say(format_args!("{cells} failed for reasons outside the program; `{resume}` measures them again"));
                }
                not_verified(&record, &report).map_or(Ok(Exit::Done), |sentence| Err(Exit::NotVerified.error(sentence)))
            }
        }
    }

    /// Prints what a sweep would measure.
    fn describe_plan(&self, interrupt: &Interrupt) -> Result<()> {
        if self.install {
            interrupt.at_once(|| self.install_missing());
        }
        self.refuse_unread_file()?;
        let lines = sweep::describe_plan(&self.plan()?, !self.tasks.is_empty(), interrupt)?;
        print(lines.join("\n") + "\n")
    }

    /// Installs what the tasks need. What cannot be installed is missing later, which the sweep then reports.
    fn install_missing(&self) {
        for task in self.tasks().iter().filter_map(|name| crate::find_task(name)) {
            if let Err(reason) = (task.hooks.install)(&self.inputs) {
                say(format_args!("{} has no server: {reason}", task.name));
            }
        }
    }

    /// Returns the command that continues a run, with every option that the run's folder does not hold.
    fn resume_command(&self, folder: &Path) -> String {
        let command = crate::command("sweep");
        // `just bench` already passes this option.
        let anyway = if self.anyway && !command.starts_with("just") { " --anyway" } else { "" };
        let words = std::env::args_os().filter_map(|word| word.into_string().ok());
        let secrets: BTreeSet<String> =
            words.filter_map(|word| secret(&word).map(|name| format!(" {name} …"))).collect();
        let secrets: String = secrets.into_iter().collect();
        format!("{command} --resume {}{anyway}{secrets}", quoted(folder))
    }

    /// Begins or resumes a run.
    fn measure(&self, interrupt: &Interrupt) -> Result<Outcome> {
        if self.install {
            interrupt.at_once(|| self.install_missing());
        }
        if let Some(run) = &self.resume {
            let folder = journal::find(&self.folders.runs, Some(run.as_str()).filter(|run| !run.is_empty()))?;
            let secrets = self.inputs.clone();
            let changes = sweep::Changes { budget_s: self.budget, blocks: self.blocks, secrets };
            self.ask_doctor(interrupt)?;
            return sweep::resume(&folder, &changes, interrupt);
        }
        let command = without_secrets(std::env::args_os().map(|word| word.to_string_lossy().into_owned()));
        let command = command.iter().map(|word| shlex::try_quote(word).map(String::from));
        let command: Vec<String> = command.collect::<Result<_, _>>().context("the command has a zero byte")?;
        let plan = self.plan()?;
        self.ask_doctor(interrupt)?;
        self.refuse_unread_file()?;
        self.folders.new_place().iter().for_each(|place| announce(place));
        sweep::begin(&plan, !self.tasks.is_empty(), &self.folders.runs, command.join(" "), interrupt)
    }

    /// Returns the tasks that the user named, each once, or the default ones.
    fn tasks(&self) -> Vec<String> {
        let many = machine::processors().len() >= MANY_CORES;
        let tasks = if many { MORE_TASKS } else { DEFAULT_TASKS };
        let default = || tasks::ALL[..tasks].iter().map(|task| task.name.to_owned()).collect();
        if self.tasks.is_empty() { default() } else { each_once(&self.tasks) }
    }

    /// Returns the strategies that the user named, each once, or the usual ones; and those that are only compared.
    fn strategies(&self) -> (Vec<String>, Vec<String>) {
        let names = |of: &[strategies::Strategy]| of.iter().map(|strategy| strategy.name.to_owned()).collect();
        match &self.strategies[..] {
            [] => (names(catalogue::usual()), names(catalogue::others())),
            named if named.iter().any(|name| name == ALL) => (names(catalogue::ALL), Vec::new()),
            named => (each_once(named), Vec::new()),
        }
    }

    /// Returns an error if the user named a file that no task of this sweep reads.
    fn refuse_unread_file(&self) -> Result<()> {
        let reads = |task: &&tasks::Entry| (task.hooks.data)(&self.inputs).file.is_some();
        let measured = self.tasks();
        match tasks::ALL.iter().find(reads) {
            Some(reader) if !measured.iter().filter_map(|name| crate::find_task(name)).any(|task| reads(&task)) => {
                Err(Exit::Usage.error(format!(
                    "an input file is given, and no task of this sweep reads it; add {} to --tasks, or leave the file out",
                    reader.name
                )))
            }
            _ => Ok(()),
        }
    }

    /// Returns an error if the doctor refuses this machine. This check runs before any data is made. It first waits a
    /// while for other busy programs to end, because the compiler is often still running.
    fn ask_doctor(&self, interrupt: &Interrupt) -> Result<()> {
        if self.anyway {
            return Ok(());
        }
        let tasks = self.tasks();
        let tasks: Vec<&str> = tasks.iter().map(String::as_str).collect();
        let cores = self.cores.iter().max().map_or(usize::MAX, |most| usize::try_from(*most).unwrap_or(usize::MAX));
        let subject = doctor::Subject {
            tasks: &tasks,
            inputs: &self.inputs,
            cores,
            runs: &self.folders.runs,
            given_server: false,
        };
        let look = || doctor::examine(&doctor::Observations::gather(&subject));
        let (mut checks, until) = (look(), Instant::now() + QUIET_AFTER);
        // Only other programs end by themselves. Waiting cures no other refusal.
        let crowded = |checks: &[Check]| {
            let mut refusals = checks.iter().filter(|check| check.verdict == Verdict::Refuse).peekable();
            refusals.peek().is_some()
                && refusals.all(|check| ["neighbours", "other_sweeps", "noise"].contains(&&*check.name))
        };
        let waiting = Waiting::default();
        while crowded(&checks) && Instant::now() < until && !interrupt.is_asked() {
            waiting.show(&format!("{}; waiting until they end", doctor::refusals(&checks).join("; ")));
            interrupt.sleep(Duration::from_secs(3));
            checks = look();
        }
        waiting.end();
        let refusals = doctor::refusals(&checks);
        ensure!(
            refusals.is_empty(),
            "measurements on this machine would mislead:\n  {}\nCure that, or measure regardless with `--anyway`; then the report says so",
            refusals.join("\n  ")
        );
        // The page cache is checked again once the baselines have read the input.
        let warnings = checks.iter().filter(|check| check.verdict == Verdict::Warn && check.name != "page_cache");
        for warning in warnings {
            say(format_args!("warning: {}", warning.sentence));
        }
        Ok(())
    }

    /// Returns an error if the work of a task must grow with the cores and cannot.
    fn refuse_fixed_work(&self) -> Result<()> {
        let tasks = self.tasks();
        let grows = |entry: &tasks::Entry| entry.sizing.is_some_and(|sizing| (sizing.work)(&self.inputs).is_some());
        match tasks.iter().filter_map(|name| crate::find_task(name)).find(|entry| !grows(entry)) {
            Some(fixed) if self.weak => Err(Exit::Usage.error(format!(
                "--weak chooses the work of each task, but {}; leave {} out of --tasks{}",
                fixed.sizing.map_or_else(
                    || format!("that of {} is fixed", fixed.name),
                    |sizing| format!("an option names the {} or the data of {}", sizing.unit, fixed.name)
                ),
                fixed.name,
                if fixed.sizing.is_some() { ", or leave that option out" } else { "" }
            ))),
            _ => Ok(()),
        }
    }

    fn plan(&self) -> Result<Plan> {
        self.refuse_fixed_work()?;
        let (strategies, compared_only) = self.strategies();
        refuse_states(&self.combines, &self.tasks(), &strategies)?;
        let counts = |list: &[u64]| list.iter().map(|count| usize::try_from(*count)).collect::<Result<Vec<_>, _>>();
        let mut cores = counts(&self.cores)?;
        if cores.is_empty() {
            cores = machine::core_counts_here();
        }
        cores.sort_unstable();
        cores.dedup();
        let most = cores.last().map_or(1, |most| *most as u64);
        let mut tasks = Vec::new();
        for task in &self.tasks() {
            let mut sizes = self.sizes.clone();
            sizes.sort_unstable();
            sizes.dedup();
            tasks.push((task.clone(), sizes));
        }
        Ok(Plan {
            axes: Axes {
                tasks,
                strategies,
                cores,
                workers: counts(&self.workers)?,
                deliveries: self.deliveries.clone(),
                combines: self.combines.clone(),
            },
            compared_only,
            // A sweep that asks for something special compares only that.
            variants: self.tasks.is_empty()
                && self.strategies.is_empty()
                && self.sizes.is_empty()
                && !self.weak
                && !self.combines.iter().any(|combine| combine.is_shared()),
            weak: self.weak,
            inputs: self.inputs.clone(),
            seed: self.seed.unwrap_or_else(|| fastrand::u64(..1_000_000)),
            budget_s: self.budget.unwrap_or(60.0 * default_minutes(most) as f64),
            blocks: self.blocks.unwrap_or(u32::MAX),
            precision: self.precision / 100.0,
            samples: self.samples.unwrap_or(SAMPLES),
            fewer_samples: self.samples.is_none(),
            heartbeat: self.heartbeat,
            patience_s: self.patience,
            data: self.folders.data.clone(),
            default_sizes: BTreeMap::new(),
            costs: BTreeMap::new(),
            staging: Staging::default(),
        })
    }
}

/// Returns a sentence that lists the cells that are not verified in the end, or `None` if all are. A cell that was unfair in
/// one block and fair in another is verified.
fn not_verified(record: &Record, report: &Path) -> Option<String> {
    let mut by_cell: BTreeMap<&Cell, Vec<&Sample>> = BTreeMap::new();
    record.samples.iter().for_each(|sample| by_cell.entry(&sample.cell).or_default().push(sample));
    by_cell.retain(|_, samples| forgiven_block(samples.iter().copied()).is_none());
    let refused = by_cell.into_values().flatten().filter(|sample| sample.status != Status::Verified);
    let refused: BTreeMap<&Cell, Status> = refused.map(|sample| (&sample.cell, sample.status)).collect();
    let named = refused.iter().map(|(cell, status)| (*cell, format!("{status:?}").to_lowercase()));
    let list = cell_list(&named.collect::<Vec<_>>());
    (!refused.is_empty()).then(|| format!("not verified: {list}; the reasons are in {}", report.display()))
}

/// Removes repeated names and keeps the order.
fn each_once(names: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    names.iter().filter(|name| seen.insert(*name)).cloned().collect()
}

/// Removes the values of secret options from a command, because a record must not hold a password.
fn without_secrets(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut value_follows = false;
    words
        .map(|word| {
            let option = secret(&word);
            let has_value = option.is_some_and(|option| option.len() < word.len());
            match std::mem::replace(&mut value_follows, option.is_some() && !has_value) {
                true => "…".to_owned(),
                false if has_value => format!("{}=…", option.unwrap_or_default()),
                false => word,
            }
        })
        .collect()
}

/// Returns the secret option that a word of the command line names, with its dashes.
fn secret(word: &str) -> Option<&str> {
    let option = word.split_once('=').map_or(word, |(option, _)| option);
    let name = option.strip_prefix("--")?;
    tasks::ALL.iter().any(|task| task.hooks.secrets.options.contains(&name)).then_some(option)
}

/// Returns a path as a shell reads it.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    shlex::try_quote(&path).map_or(path.clone(), String::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::Fault;

    #[test]
    fn a_cell_that_was_unfair_once_and_fair_later_is_verified_in_the_end() {
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lib/record/tests/records/v5.jsonl");
        let mut record = record::read(kept).unwrap();
        let report = Path::new("report.html");
        record.samples.retain(|sample| sample.status == Status::Verified);
        assert_eq!(not_verified(&record, report), None);
        let cell = record.samples.iter().find(|sample| sample.cell.strategy == "rayon").unwrap().cell.clone();
        for (blocks, verified) in [(1, true), (2, false)] {
            for sample in record.samples.iter_mut().filter(|sample| sample.cell == cell && sample.block < blocks) {
                (sample.status, sample.fault) = (Status::Unfair, Some(Fault::TooFewJobs));
            }
            let sentence = not_verified(&record, report);
            assert_eq!(sentence.is_none(), verified, "{blocks} blocks: {sentence:?}");
        }
        // The sweep stopped before the second try.
        record.samples.retain(|sample| sample.cell != cell || sample.block == 0);
        let sentence = not_verified(&record, report).unwrap();
        assert!(sentence.contains("rayon") && sentence.contains("unfair"), "{sentence}");
    }

    #[test]
    fn secret_addresses_are_removed_from_the_recorded_command() {
        let address = ["postgresql://me:secret@db/x", "host=db password=secret", "postgresql://db/x?password=secret"];
        for address in address {
            for given in
                [vec!["--database-url".to_owned(), address.to_owned()], vec![format!("--database-url={address}")]]
            {
                let words = ["goldilocks".to_owned(), "sweep".to_owned()].into_iter().chain(given);
                let kept = without_secrets(words.chain(["--cores".to_owned(), "2".to_owned()])).join(" ");
                assert!(!kept.contains("secret") && kept.ends_with("--cores 2"), "{kept}");
            }
        }
    }
}
