//! The output and the exit codes of `runs`, `export` and `compare`, and where runs and data go.

#[path = "../../reports/tests/synthetic/mod.rs"]
mod synthetic;

use record::{Line, Record, Status};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use synthetic::Synthetic;

/// Returns a folder with three runs: a record of version 1, a copy of it, and a record with different data.
fn runs() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lib/record/tests/records/v1.jsonl");
    let record = std::fs::read_to_string(kept).expect("the record is kept");
    let other = record.replace("39433fb4632b94bb90afcd4c35e9c915-4096", "another-digest");
    assert_ne!(record, other);
    for (id, record) in [("one", &record), ("again", &record), ("other", &other)] {
        let run = folder.path().join(id);
        std::fs::create_dir(&run).expect("a folder");
        std::fs::write(run.join("run.jsonl"), record).expect("a record");
    }
    folder
}

fn goldilocks(runs: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(PathBuf::from(env!("CARGO_BIN_EXE_goldilocks")));
    command.args(arguments).arg("--runs").arg(runs).output().expect("the binary starts")
}

#[test]
fn comparable_runs_are_compared() {
    let runs = runs();
    let output = goldilocks(runs.path(), &["compare", "one", "again"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("count: no difference shown in 3 cells; 2 cells not compared."), "{text}");
    let json = goldilocks(runs.path(), &["compare", "one", "again", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(json["tasks"][1]["task"], "virtual_work");
}

#[test]
fn incomparable_runs_are_refused_with_a_reason() {
    let runs = runs();
    let output = goldilocks(runs.path(), &["compare", "one", "other"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("count: the answer’s digest differs: 39433fb4632b94bb90afcd4c35e9c915-4096 in A"), "{said}");
    let json = goldilocks(runs.path(), &["compare", "one", "other", "--json"]);
    assert_eq!(json.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(json["refused"].as_array().map(Vec::len), Some(1));
    assert_eq!(goldilocks(runs.path(), &["compare", "one", "none"]).status.code(), Some(1));
}

#[test]
fn runs_are_listed_newest_first_and_an_unknown_id_names_them() {
    let runs = runs();
    let output = goldilocks(runs.path(), &["runs"]);
    let text = String::from_utf8_lossy(&output.stdout);
    let ids: Vec<&str> = text.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(ids, ["other", "one", "again"]);
    assert!(text.lines().all(|line| line.contains("count, virtual_work; ") && line.contains("68 samples")), "{text}");
    for command in ["report", "export", "peers"] {
        let output = goldilocks(runs.path(), &[command, "twenty"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            said.contains("no run `twenty`") && said.contains("the newest: other, one, again; "),
            "{command}: {said}"
        );
    }
}

#[test]
fn compare_takes_the_two_newest_runs_by_default() {
    let runs = runs();
    let said = String::from_utf8_lossy(&goldilocks(runs.path(), &["compare"]).stderr).into_owned();
    assert!(said.contains("/one, B is ") && said.contains("the answer’s digest differs"), "{said}");
    std::fs::remove_dir_all(runs.path().join("other")).expect("our own folder");
    assert!(goldilocks(runs.path(), &["compare"]).status.success());
    assert!(goldilocks(runs.path(), &["compare", "again"]).status.success(), "the newest is the other one");
    std::fs::remove_dir_all(runs.path().join("one")).expect("our own folder");
    let output = goldilocks(runs.path(), &["compare"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("again is the only run"), "{said}");
}

#[test]
fn data_go_to_the_checkout_or_else_to_the_users_folder_which_is_said_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| folder.path().join(name);
    for name in ["elsewhere", "checkout/harness", "checkout/datasets", "checkout/deep/below"] {
        std::fs::create_dir_all(at(name)).expect("our own folder");
    }
    for part in ["harness", "datasets"] {
        std::fs::write(at("checkout").join(part).join("Cargo.toml"), "").expect("our own folder");
    }
    let make = |place: &str, recipes: Option<PathBuf>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_goldilocks"));
        command.args(["data", "grams", "--size", "1KB"]).current_dir(at(place)).env("XDG_DATA_HOME", at("home"));
        command.env_remove("GOLDILOCKS_RECIPES").envs(recipes.map(|folder| ("GOLDILOCKS_RECIPES", folder)));
        let output = command.output().expect("the binary starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        let made = PathBuf::from(String::from_utf8(output.stdout).expect("a path").trim_end());
        assert!(at(place).join(&made).is_file(), "{}", made.display());
        (made.parent().expect("it is in a folder").to_owned(), said.contains("runs and data go to "))
    };
    assert_eq!(make("elsewhere", None), (at("home/goldilocks/data"), true));
    assert_eq!(make("elsewhere", None), (at("home/goldilocks/data"), false));
    assert_eq!(make("checkout", None), (PathBuf::from("datasets/generated"), false));
    assert_eq!(make("checkout/deep/below", None), (at("checkout/datasets/generated"), false));
    assert_eq!(make("elsewhere", Some(at("checkout"))), (at("checkout/datasets/generated"), false));
    assert_eq!(
        std::fs::read_dir(at("elsewhere")).expect("our own folder").count(),
        0,
        "nothing is made where one stands"
    );
}

#[test]
fn a_run_is_exported_to_a_file_or_to_the_terminal() {
    let runs = runs();
    let path = runs.path().join("samples.csv");
    let output = goldilocks(runs.path(), &["export", "one", "--output", path.to_str().expect("UTF-8")]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let written = std::fs::read(&path).expect("the table");
    assert_eq!(written, goldilocks(runs.path(), &["export", "one"]).stdout);
    assert_eq!(written.iter().filter(|byte| **byte == b'\n').count(), 1 + 68);
}

/// Returns a run of one task with `blocks` blocks. Each session draws different times from the same distribution.
fn run(session: u64, blocks: u32) -> Record {
    let mut record = Synthetic { sizes: 1, blocks, failures: false, session, ..Synthetic::default() }.record();
    record.run.tasks.truncate(1);
    let task = record.run.tasks[0].name.clone();
    record.samples.retain(|sample| sample.cell.task == task);
    record
}

/// Scales rayon's times in `record` to `percent` per cent.
fn with_rayon(mut record: Record, percent: u64) -> Record {
    for sample in record.samples.iter_mut().filter(|sample| sample.cell.strategy == "rayon") {
        let times = sample.times.as_mut().expect("no failures here");
        times.wall_ns = times.wall_ns * percent / 100;
    }
    record
}

/// Makes one sample of rayon in `record` wrong.
fn with_a_wrong_answer(mut record: Record) -> Record {
    let sample = record.samples.iter_mut().find(|sample| sample.cell.strategy == "rayon").expect("rayon");
    (sample.status, sample.times) = (Status::Wrong, None);
    record
}

fn save(record: &Record, folder: &Path) {
    std::fs::create_dir(folder).expect("a folder");
    let samples = record.samples.iter().cloned().map(|sample| Line::Sample(Box::new(sample)));
    let lines = std::iter::once(Line::Run(Box::new(record.run.clone()))).chain(samples);
    let text: String = lines.map(|line| serde_json::to_string(&line).expect("a line") + "\n").collect();
    std::fs::write(folder.join("run.jsonl"), text).expect("a record");
}

#[test]
fn exit_code_is_4_if_slower_3_if_undecided_and_0_otherwise() {
    let cases: [(&str, Record, &str, i32, &[&str]); 8] = [
        ("equal", run(8, 10), "10", 0, &["No cell is slower in B by more than 10 %."]),
        ("faster", with_rayon(run(8, 10), 60), "10", 0, &["No cell is slower"]),
        (
            "slower",
            with_rayon(run(8, 10), 130),
            "10",
            4,
            &["slower in B by more than 10 %: 2 cells (", "rayon on 1 core: 1."],
        ),
        ("slower, but allowed", with_rayon(run(8, 10), 130), "60", 0, &["No cell is slower"]),
        (
            "at the limit",
            with_rayon(run(8, 10), 130),
            "30",
            3,
            &["undecided at 30 %: 2 cells (", "--resume RUN --budget TIME`"],
        ),
        ("too few blocks to see it", with_rayon(run(8, 4), 130), "10", 3, &["undecided at 10 %: ", "--resume RUN"]),
        ("too few blocks, equal", run(8, 2), "10", 3, &["undecided at 10 %: ", "too few blocks"]),
        ("failed", with_a_wrong_answer(run(8, 10)), "10", 3, &["rayon on", "1 of 20 samples failed in B"]),
    ];
    for (what, b, percent, code, words) in cases {
        let runs = tempfile::tempdir().expect("a temporary folder");
        save(&run(7, 10), &runs.path().join("a"));
        save(&b, &runs.path().join("b"));
        let output = goldilocks(runs.path(), &["compare", "a", "b", "--fail-on-slower", percent]);
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
        assert_eq!(output.status.code(), Some(code), "{what}: {said}");
        assert!(words.iter().all(|words| said.contains(words)), "{what}: {said}");
    }
}

#[test]
fn comparison_without_a_limit_always_exits_with_0() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    save(&run(7, 10), &runs.path().join("a"));
    save(&with_rayon(run(8, 10), 130), &runs.path().join("b"));
    assert_eq!(goldilocks(runs.path(), &["compare", "a", "b"]).status.code(), Some(0));
    assert_eq!(goldilocks(runs.path(), &["compare", "a", "b", "--fail-on-slower", "many"]).status.code(), Some(2));
}
