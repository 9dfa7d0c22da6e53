//! The limits of a plan's values. The command line and a plan that is read from a file have the same ones.

use super::settings::Plan;
use crate::{counted, find_strategy, find_task, machine};
use clap::{Args, Command};
use serde_json::Value;
use tasks::Inputs;

/// The maximum number of workers: far more than are useful, but few enough that every machine can start the threads.
const MOST_WORKERS: u64 = 1024;

/// The most samples of a process: far more than are useful.
const MOST_SAMPLES: u64 = 1000;

/// The most planned blocks.
const MOST_STAGED: usize = 1000;

/// The longest run of a plan, in nanoseconds: a day.
const MOST_COST_NS: u64 = 86_400_000_000_000;

/// The longest time in seconds: 31 years. A longer one is a typing error, and does not fit into every type of time.
const MOST_SECONDS: f64 = 1e9;

/// Accepts a number of cores that this process may use.
pub(crate) fn cores(number: u64) -> Result<u64, String> {
    let available = machine::processors().len();
    match number <= available as u64 {
        true => at_least_one(number),
        false => Err(format!(
            "this process may use {}; for more threads than cores, pass `--workers {number}`",
            counted(available as u64, "core")
        )),
    }
}

pub(crate) fn workers(number: u64) -> Result<u64, String> {
    match at_least_one(number)? <= MOST_WORKERS {
        true => Ok(number),
        false => Err(format!("expected a whole number from 1 to {MOST_WORKERS}")),
    }
}

/// Accepts a number of samples in a process.
pub(crate) fn samples(number: u64) -> Result<u32, String> {
    match u32::try_from(number) {
        Ok(samples @ 1..) if number <= MOST_SAMPLES => Ok(samples),
        _ => Err(format!("expected a whole number from 1 to {MOST_SAMPLES}")),
    }
}

/// Accepts a number that a record can hold.
pub(crate) fn at_least_one(number: u64) -> Result<u64, String> {
    match number {
        0 => Err("expected a whole number of at least 1".to_owned()),
        1..=record::MOST => Ok(number),
        _ => Err(format!("expected a whole number of at most {}", record::MOST)),
    }
}

pub(crate) fn seconds(number: f64) -> Result<f64, String> {
    match number {
        0.0..=MOST_SECONDS => Ok(number),
        _ if number > MOST_SECONDS => Err(format!("expected a time of at most {MOST_SECONDS} s, 31 years")),
        _ => Err("expected a time of 0 or more".to_owned()),
    }
}

pub(crate) fn percent(number: f64) -> Result<f64, String> {
    match (0.0..=100.0).contains(&number) {
        true => Ok(number),
        false => Err("expected a percentage from 0 to 100, such as 2 or 0.5".to_owned()),
    }
}

/// Checks every value of a plan. An error names the field.
pub(super) fn check(plan: &Plan) -> Result<(), String> {
    let axes = &plan.axes;
    let any = |is_empty: bool| if is_empty { Err("expected at least one value".to_owned()) } else { Ok(()) };
    let counts = |counts: &[usize], check: fn(u64) -> Result<u64, String>| {
        counts.iter().try_for_each(|count| check(*count as u64).map(|_| ()).map_err(|why| format!("{count}: {why}")))
    };
    let sizes = axes.tasks.iter().try_for_each(|(task, sizes)| {
        find_task(task)
            .filter(|entry| entry.name == *task)
            .ok_or_else(|| format!("no task `{}`; `goldilocks list` names them all", short(task)))?;
        any(sizes.is_empty())?;
        sizes.iter().try_for_each(|size| at_least_one(*size).map(|_| ()).map_err(|why| format!("{size}: {why}")))
    });
    let strategies = plan.strategies().try_for_each(|strategy| match find_strategy(strategy) {
        Some(_) => Ok(()),
        None => Err(format!("no strategy `{}`; `goldilocks list` names them all", short(strategy))),
    });
    let staged = match plan.staging.blocks.len() <= MOST_STAGED && !plan.staging.blocks.iter().any(Vec::is_empty) {
        true => Ok(()),
        false => Err(format!("expected at most {MOST_STAGED} blocks, each with a stage")),
    };
    let times = plan.costs.values().flat_map(|cost| [cost.run_ns, cost.process_ns]);
    let costs = match times.max().unwrap_or_default() <= MOST_COST_NS {
        true => Ok(()),
        false => Err(format!("expected times of at most {MOST_COST_NS} ns")),
    };
    let whole = |number: u32| at_least_one(number.into()).map(|_| ()).map_err(|why| format!("{number}: {why}"));
    let time = |number: f64| seconds(number).map(|_| ()).map_err(|why| format!("{number:e}: {why}"));
    let share = |share: f64| percent(100.0 * share).map(|_| ()).map_err(|_| format!("{share}: expected 0 to 1"));
    let fields = [
        ("axes.tasks", any(axes.tasks.is_empty()).and(sizes)),
        ("axes.strategies", strategies),
        ("axes.cores", any(axes.cores.is_empty()).and_then(|()| counts(&axes.cores, cores))),
        ("axes.workers", counts(&axes.workers, workers)),
        ("axes.deliveries", any(axes.deliveries.is_empty())),
        ("axes.combines", any(axes.combines.is_empty())),
        ("samples", whole(plan.samples).and(samples(plan.samples.into()).map(|_| ()))),
        ("staging.blocks", staged),
        ("costs", costs),
        ("blocks", whole(plan.blocks)),
        ("budget_s", time(plan.budget_s)),
        ("patience_s", time(plan.patience_s)),
        ("precision", share(plan.precision)),
        ("inputs", inputs(&plan.inputs)),
    ];
    fields.into_iter().try_for_each(|(field, checked)| checked.map_err(|why| format!("{field}: {why}")))
}

/// Checks the options of tasks by giving them to the parser of the command line, so that each limit is written once.
fn inputs(inputs: &Inputs) -> Result<(), String> {
    let command = Inputs::augment_args(Command::new("plan"));
    let groups = serde_json::to_value(inputs).map_err(|error| error.to_string())?;
    let options =
        groups.as_object().into_iter().flat_map(|groups| groups.values()).filter_map(Value::as_object).flatten();
    let mut words = vec!["plan".to_owned()];
    for (name, value) in options {
        let option = command.get_arguments().find(|option| option.get_id() == name.as_str());
        let Some(option) = option.and_then(|option| option.get_long().filter(|_| is_open(option))) else { continue };
        let values = if let Value::Array(values) = value { values.as_slice() } else { std::slice::from_ref(value) };
        let values = values.iter().filter_map(|value| match value {
            Value::Number(number) => Some(number.to_string()),
            Value::String(text) => Some(text.clone()),
            // A switch has no wrong value, and what is a structure was checked when the plan was read.
            _ => None,
        });
        words.extend(values.map(|value| format!("--{option}={value}")));
    }
    let wrong = |error: clap::Error| {
        let text = error.to_string();
        short(text.lines().next().unwrap_or_default().trim_start_matches("error: "))
    };
    command.try_get_matches_from(words).map(|_| ()).map_err(wrong)
}

/// Whether an option accepts more than a few names. A plan with another name cannot be read at all.
fn is_open(option: &clap::Arg) -> bool {
    option.get_possible_values().is_empty()
}

/// The beginning of a text from a file, which may be of any length.
fn short(text: &str) -> String {
    const MOST: usize = 200;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
