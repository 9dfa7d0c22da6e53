//! Tables as plain data.

use crate::format::NONE;

/// A table: what it shows, the heads of its columns, its rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// What it shows, in a sentence.
    pub caption: String,
    /// The columns' heads; the first is that of [`Row::name`].
    pub columns: Vec<&'static str>,
    /// The rows.
    pub rows: Vec<Row>,
}

impl Table {
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
    /// What the row is about.
    pub name: String,
    /// A remark beside the name, such as `fastest`; may be empty.
    pub remark: String,
    /// Whether the row belongs to those that lead.
    pub leads: bool,
    /// The other columns.
    pub entries: Vec<Entry>,
}

/// What stands in one column of one row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entry {
    /// The value.
    pub value: String,
    /// What qualifies it: the interval, or where it holds; may be empty.
    pub note: String,
    /// Why it is not the one value it seems to be; may be empty.
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
