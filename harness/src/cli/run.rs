//! `goldilocks run`: measures one cell and verifies it.

use super::exit::Exit;
use super::measured::{Measured, PROCESSES, Samples, median};
use super::options::{Folders, announce};
use super::output::{Output, print, print_json};
use super::states::refuse_states;
use super::values::{cores, named, positive, seconds, strategy_or_baseline, task, workers};
use crate::data::{Prepared, read_by};
use crate::interrupt::Interrupt;
use crate::machine;
use crate::machine::doctor::{Checkup, Subject, worst_first};
use crate::measure::child::{self, End, Failure};
use crate::measure::protocol::{Message, Order};
use crate::plan::cells::Cell;
use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::Args;
use record::{BASELINE, Check, Fault, Status, TracedRun, Verdict};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use strategies::{Combine, Delivery};
use system::printing::say;
use tasks::Inputs;
use tempfile::NamedTempFile;

#[derive(Args)]
#[command(after_help = "\
Examples:
  goldilocks run --task count --strategy rayon        # all cores, the task's own partition size
  goldilocks run -t word_totals -s threads_shared -j 2 --grams 1MB --trace lanes.json   # for ui.perfetto.dev
  goldilocks run -t word_totals -s rayon -o totals.tsv --json")]
pub(crate) struct Run {
    /// The task
    #[arg(short, long, value_parser = task())]
    task: String,
    /// The strategy, or `baseline`
    #[arg(short, long, value_parser = strategy_or_baseline())]
    strategy: String,
    /// The number of cores that it may use [default: all]
    #[arg(long, value_parser = cores)]
    cores: Option<u64>,
    /// Jobs in progress at one moment [default: as many as cores]
    #[arg(short = 'j', long, value_parser = workers)]
    workers: Option<u64>,
    /// The approximate number of items in a partition [default: the task's own]
    #[arg(long, value_parser = positive)]
    size: Option<u64>,
    /// When and in which order partials reach the total
    #[arg(long, default_value = "gather", value_parser = named::<Delivery>(Delivery::ALL.iter().map(|it| it.name())))]
    delivery: Delivery,
    /// Where partials are combined first, or what the workers share while they map
    #[arg(long, visible_alias = "state", default_value = "per_partition", value_parser = named::<Combine>(Combine::ALL.iter().map(|it| it.name())))]
    combine: Combine,
    /// The number of processes of the strategy and of the baseline, in turns [default: 5; fewer if those take over a minute]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    processes: Option<u32>,
    /// The number of timed runs in each process, after one that is not timed
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    samples: u32,
    /// Let a tick of 1 ms beat beside the jobs, on the runtime of a strategy that has one, and say how late it was
    #[arg(long)]
    heartbeat: bool,
    /// Write the complete result to FILE (word_totals: TSV, sorted by the words' bytes). `-` is the standard output; everything
    /// else then goes to the standard error
    #[arg(short, long, value_name = "FILE", value_parser = Output::parser())]
    output: Option<Output>,
    /// Write the spans of one more run, which is not timed, to FILE: Chrome trace JSON for Perfetto, a lane for each worker. `-` is
    /// the standard output
    #[arg(long, value_name = "FILE", value_parser = Output::parser_of("--trace"))]
    trace: Option<Output>,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Stop the measurement after this time: 90s, 5m, 1h
    #[arg(long, default_value = "1h", value_parser = seconds)]
    patience: f64,
    #[command(flatten)]
    folders: Folders,
    #[command(flatten)]
    pub(super) inputs: Inputs,
}

impl Run {
    pub(crate) fn run(self) -> Result<Exit> {
        let interrupt = Interrupt::listen()?;
        let measured = self.measure(&interrupt);
        match measured {
            Err(_) if interrupt.is_asked() => Err(Exit::Interrupted.error("interrupted; nothing is kept")),
            measured => measured,
        }
    }

    fn measure(&self, interrupt: &Interrupt) -> Result<Exit> {
        let entry = crate::find_task(&self.task).context("the task is gone")?;
        let processors = machine::processors();
        let cores = self.cores.unwrap_or(processors.len() as u64);
        let cell = Cell {
            task: self.task.clone(),
            strategy: self.strategy.clone(),
            cores: u32::try_from(cores)?,
            workers: u32::try_from(self.workers.unwrap_or(cores))?,
            size: self.size.unwrap_or(entry.default_size),
            delivery: self.delivery,
            combine: self.combine,
        };
        let is_printed = self.outputs().any(Output::is_standard_output);
        self.refuse_outputs()?;
        refuse_states(&[self.combine], &[&self.task], &[&self.strategy])?;
        let check = |inputs: &Inputs| {
            let data = (entry.hooks.data)(inputs);
            let read = data.named.iter().chain(&data.file).map(|file| ("the input file", file.as_path()));
            let read: Vec<_> = read.collect();
            self.outputs().try_for_each(|output| output.check(&read))
        };
        check(&self.inputs)?;
        let new_place = self.folders.new_place();
        let prepared =
            Prepared::prepare(&[&self.task], self.inputs.clone(), &self.folders.data, interrupt, &|line| say(line))?;
        new_place.filter(|place| place.exists()).iter().for_each(|place| announce(place));
        if let Some((_, reason)) = prepared.skipped.first() {
            bail!("{} cannot run: {reason}", self.task);
        }
        // Only now is it known which file a preparation makes.
        check(&prepared.inputs)?;
        let total = self.output.as_ref().map(Total::new).transpose()?;
        let file = total.as_ref().map(Total::file);
        let plain_loop = Cell::baseline(&self.task);
        let (mut own, mut baseline) = (Samples::default(), Samples::default());
        let measure = |cell: &Cell, samples: &mut Samples, baseline: Option<&Samples>| {
            self.add_process(cell, samples, baseline, file, &prepared, interrupt)
        };
        // The first process of the baseline runs before the machine is examined, because it may reject the input.
        measure(&plain_loop, &mut baseline, None)?.map_err(|reason| anyhow!(reason))?;
        let checkup = Checkup::begin(&Subject {
            tasks: &[&self.task],
            inputs: &prepared.inputs,
            cores: usize::try_from(cores)?,
            runs: &self.folders.runs,
            given_server: read_by(&[&self.task], &self.inputs).iter().any(|data| data.database.is_some()),
        });
        let began = Instant::now();
        for pair in 0..self.processes.unwrap_or(PROCESSES) {
            if self.processes.is_none() && pair > 0 && began.elapsed() > LONGEST {
                break;
            }
            // The order alternates, so that a machine that becomes slower or faster affects both alike.
            let baseline_first = pair % 2 == 0;
            if baseline_first && pair > 0 {
                measure(&plain_loop, &mut baseline, None)?.map_err(|reason| anyhow!(reason))?;
            }
            let failed = |reason| Exit::NotVerified.error(format!("{} failed: {reason}", cell.strategy));
            measure(&cell, &mut own, Some(&baseline))?.map_err(failed)?;
            if own.digest != baseline.digest || own.unfair.is_some() {
                break;
            }
            if !baseline_first {
                measure(&plain_loop, &mut baseline, None)?.map_err(|reason| anyhow!(reason))?;
            }
        }
        let warnings = warnings(checkup.checks.clone(), checkup.end());
        let options = (entry.options)(&prepared.inputs);
        let trace = match &self.trace {
            Some(_) if own.digest == baseline.digest && own.unfair.is_none() => {
                Some(self.traced(&cell, &baseline, &prepared, interrupt)?)
            }
            _ => None,
        };
        prepared.end()?;
        let verified = own.digest == baseline.digest;
        let result = Measured { verified, cell: &cell, options, own, baseline, warnings };
        if let Some(total) = &total {
            total.hand_over()?;
        }
        if let (Some(output), Some(Ok(run))) = (&self.trace, &trace) {
            output.fill(|out| reports::render::trace::write(&result.cell.to_record(), run, out))?;
            output.file().iter().for_each(|file| say(format_args!("trace: {}", file.display())));
        }
        if self.json {
            print_json(result.json())?;
        } else {
            result.warnings.iter().for_each(|warning| say(format_args!("warning: {warning}")));
            let text = result.text(entry.unit);
            if is_printed { say(text.trim_end()) } else { print(text)? }
        }
        match trace {
            Some(Err(reason)) => {
                Err(Exit::NotVerified
                    .error(format!("no trace is written: the traced run of {}: {reason}", self.strategy)))
            }
            _ => result.exit(self.output.as_ref()),
        }
    }

    /// Returns the files that this command writes.
    fn outputs(&self) -> impl Iterator<Item = &Output> {
        self.output.iter().chain(&self.trace)
    }

    /// Refuses outputs that would mix, and a trace of the plain loop.
    fn refuse_outputs(&self) -> Result<()> {
        let json = self.json.then_some("--json");
        let printed = self.outputs().filter(|output| output.is_standard_output()).map(Output::option);
        if let [one, other, ..] = json.into_iter().chain(printed).collect::<Vec<_>>()[..] {
            let sentence = format!("{one} and {other} both go to the standard output; name a file for one");
            return Err(Exit::Usage.error(sentence));
        }
        let files: Vec<&Path> = self.outputs().filter_map(Output::file).collect();
        if let [one, other] = files[..]
            && full(one) == full(other)
        {
            return Err(Exit::Usage.error("--output and --trace name the same file; name another one"));
        }
        if self.trace.is_some() && self.strategy == BASELINE {
            return Err(Exit::Usage.error("the baseline has no jobs, so it has no trace; name a strategy"));
        }
        Ok(())
    }

    /// Traces one more run of a cell, in a process of its own. The inner error is the reason why there is no trace.
    fn traced(
        &self,
        cell: &Cell,
        baseline: &Samples,
        prepared: &Prepared,
        interrupt: &Interrupt,
    ) -> Result<Result<TracedRun, String>> {
        let order = Order {
            spans: MOST_SLICES,
            baseline_cpu_ns: Some(baseline_cpu_ns(baseline)),
            ..Order::for_cell(cell, &prepared.inputs, &machine::processors(), 1)?
        };
        let wrong = |digest: &str, _: &[(String, String)]| {
            let reason = || format!("its answer has the digest {digest}, the baseline's has {}", baseline.digest);
            (digest != baseline.digest).then(|| Failure::of(Status::Wrong, Fault::WrongAnswer, reason()))
        };
        let traced = child::trace(&order, Duration::from_secs_f64(self.patience), interrupt, wrong)?;
        let Some(traced) = traced else { bail!("interrupted") };
        Ok(traced.map_err(|failure| failure.reason))
    }

    /// Measures a cell in one child process and adds what it measured to `samples`. The inner error is the reason why
    /// the process failed.
    fn add_process(
        &self,
        cell: &Cell,
        samples: &mut Samples,
        baseline: Option<&Samples>,
        output: Option<&Path>,
        prepared: &Prepared,
        interrupt: &Interrupt,
    ) -> Result<Result<(), String>> {
        let mut order = Order::for_cell(cell, &prepared.inputs, &machine::processors(), self.samples)?;
        order.heartbeat = self.heartbeat;
        // One process writes the total, because writing a large file would disturb the processes after it.
        order.output = baseline.filter(|_| samples.processes.is_empty()).and(output).map(Path::to_owned);
        order.baseline_cpu_ns = baseline.map(baseline_cpu_ns);
        let mut process = Vec::new();
        let end = child::measure(&order, Duration::from_secs_f64(self.patience), interrupt, |message| {
            match message {
                Message::WarmedUp { digest, figures, .. } => samples.note_answer(digest, figures, baseline),
                Message::Sample { digest, figures, times, unfair, .. } => {
                    process.push(*times);
                    samples.unfair = samples.unfair.take().or(unfair.map(|(_, reason)| reason));
                    samples.note_answer(digest, figures, baseline);
                }
                Message::Unfair { reason, .. } => samples.unfair = samples.unfair.take().or(Some(reason)),
                Message::Started { .. } | Message::Failed { .. } => {}
            }
            Ok(())
        })?;
        samples.processes.push(process);
        match end {
            End::Done => Ok(Ok(())),
            End::Failed(failure) => Ok(Err(failure.reason)),
            End::Interrupted => bail!("interrupted"),
        }
    }
}

fn baseline_cpu_ns(baseline: &Samples) -> u64 {
    let times = median(&baseline.times());
    times.user_ns + times.system_ns
}

/// The most spans of the trace. Every program that shows traces opens as many.
const MOST_SLICES: usize = 200_000;

/// Returns a path without links, as far as the file or its folder exists.
fn full(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let in_folder = || Some(folder.canonicalize().ok()?.join(path.file_name()?));
    path.canonicalize().ok().or_else(in_folder).unwrap_or_else(|| path.to_owned())
}

/// The time after which no further process begins, unless the user gave their number.
const LONGEST: Duration = Duration::from_secs(60);

/// Returns the sentences of the checks that warn or refuse, the worst first. If a check warns before and after the
/// measurement, only the second sentence counts, because it is about the measurement itself.
fn warnings(before: Vec<Check>, after: Vec<Check>) -> Vec<String> {
    let warns = |check: &Check| check.verdict >= Verdict::Warn;
    let again = |check: &Check| after.iter().any(|later| later.name == check.name && warns(later));
    let before = before.into_iter().filter(|check| warns(check) && !again(check)).collect::<Vec<_>>();
    let all = before.into_iter().chain(after.iter().filter(|check| warns(check)).cloned()).collect();
    worst_first(all).into_iter().map(|check| check.sentence).collect()
}

/// The file into which the measuring process writes the total.
struct Total<'a> {
    output: &'a Output,
    /// Takes the total if the measuring process cannot write the output itself.
    between: Option<NamedTempFile>,
}

impl<'a> Total<'a> {
    fn new(output: &'a Output) -> Result<Self> {
        let between = match output.file() {
            Some(_) => None,
            None => Some(NamedTempFile::with_prefix("goldilocks-").context("cannot make a temporary file")?),
        };
        let is_text = between.as_ref().is_none_or(|between| between.path().to_str().is_some());
        ensure!(is_text, "the folder for temporary files is not UTF-8: set TMPDIR to another one");
        Ok(Total { output, between })
    }

    fn file(&self) -> &Path {
        self.between.as_ref().map(NamedTempFile::path).or(self.output.file()).unwrap_or(Path::new(""))
    }

    /// Copies the total to the output, unless it is there already.
    fn hand_over(&self) -> Result<()> {
        let Some(between) = &self.between else { return Ok(()) };
        let mut total = File::open(between.path()).context("cannot read the temporary file of the total")?;
        self.output.fill(|out| std::io::copy(&mut total, out).map(|_| ()))
    }
}
