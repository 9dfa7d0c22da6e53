//! The record's format: its schema is kept, every line keeps to it, and version 1 stays readable for ever.

mod synthetic;

use jsonschema::Validator;
use record::{Boundary, BoundaryKind, Fault, Line, Moment, Status, VERSION};
use record::{Record, schema};
use reports::analysis::Analysis;
use reports::render::{csv as export, html, json};
use std::path::{Path, PathBuf};
use synthetic::Synthetic;

fn kept(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../lib/record").join(path)
}

fn text(path: &str) -> String {
    std::fs::read_to_string(kept(path)).expect("the file is kept")
}

/// A real record, written by the last program of version 1: two tasks, two strategies, one of which fails.
fn first_version() -> Record {
    record::read(kept("tests/records/v1.jsonl")).expect("version 1 is readable")
}

fn validator() -> Validator {
    let schema = serde_json::from_str(&text(&format!("schema/{}", schema::file()))).expect("the schema is JSON");
    jsonschema::validator_for(&schema).expect("the schema is one")
}

fn complaint(validator: &Validator, line: &str) -> Option<String> {
    let line = serde_json::from_str(line).expect("the line is JSON");
    validator.validate(&line).err().map(|error| error.to_string())
}

#[test]
fn the_schema_that_is_kept_is_what_the_types_give() {
    let kept = text(&format!("schema/{}", schema::file()));
    assert!(kept == schema::schema(), "the types have changed: `just schema` writes it anew; see lib/record/FORMAT.md");
}

#[test]
fn the_schema_of_the_analysis_that_is_kept_is_what_the_types_give() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema").join(json::file());
    let kept = std::fs::read_to_string(path).expect("the schema is kept");
    assert!(kept == json::schema(), "the types have changed: `just schema` writes it anew, and a break raises VERSION");
}

#[test]
fn tasks_of_an_older_record_get_the_details_that_they_have_now() {
    let record = first_version();
    let details = |name: &str| record.run.tasks.iter().find(|task| task.name == name).map(|task| task.details.len());
    assert_eq!((details("count"), details("virtual_work")), (Some(1), Some(0)));
}

#[test]
fn every_line_of_every_kind_and_version_keeps_to_the_schema() {
    let validator = validator();
    let mut record = Synthetic { sizes: 2, blocks: 3, trouble: true, ..Synthetic::default() }.record();
    record.peers = synthetic::peers();
    record.traces = synthetic::traces(&record);
    let machine = &mut record.run.machine;
    machine.boundaries = vec![Boundary { cores: 1, kind: BoundaryKind::Physical }];
    (machine.nodes, machine.input_nodes) = (vec![0, 1], vec![0.9, 0.1]);
    let resumed = Line::Resumed(Moment { at: "2025-11-02T11:00:00Z".into() });
    let resumed = serde_json::to_string(&resumed).expect("strings only");
    let lines = synthetic::lines(&record) + &text("tests/records/v1.jsonl") + &resumed;
    for kind in ["run", "sample", "skipped", "resumed", "ended", "peer", "trace"] {
        assert!(lines.contains(&format!("{{\"kind\":\"{kind}\"")), "no line of kind {kind} is tried");
    }
    for line in lines.lines() {
        assert_eq!(complaint(&validator, line), None, "{line}");
        assert!(serde_json::from_str::<Line>(line).is_ok(), "{line}");
    }
}

#[test]
fn what_is_not_a_line_does_not_keep_to_the_schema() {
    let validator = validator();
    let lines = synthetic::lines(&Synthetic { sizes: 1, blocks: 1, ..Synthetic::default() }.record());
    let sample = lines.lines().find(|line| line.contains("\"sample\"")).expect("a sample");
    for (from, to) in [
        ("\"kind\":\"sample\"", "\"kind\":\"simple\""),
        ("\"status\":\"verified\"", "\"status\":\"good\""),
        ("\"wall_ns\":", "\"wall\":"),
        ("\"block\":0", "\"block\":-1"),
        ("\"cores\":", "\"cores\":\"many\",\"more\":"),
    ] {
        assert!(sample.contains(from), "{from} is not in {sample}");
        assert!(complaint(&validator, &sample.replacen(from, to, 1)).is_some(), "{to}");
    }
}

#[test]
fn a_record_of_version_1_reads_and_what_it_lacks_is_absent() {
    let record = first_version();
    assert_eq!((record.run.version, record.samples.len()), (1, 68));
    assert_eq!(record.torn, None);
    assert!(record.run.checks.is_empty() && record.run.processors.is_empty() && record.run.unmeasured.is_empty());
    let failed = |sample: &&record::Sample| sample.status == Status::Failed;
    assert_eq!(record.samples.iter().filter(failed).count(), 8);
    for sample in &record.samples {
        assert_eq!((sample.fault, sample.warm_up_ns, sample.processors.len()), (None, None, 0));
        if let Some(times) = &sample.times {
            assert!(times.wall_ns > 0 && times.wall_ns == times.run_ns + times.reduce_ns);
            assert_eq!((times.migrations, times.cycles, times.energy_uj), (None, None, None));
            assert_eq!(times.census, None);
        }
    }
}

#[test]
fn a_record_of_version_1_has_a_page_that_says_what_it_lacks() {
    let record = first_version();
    let page = html::page(&Analysis::new(&record)).expect("a page");
    for words in [
        "the strategy stopped pulling jobs after 0",
        "it was not checked, or the record is too old to say",
        "Not measured, and the record does not say why: moved to another core, cycles, instructions, cache misses, energy.",
        "The record has no census of threads.",
        "<dt>record format</dt><dd>1</dd>",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert_eq!(page.matches("<svg class=\"chart\"").count(), 6);
    let results = &Analysis::new(&record).tasks[0].results;
    assert!(results.baseline.is_some() && results.cells.iter().filter(|result| result.sound).count() == 4);
}

/// A CSV file's rows, by the head of each column.
fn rows(csv: &[u8]) -> Vec<std::collections::BTreeMap<String, String>> {
    let mut reader = ::csv::Reader::from_reader(csv);
    reader.deserialize().map(|row| row.expect("every row has every column")).collect()
}

#[test]
fn the_numbers_of_a_table_are_those_of_the_record() {
    let synthetic = Synthetic { sizes: 2, blocks: 3, ..Synthetic::default() }.record();
    for record in [synthetic, first_version()] {
        let rows = rows(&export::csv(&record).expect("a table"));
        assert_eq!(rows.len(), record.samples.len());
        for (row, sample) in rows.iter().zip(&record.samples) {
            // Everything in the record's line that is a number or a word stands in the column of its name.
            let line = serde_json::to_value(sample).expect("a sample is JSON");
            let mut places = vec![&line, &line["cell"]];
            places.extend(line["times"].is_object().then_some(&line["times"]));
            for (name, value) in places.into_iter().flat_map(|place| place.as_object().expect("an object")) {
                let written = match value {
                    serde_json::Value::Object(_) => continue,
                    serde_json::Value::Null => continue,
                    serde_json::Value::String(text) => text.clone(),
                    serde_json::Value::Array(numbers) => {
                        numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
                    }
                    number => number.to_string(),
                };
                assert_eq!(row.get(name), Some(&written), "{name}");
            }
            let census = &line["times"]["census"];
            if census.is_object() {
                assert_eq!(row["census_alive"], census["alive"].to_string());
                let pools: serde_json::Value = serde_json::from_str(&row["census_pools"]).expect("pools are JSON");
                assert_eq!(pools, census["pools"]);
            } else {
                assert_eq!((&*row["census_looks"], &*row["census_pools"]), ("", ""));
            }
        }
    }
}

#[test]
fn a_failure_is_a_row_with_its_fault_its_reason_and_no_time() {
    let mut record = Synthetic { sizes: 1, blocks: 2, ..Synthetic::default() }.record();
    record.samples[0].status = Status::Unfair;
    record.samples[0].fault = Some(Fault::TooManyJobs);
    record.samples[0].reason = "3 jobs, \"2\" workers,\nand a second line".into();
    record.samples[0].times = None;
    let rows = rows(&export::csv(&record).expect("a table"));
    let row = &rows[0];
    assert_eq!((&*row["status"], &*row["fault"], &*row["wall_ns"]), ("unfair", "too_many_jobs", ""));
    assert_eq!(row["reason"], record.samples[0].reason);
    assert_eq!(rows.iter().filter(|row| row["status"] != "verified").count(), {
        record.samples.iter().filter(|sample| sample.status != Status::Verified).count()
    });
}

#[test]
fn the_document_names_every_column_and_this_version() {
    let document = text("FORMAT.md");
    let table: Vec<String> =
        export::COLUMNS.iter().map(|column| format!("| `{}` | {} |", column.name, column.meaning)).collect();
    assert!(document.contains(&table.join("\n")), "the table should be\n{}", table.join("\n"));
    assert!(document.contains(&schema::file()) && document.contains(&format!("## Version {VERSION}")));
}
