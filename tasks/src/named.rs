//! Names and values as text, for the record.

use std::collections::BTreeMap;

/// The options of a task, as the record has them.
pub(crate) fn options<const N: usize>(options: [(&str, String); N]) -> BTreeMap<String, String> {
    options.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The figures of an answer, in this order.
pub(crate) fn figures<const N: usize>(figures: [(&str, String); N]) -> Vec<(String, String)> {
    figures.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The word on the command line for one value of an option.
pub(crate) fn word(value: &impl clap::ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
