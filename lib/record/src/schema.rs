//! The record's JSON Schema, made from the types that write it.

use crate::line::{Line, VERSION};

/// The JSON Schema of one line of `run.jsonl`, in the draft 2020-12, as text with line breaks.
///
/// `reports/schema/` keeps it for readers that are not this program.
pub fn schema() -> String {
    let mut schema = schemars::schema_for!(Line);
    schema.insert("title".into(), format!("One line of run.jsonl, version {VERSION}").into());
    let text = serde_json::to_string_pretty(&schema).expect("a schema has string keys only");
    text + "\n"
}

/// The schema's file in `reports/schema/`: one for each version of the format.
pub fn file() -> String {
    format!("run-v{VERSION}.json")
}
