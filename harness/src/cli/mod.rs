//! The command line: one file per command.

mod calls;
mod cell_list;
mod compare;
mod completions;
mod data;
mod doctor;
mod exit;
mod export;
mod list;
mod man;
mod measured;
mod options;
mod output;
mod peers;
mod report;
mod run;
mod runs;
mod setup;
mod states;
mod sweep;
mod values;
mod whole_job;

use self::exit::Exit;
use crate::measure::protocol::Order;
use crate::measure::{cell, image, last_words, worker};
use anyhow::{Context, Result};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;
use system::printing::say;

/// Parses and runs the command line. The binary only calls this function.
pub fn main() -> ExitCode {
    let cli = match Cli::parsed(std::env::args_os()) {
        Ok(cli) => cli,
        Err(usage) => return explain(&usage).into(),
    };
    let exit = cli.command.run().unwrap_or_else(|error| {
        let exit = Exit::of(&error);
        say(format_args!("{}{error:#}", if exit == Exit::Interrupted { "" } else { "error: " }));
        exit
    });
    exit.into()
}

/// Prints clap's message: help and version to standard output, a wrong command line to standard error.
fn explain(usage: &clap::Error) -> Exit {
    if usage.use_stderr() {
        // Without colours, because the message repeats the command line, which may hold escapes of a terminal.
        say(usage.render().to_string().trim_end());
        return Exit::Usage;
    }
    match usage.print() {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            say(format_args!("error: cannot write to the standard output: {error}"));
            Exit::Failed
        }
        _ => Exit::Done,
    }
}

/// Which concurrency strategy, on how many cores, with which partition size? Not too big, not too small.
///
/// Goldilocks runs the same tasks with interchangeable strategies on Linux. It verifies every answer, measures how long
/// each takes, and writes a report.
#[derive(Parser)]
// The last value of an option wins, even for lists, so that a user can override the options of a recipe.
#[command(name = "goldilocks", version, args_override_self = true)]
#[command(after_help = format!("\
Examples:
  goldilocks list                                     # every task and strategy
  goldilocks run --task count --strategy rayon        # one measurement, verified
  goldilocks sweep --tasks count --budget 1m          # every strategy, with a report

{}", exit::TABLE))]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

impl Cli {
    /// Returns the command line of the program. `run` and the side of Goldilocks in `peers` show the fastest choices by
    /// default, and `calls` those of the book.
    fn definition() -> clap::Command {
        let with = |choices: fn(&tasks::Hooks) -> &'static [(&'static str, &'static str)]| {
            move |command: clap::Command| {
                let choices = tasks::ALL.iter().flat_map(|task| choices(&task.hooks));
                choices
                    .fold(command, |command, (option, value)| command.mut_arg(option, |arg| arg.default_value(*value)))
            }
        };
        let command = Cli::command().mut_subcommand("run", with(|hooks| hooks.fastest));
        command.mut_subcommand("whole", with(|hooks| hooks.fastest)).mut_subcommand("calls", with(|hooks| hooks.book))
    }

    fn parsed(words: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Self, clap::Error> {
        Cli::from_arg_matches(&Cli::definition().try_get_matches_from(words)?)
    }
}

#[derive(Subcommand)]
enum Command {
    /// Lists every task and every strategy
    List(list::List),
    /// Runs one task with one strategy, verifies the answer and reports the time
    Run(run::Run),
    /// Shows what apply, map, gather and the other calls wait for, and when their results are usable
    Calls(calls::Calls),
    /// Measures tasks × strategies × core counts × partition sizes, and writes a report
    Sweep(sweep::Sweep),
    /// Looks for anything on this machine that would spoil a measurement, and says how to cure it
    Doctor(doctor::Doctor),
    /// Lists the runs, the newest first
    Runs(runs::Runs),
    /// Writes a run's report again
    Report(report::Report),
    /// Writes a run's samples as CSV, one row for each, failures included
    Export(export::Export),
    /// Compares two runs and states only the differences that the evidence supports
    Compare(compare::Compare),
    /// Times other programs at the same job: Python, DuckDB, Polars, mawk and the floors
    Peers(peers::Peers),
    /// Generates or fetches the input of tasks
    #[command(subcommand)]
    Data(data::Data),
    /// Makes sure that a PostgreSQL server is available, and installs one if necessary
    Setup(setup::Setup),
    /// Writes a completion script for a shell
    Completions(completions::Completions),
    /// Writes the manual page
    Man(man::Man),
    /// Does the whole job of `word_totals` in one process: one side of `peers`
    #[command(hide = true)]
    Whole(whole_job::WholeJob),
    /// Measures one cell: the child of `run` and `sweep`
    #[command(hide = true)]
    Cell,
    /// Serves partitions: the child of the strategy `processes`
    #[command(hide = true)]
    Worker,
}

impl Command {
    fn run(self) -> Result<Exit> {
        match self {
            Command::List(list) => list.run(),
            Command::Run(run) => run.run(),
            Command::Calls(calls) => calls.run(),
            Command::Sweep(sweep) => sweep.run(),
            Command::Doctor(doctor) => doctor.run(),
            Command::Runs(runs) => runs.run(),
            Command::Report(report) => report.run(),
            Command::Export(export) => export.run(),
            Command::Compare(compare) => compare.run(),
            Command::Peers(peers) => peers.run(),
            Command::Data(data) => data.run(),
            Command::Setup(setup) => Ok(setup.run()),
            Command::Completions(completions) => completions.run(&Cli::definition()),
            Command::Man(man) => man.run(Cli::definition()),
            Command::Whole(whole_job) => whole_job.run(),
            Command::Cell => measure_cell(),
            Command::Worker => worker::serve().map(|()| Exit::Done),
        }
    }
}

/// Reads an order from standard input, measures the cell and writes messages to standard output.
fn measure_cell() -> Result<Exit> {
    image::keep_name();
    last_words::keep_short();
    let mut lines = std::io::stdin().lines();
    let text = lines.next().transpose().context("cannot read the order")?.unwrap_or_default();
    let order: Order = serde_json::from_str(&text).context("`goldilocks cell` expects an order on its input")?;
    cell::measure(&order, |message| {
        let line = serde_json::to_string(message).unwrap_or_default();
        // If the parent is gone, there is nothing left to do.
        let _ = writeln!(std::io::stdout(), "{line}");
        // Wait until the parent has recorded the message. Recording takes processor time, which would disturb the next
        // sample.
        let _ = lines.next();
    });
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the command lines of the justfile, without the options that a recipe forwards.
    fn recipes() -> Vec<Vec<String>> {
        let text = include_str!("../../../justfile").replace("\\\n", " ");
        let values = [("$words", "100"), ("$zipf", "1.3"), ("$order", ",shuffled"), ("$work", "200")];
        let plain = values.iter().fold(text, |text, (name, value)| text.replace(name, value));
        let commands = plain.lines().filter_map(|line| line.split_once("{{ goldilocks }} "));
        let words = commands.map(|(_, words)| words.split_whitespace().take_while(|word| *word != "||"));
        let given = |word: &&str| !word.starts_with("\"$");
        words.map(|words| words.filter(given).map(str::to_owned).collect()).collect()
    }

    fn parsed(words: impl IntoIterator<Item = String>) -> Result<Command, clap::Error> {
        Cli::parsed(std::iter::once("goldilocks".to_owned()).chain(words)).map(|cli| cli.command)
    }

    #[test]
    fn every_recipe_parses_and_its_options_can_be_overridden() {
        let sweeps = recipes().into_iter().filter(|words| words.first().is_some_and(|word| word == "sweep"));
        let sweeps: Vec<Vec<String>> = sweeps.collect();
        assert!(sweeps.len() >= 3, "{sweeps:?}");
        for mut words in sweeps {
            words.extend(
                ["--budget", "20m", "--samples", "7", "--rows", "500", "--strategies", "rayon,processes"]
                    .map(str::to_owned),
            );
            let Ok(Command::Sweep(sweep)) = parsed(words.clone()) else { panic!("{words:?} is no sweep") };
            assert_eq!((sweep.budget, sweep.samples), (Some(1200.0), Some(7)), "the last value counts");
            assert_eq!(sweep.strategies, ["rayon", "processes"], "also for a list");
        }
    }

    #[test]
    fn run_uses_the_fastest_kernel_and_a_sweep_does_not_unless_told() {
        use tasks::word_totals::Kernel;
        let kernel = |words: &[&str]| match parsed(words.iter().map(|word| (*word).to_owned())) {
            Ok(Command::Run(run)) => run.inputs.word_totals.kernel,
            Ok(Command::Sweep(sweep)) => sweep.inputs.word_totals.kernel,
            Ok(_) => panic!("{words:?} is another command"),
            Err(error) => panic!("{words:?}: {error}"),
        };
        let run = ["run", "--task", "word_totals", "--strategy", "rayon"];
        assert_eq!(kernel(&run), Kernel::Runs);
        assert_eq!(kernel(&[&run[..], &["--kernel", "bytes"]].concat()), Kernel::Bytes);
        assert_eq!(kernel(&["sweep"]), Kernel::Bytes);
        assert_eq!(kernel(&["sweep", "--kernel", "runs"]), Kernel::Runs);
    }

    #[test]
    fn the_options_in_a_record_are_those_of_a_run_that_gives_the_same_record() {
        let parsed = |task: &str, more: Vec<String>| {
            let words = ["run", "--task", task, "--strategy", "rayon"].map(str::to_owned).into_iter().chain(more);
            let words: Vec<String> = words.collect();
            match self::parsed(words.clone()) {
                Ok(Command::Run(run)) => run.inputs,
                _ => panic!("{words:?} is no run"),
            }
        };
        let given = [
            ("count", ""),
            ("count", "--profile uneven --how-many 9 --increments 5"),
            ("count", "--numbers 1,2,3"),
            ("word_totals", "--input a.tsv --cold --kernel book --read map --word 'two words'"),
            ("word_totals", "--input 'b c.tsv'"),
            ("cursor_pages", "--rows 7 --depth 3"),
            ("cursor_ranges", ""),
            ("cursor_work", "--work-us 50 --rows 9"),
            ("noop", "--items 5"),
            ("virtual_work", "--spin --uneven-waits --waits 3"),
            ("virtual_work", ""),
            ("word_count", ""),
            ("word_count", "--text 'a b.txt' --split unicode"),
        ];
        for (name, options) in given {
            let entry = crate::find_task(name).expect("it is built in");
            let inputs = parsed(name, shlex::split(options).expect("quotes are closed"));
            let note = record::TaskNote {
                name: name.to_owned(),
                about: String::new(),
                unit: String::new(),
                options: (entry.options)(&inputs),
                items: None,
                sizes: Vec::new(),
                default_size: 1,
                sizing: String::new(),
                digest: String::new(),
                answer: Vec::new(),
                details: Vec::new(),
                grown: Vec::new(),
            };
            let again = (entry.options)(&parsed(name, note.arguments()));
            assert_eq!(again, note.options, "{name} {options}");
        }
    }

    /// Returns the examples from the help of each command. A command without subcommands has three.
    fn examples(command: &clap::Command) -> Vec<String> {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let own = help.lines().filter_map(|line| line.strip_prefix("  goldilocks ")).map(str::to_owned);
        let own: Vec<String> = own.collect();
        let visible = command.get_subcommands().filter(|command| !command.is_hide_set());
        let below: Vec<String> = visible.flat_map(examples).collect();
        let hidden = command.is_hide_set() || command.get_name() == "help";
        assert!(hidden || own.len() == 3 || !below.is_empty(), "{}: {own:?}", command.get_name());
        [own, below].concat()
    }

    #[test]
    fn every_example_parses() {
        Cli::definition().debug_assert();
        let examples = examples(&Cli::definition());
        assert!(examples.len() >= 3 * 14, "{examples:?}");
        for example in examples {
            let words = shlex::split(&example).expect("quotes are closed");
            let words: Vec<String> =
                words.into_iter().take_while(|word| !matches!(&**word, "|" | ">" | ">>" | "&&")).collect();
            if let Err(error) = parsed(words) {
                panic!("{example}: {error}");
            }
        }
    }
}
