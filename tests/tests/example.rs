//! The example report in `docs`: it is what the kept record gives today, and README shows its picture.

use record::{Status, Verdict};
use reports::analysis::Analysis;
use reports::render::html;
use std::fs::{read, read_to_string};
use std::path::PathBuf;
use testbed::workspace;

fn kept(name: &str) -> PathBuf {
    workspace().join("docs/example").join(name)
}

#[test]
fn the_example_is_what_its_record_gives_today() {
    let record = record::read(kept("run.jsonl")).expect("the record is kept");
    let page = html::page(&Analysis::new(&record)).expect("a page");
    // A message with both texts would fill many screens.
    let same = page == read_to_string(kept("report.html")).expect("the page is kept");
    assert!(same, "docs/example/report.html is not what docs/example/run.jsonl gives; `just example` writes it again");
}

#[test]
fn the_example_is_a_quiet_run_in_which_every_answer_is_verified() {
    let record = record::read(kept("run.jsonl")).expect("the record is kept");
    let ended = record.ended.as_ref().expect("the sweep ended");
    assert!(!ended.interrupted && record.torn.is_none());
    let checks = || record.run.checks.iter().chain(&ended.checks);
    let warned: Vec<&str> = checks().filter(|it| it.verdict >= Verdict::Warn).map(|it| it.name.as_str()).collect();
    assert_eq!(warned, [""; 0]);
    assert!(record.samples.iter().all(|sample| sample.status == Status::Verified));
}

#[test]
fn the_picture_is_small_and_readme_shows_it() {
    let picture = read(kept("picture.png")).expect("the picture is kept");
    assert!(picture.starts_with(b"\x89PNG\r\n"));
    assert!(picture.len() <= 150_000, "{} bytes: `just example` writes it again", picture.len());
    let readme = read_to_string(workspace().join("README.md")).expect("there is one");
    for link in ["](docs/example/picture.png)", "](docs/example/report.html)"] {
        assert!(readme.contains(link), "{link}");
    }
}
