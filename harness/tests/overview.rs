//! The list of all runs and the page of a comparison, as the program writes them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder with two runs that can be read and one that cannot.
fn runs() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lib/record/tests/records/v5.jsonl");
    let record = fs::read_to_string(kept).expect("the record is kept");
    for (id, text) in
        [("20260101-a", record.as_str()), ("20260102-b", "{\"kind\":\"nothing\"}\n"), ("20260103-c", &record)]
    {
        let run = folder.path().join(id);
        fs::create_dir(&run).expect("a folder");
        fs::write(run.join("run.jsonl"), text).expect("a record");
    }
    folder
}

fn goldilocks(runs: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(PathBuf::from(env!("CARGO_BIN_EXE_goldilocks")));
    command.args(arguments).arg("--runs").arg(runs).current_dir(runs).output().expect("the binary starts")
}

fn index(runs: &Path) -> String {
    fs::read_to_string(runs.join("index.html")).expect("the list was written")
}

#[test]
fn a_report_writes_the_list_of_runs_again() {
    let folder = runs();
    let reported = goldilocks(folder.path(), &["report", "20260101-a"]);
    assert!(reported.status.success(), "{}", String::from_utf8_lossy(&reported.stderr));
    let text = String::from_utf8_lossy(&reported.stdout);
    assert!(
        text.contains("index.html") && text.lines().all(|line| line.chars().count() <= 80 || line.contains('/')),
        "{text}"
    );
    let first = index(folder.path());
    assert!(first.contains("href=\"20260101-a/report.html\"") && !first.contains("href=\"20260103-c/"), "{first}");
    assert!(first.contains("20260102-b") && first.contains("cannot be read"), "{first}");
    assert!(goldilocks(folder.path(), &["report", "20260103-c"]).status.success());
    assert!(index(folder.path()).contains("href=\"20260103-c/report.html\""));
}

#[test]
fn a_kept_summary_is_used_until_the_record_changes() {
    let folder = runs();
    assert!(goldilocks(folder.path(), &["report"]).status.success());
    let kept = folder.path().join("20260101-a/summary.json");
    let text = fs::read_to_string(&kept).expect("a summary is kept");
    fs::write(&kept, text.replace("AMD", "kept AMD")).expect("our own file");
    assert!(goldilocks(folder.path(), &["report"]).status.success());
    assert!(index(folder.path()).contains("kept AMD"), "{text}");
    let record = folder.path().join("20260101-a/run.jsonl");
    let shorter = fs::read_to_string(&record).expect("a record");
    let shorter = shorter.trim_end().rsplit_once('\n').expect("many lines").0.to_owned();
    fs::write(&record, shorter + "\n").expect("our own file");
    fs::write(folder.path().join("20260103-c/summary.json"), "{").expect("our own file");
    assert!(goldilocks(folder.path(), &["report"]).status.success());
    assert!(!index(folder.path()).contains("kept AMD"));
}

#[test]
fn a_page_of_another_program_is_never_replaced() {
    let folder = runs();
    fs::write(folder.path().join("index.html"), "<title>mine</title>").expect("our own folder");
    let reported = goldilocks(folder.path(), &["report", "20260101-a"]);
    assert!(reported.status.success());
    let said = String::from_utf8_lossy(&reported.stderr).into_owned();
    assert!(said.contains("a page that goldilocks did not write has this name"), "{said}");
    assert_eq!(index(folder.path()), "<title>mine</title>");
    // The folder of a run that lies elsewhere gets no list beside it.
    let other = tempfile::tempdir().expect("a temporary folder");
    let run = folder.path().join("20260101-a");
    let reported = goldilocks(other.path(), &["report", run.to_str().expect("a name")]);
    assert!(reported.status.success() && reported.stderr.is_empty());
    assert_eq!(fs::read_dir(other.path()).expect("our own folder").count(), 0);
}

#[test]
fn a_comparison_can_be_written_as_a_page() {
    let folder = runs();
    let compare = |more: &[&str]| goldilocks(folder.path(), &[&["compare", "20260101-a", "20260103-c"], more].concat());
    let compared = compare(&["--html"]);
    assert!(compared.status.success(), "{}", String::from_utf8_lossy(&compared.stderr));
    let page = fs::read_to_string(folder.path().join("compare-20260101-a-20260103-c.html")).expect("a page");
    let text = String::from_utf8_lossy(&compared.stdout).into_owned();
    assert!(text.contains("compare-20260101-a-20260103-c.html"), "{text}");
    let alone = compare(&["--html", "-"]);
    assert_eq!(String::from_utf8_lossy(&alone.stdout), page, "nothing else is on the standard output");
    assert!(compare(&["--html", "other.html"]).status.success());
    assert_eq!(fs::read_to_string(folder.path().join("other.html")).expect("a page"), page);
    for (more, code) in [
        (&["--html", "nowhere/page.html"][..], 2),
        (&["--html", "20260101-a/run.jsonl"], 2),
        (&["--html", "20260101-a"], 2),
        (&["--html", "--json"], 2),
        (&["--html", "/dev/full"], 1),
    ] {
        let refused = compare(more);
        assert_eq!(refused.status.code(), Some(code), "{more:?}: {}", String::from_utf8_lossy(&refused.stderr));
    }
}

#[test]
fn runs_are_listed_in_80_columns() {
    let folder = runs();
    let listed = goldilocks(folder.path(), &["runs"]);
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.status.success() && text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let ids: Vec<&str> = text.lines().filter(|line| !line.starts_with(' ')).filter_map(|line| line.get(..10)).collect();
    assert_eq!(ids, ["20260103-c", "20260102-b", "20260101-a"]);
}
