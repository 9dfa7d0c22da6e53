//! Names and values as text, for the record.

use std::collections::BTreeMap;
use strategies::{Combine, Error};

/// Makes the options of a task for the record.
pub(crate) fn options<const N: usize>(options: [(&str, String); N]) -> BTreeMap<String, String> {
    options.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Makes the figures of an answer, in the given order.
pub(crate) fn figures<const N: usize>(figures: [(&str, String); N]) -> Vec<(String, String)> {
    figures.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Returns the command-line word for a value of an option.
pub(crate) fn word(value: &impl clap::ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// Makes the error for a way to keep the total that a task does not have.
pub(crate) fn no_state(task: &str, kind: Combine, states: &[Combine]) -> Error {
    let names: Vec<&str> = states.iter().map(|state| state.name()).collect();
    Error::task(format!("{task} cannot keep its total in `{kind}`; it can in {}", names.join(", ")))
}
