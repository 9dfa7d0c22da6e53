//! Parsers for option values, with an error message for each invalid value.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use std::str::FromStr;

/// Accepts the name of a task.
pub(crate) fn task() -> PossibleValuesParser {
    let added = crate::added().1.iter().map(|task| PossibleValue::new(task.name).hide(true));
    let listed = tasks::ALL.iter().map(|task| PossibleValue::new(task.name).help(task.about));
    PossibleValuesParser::new(listed.chain(added))
}

/// Accepts the name of a strategy.
pub(crate) fn strategy() -> PossibleValuesParser {
    PossibleValuesParser::new(strategies())
}

/// Accepts the name of a strategy, or `baseline`.
pub(crate) fn strategy_or_baseline() -> PossibleValuesParser {
    let baseline =
        PossibleValue::new(record::BASELINE).help("The task's plain loop on one thread, without partitions.");
    PossibleValuesParser::new(strategies().chain([baseline]))
}

fn strategies() -> impl Iterator<Item = PossibleValue> {
    let added = crate::added().0.iter().map(|strategy| PossibleValue::new(strategy.name).hide(true));
    let listed = crate::strategies().map(|strategy| PossibleValue::new(strategy.name).help(strategy.header().about));
    listed.chain(added)
}

/// Accepts one of `names` and parses it as the value with that name.
pub(crate) fn named<T>(names: impl Iterator<Item = &'static str>) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err = String> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names).try_map(|name| name.parse::<T>())
}

pub(crate) fn positive(text: &str) -> Result<u64, String> {
    match text.replace('_', "").parse() {
        Ok(0) | Err(_) => Err("expected a whole number of at least 1".to_owned()),
        Ok(number) => Ok(number),
    }
}

/// Accepts a number of cores that this process may use.
pub(crate) fn cores(text: &str) -> Result<u64, String> {
    let (number, available) = (positive(text)?, crate::machine::processors().len());
    match number <= available as u64 {
        true => Ok(number),
        false => Err(format!(
            "this process may use {}; for more threads than cores, pass `--workers {number}`",
            crate::counted(available as u64, "core")
        )),
    }
}

/// The maximum number of workers: far more than are useful, but few enough that every machine can start the threads.
const MOST_WORKERS: u64 = 1024;

pub(crate) fn workers(text: &str) -> Result<u64, String> {
    let number = positive(text)?;
    if number <= MOST_WORKERS { Ok(number) } else { Err(format!("expected a whole number from 1 to {MOST_WORKERS}")) }
}

/// Accepts a time with its unit and returns seconds.
pub(crate) fn seconds(text: &str) -> Result<f64, String> {
    let (number, unit) = text.split_at(text.find(char::is_alphabetic).unwrap_or(text.len()));
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
        Err("expected a time of 0 or more".to_owned())
    }
}

pub(crate) fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches('%').trim().parse::<f64>();
    match number {
        Ok(number) if (0.0..=100.0).contains(&number) => Ok(number),
        _ => Err("expected a percentage from 0 to 100, such as 2 or 0.5".to_owned()),
    }
}
