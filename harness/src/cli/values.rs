//! Parsers for option values, with an error message for each invalid value.

use crate::plan::limits;
use clap::builder::{PathBufValueParser, PossibleValue, PossibleValuesParser, TypedValueParser};
use std::path::PathBuf;
use std::str::FromStr;

/// Accepts the name of a task.
pub(crate) fn task() -> PossibleValuesParser {
    let added = crate::added().1.iter().map(|task| PossibleValue::new(task.name).hide(true));
    let listed = tasks::ALL.iter().map(|task| PossibleValue::new(task.name).help(task.about));
    PossibleValuesParser::new(listed.chain(added))
}

/// The value that means the whole catalogue.
pub(crate) const ALL: &str = "all";

/// Accepts the name of a strategy, or [`ALL`].
pub(crate) fn strategy_or_all() -> PossibleValuesParser {
    PossibleValuesParser::new(strategies().chain([PossibleValue::new(ALL).help("The whole catalogue.")]))
}

/// Accepts the name of a strategy, or `baseline`.
pub(crate) fn strategy_or_baseline() -> PossibleValuesParser {
    let baseline =
        PossibleValue::new(record::BASELINE).help("The task's plain loop on one thread, without partitions.");
    PossibleValuesParser::new(strategies().chain([baseline]))
}

fn strategies() -> impl Iterator<Item = PossibleValue> {
    let added = crate::added().0.iter().map(|strategy| PossibleValue::new(strategy.name).hide(true));
    // Exercises are accepted. A list of what can be measured would not gain by strategies that fail.
    let is_hidden = |name: &str| exercises::ALL.iter().any(|exercise| exercise.name == name);
    let value = move |name| PossibleValue::new(name).hide(is_hidden(name));
    let listed = crate::strategies().map(move |strategy| value(strategy.name).help(strategy.header().about));
    listed.chain(added)
}

/// Accepts one of `names` and parses it as the value with that name.
pub(crate) fn named<T>(names: impl Iterator<Item = &'static str>) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err = String> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names).try_map(|name| name.parse::<T>())
}

/// Accepts a path that a plan and a record can hold.
pub(crate) fn path() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| match path.to_str() {
        Some(_) => Ok(path),
        None => Err("it is not UTF-8, and a plan and a record must name it; rename it, or give it a link"),
    })
}

pub(crate) fn positive(text: &str) -> Result<u64, String> {
    limits::at_least_one(text.replace('_', "").parse().unwrap_or(0))
}

/// Accepts a number of timed runs in a process.
pub(crate) fn samples(text: &str) -> Result<u32, String> {
    positive(text).and_then(limits::samples)
}

/// Accepts a number of cores that this process may use.
pub(crate) fn cores(text: &str) -> Result<u64, String> {
    positive(text).and_then(limits::cores)
}

pub(crate) fn workers(text: &str) -> Result<u64, String> {
    limits::workers(text.replace('_', "").parse().unwrap_or(0))
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
    limits::seconds(number * unit)
}

pub(crate) fn percent(text: &str) -> Result<f64, String> {
    limits::percent(text.trim_end_matches('%').trim().parse().unwrap_or(f64::NAN))
}
