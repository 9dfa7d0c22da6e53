//! Names and values as text, for the record.

use std::collections::BTreeMap;

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
