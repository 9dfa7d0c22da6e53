//! The record's JSON Schema, derived from its types.

use crate::line::{Line, VERSION};

/// The JSON Schema (draft 2020-12) of one line of `run.jsonl`, as text.
///
/// The folder `schema/` has a copy for other programs.
pub fn schema() -> String {
    let mut schema = schemars::schema_for!(Line);
    schema.insert("title".into(), format!("One line of run.jsonl, version {VERSION}").into());
    let text = serde_json::to_string_pretty(&schema).expect("a schema has string keys only");
    text + "\n"
}

/// The schema's file name in `schema/`: one for each version of the format.
pub fn file() -> String {
    format!("run-v{VERSION}.json")
}
