//! The whole analysis as JSON, and the schema that describes it.

use crate::analysis::{Analysis, SCHEMA, VERSION};

/// The analysis as JSON with line breaks.
pub fn json(analysis: &Analysis) -> String {
    serde_json::to_string_pretty(analysis).expect("an analysis has string keys and numbers for keys only") + "\n"
}

/// The JSON Schema (draft 2020-12) of [`json`]. `reports/schema/` keeps a copy for other programs.
pub fn schema() -> String {
    let mut schema = schemars::schema_for!(Analysis);
    schema.insert("title".into(), format!("{SCHEMA}, version {VERSION}").into());
    serde_json::to_string_pretty(&schema).expect("a schema has string keys only") + "\n"
}

/// The name of the schema's file in `reports/schema/`, one for each version.
pub fn file() -> String {
    format!("analysis-v{VERSION}.json")
}
