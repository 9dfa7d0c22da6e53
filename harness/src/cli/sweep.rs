//! `goldilocks sweep`: tasks × strategies × core counts × partition sizes.

use super::values::{percent, positive, seconds, word, workers};
use super::{Places, known_strategy, known_task, make_report};
use crate::interrupt::Interrupt;
use crate::machine::doctor;
use crate::plan::cells::Axes;
use crate::sweep::{self, Plan};
use crate::{journal, machine};
use anyhow::{Context, Result, bail, ensure};
use clap::{ArgAction, Args};
use record::statistics::TARGET;
use record::{Check, Verdict};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tasks::Inputs;

#[derive(Args)]
pub(crate) struct Sweep {
    /// The tasks
    #[arg(long, value_delimiter = ',', action = ArgAction::Set,
        default_values_t = tasks::ALL[..3].iter().map(|task| task.name.to_owned()))]
    tasks: Vec<String>,
    /// The strategies [default: the whole catalogue]
    #[arg(long, value_delimiter = ',', action = ArgAction::Set)]
    pub(super) strategies: Vec<String>,
    /// The core counts [default: 1, 2, 4 and so on up to all]
    #[arg(long, value_delimiter = ',', action = ArgAction::Set, value_parser = positive)]
    cores: Vec<u64>,
    /// Jobs in progress at one moment [default: as many as cores]
    #[arg(long, value_delimiter = ',', action = ArgAction::Set, value_parser = workers)]
    workers: Vec<u64>,
    /// Partition sizes, for every task [default: each task's own]
    #[arg(long, value_delimiter = ',', action = ArgAction::Set, value_parser = positive)]
    sizes: Vec<u64>,
    /// Deliveries to compare
    #[arg(long, value_delimiter = ',', action = ArgAction::Set, default_value = "gather", value_parser = word::<strategies::Delivery>)]
    deliveries: Vec<String>,
    /// Combines to compare
    #[arg(long, value_delimiter = ',', action = ArgAction::Set, default_value = "per_partition", value_parser = word::<strategies::Combine>)]
    combines: Vec<String>,
    /// Time for measuring: 90s, 5m, 1h. The first block is finished whatever it takes [default: 5m]
    #[arg(long, value_parser = seconds)]
    pub(super) budget: Option<f64>,
    /// Never more blocks than this
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    blocks: Option<u32>,
    /// How well a cell is to be known, in percent: half its interval as a part of its median. When all are, and nothing
    /// is left undecided, a sweep ends before its time
    #[arg(long, default_value_t = 100.0 * TARGET, value_name = "PERCENT", value_parser = percent)]
    precision: f64,
    /// Timed runs in each process, after one that is not timed
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) samples: u32,
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

/// How long other programs may take to end before a sweep is refused for them.
const QUIET_AFTER: Duration = Duration::from_secs(30);

/// Seconds for measuring, unless told otherwise.
const BUDGET_S: f64 = 300.0;

impl Sweep {
    pub(crate) fn carry_out(self) -> Result<ExitCode> {
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
            eprintln!("interrupted; `just bench --resume {}` goes on", folder.display());
            return Ok(ExitCode::from(130));
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Begins a run, or takes one up again; its folder.
    fn measure(&self, interrupt: &Interrupt) -> Result<PathBuf> {
        if let Some(run) = &self.resume {
            let folder = journal::find(&self.places.runs, Some(run.as_str()).filter(|run| !run.is_empty()))?;
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
        let look = || doctor::examine(&doctor::Observations::gather(&subject));
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

/// The names in the order in which they were first given.
fn each_once(names: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    names.iter().filter(|name| seen.insert(*name)).cloned().collect()
}

/// The words of a command without the values of secret options: a password may not get into a record.
fn without_secrets(words: impl Iterator<Item = String>) -> Vec<String> {
    let options = || tasks::ALL.iter().flat_map(|task| task.hooks.secrets.options);
    let is_secret = |word: &str| word.strip_prefix("--").is_some_and(|word| options().any(|option| *option == word));
    let mut value_follows = false;
    words
        .map(|word| match (std::mem::replace(&mut value_follows, is_secret(&word)), word.split_once('=')) {
            (true, _) => "…".to_owned(),
            (false, Some((option, _))) if is_secret(option) => format!("{option}=…"),
            (false, _) => word,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_form_of_an_address_gets_into_a_record() {
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
