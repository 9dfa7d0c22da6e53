//! Tables as plain data.

use crate::format::NONE;
use crate::view::glossary::{self, Term};

/// A table: caption, heads of the columns, rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// The caption in sentences.
    pub caption: String,
    /// The columns' heads. The first belongs to [`Row::name`].
    pub columns: Vec<&'static str>,
    /// The rows.
    pub rows: Vec<Row>,
}

impl Table {
    /// The terms among the heads of the columns.
    pub fn terms(&self) -> Vec<&'static Term> {
        glossary::of(self.columns.iter().copied())
    }

    /// The heads and the rows as text: `name (remark)`, then `value (note; doubt)` for each entry.
    pub fn texts(&self) -> Vec<Vec<String>> {
        let heads = self.columns.iter().map(|&head| head.to_owned()).collect();
        let row = |row: &Row| {
            let name = qualified(&row.name, &[&row.remark]);
            let entries = row.entries.iter().map(|entry| qualified(&entry.value, &[&entry.note, &entry.doubt]));
            std::iter::once(name).chain(entries).collect()
        };
        std::iter::once(heads).chain(self.rows.iter().map(row)).collect()
    }
}

fn qualified(value: &str, notes: &[&str]) -> String {
    let notes: Vec<&str> = notes.iter().copied().filter(|note| !note.is_empty()).collect();
    if notes.is_empty() { value.to_owned() } else { format!("{value} ({})", notes.join("; ")) }
}

/// A row of a table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Row {
    /// The name of the row.
    pub name: String,
    /// A remark beside the name, such as `fastest`; may be empty.
    pub remark: String,
    /// Whether the row is highlighted.
    pub leads: bool,
    /// The entries of the other columns.
    pub entries: Vec<Entry>,
}

/// The content of one column in one row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entry {
    /// The value.
    pub value: String,
    /// The note beside the value, such as its interval; may be empty.
    pub note: String,
    /// A doubt about the value, such as two kinds of processes; may be empty.
    pub doubt: String,
}

impl Entry {
    pub(crate) fn new(value: impl Into<String>, note: impl Into<String>) -> Self {
        Self { value: value.into(), note: note.into(), doubt: String::new() }
    }

    pub(crate) fn bare(value: impl Into<String>) -> Self {
        Self::new(value, "")
    }

    pub(crate) fn none() -> Self {
        Self::bare(NONE)
    }

    pub(crate) fn maybe(pair: Option<(String, String)>) -> Self {
        pair.map_or_else(Self::none, |(value, note)| Self::new(value, note))
    }
}
