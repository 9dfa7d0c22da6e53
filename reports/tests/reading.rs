//! What a record may look like, and what is refused with which words.

mod synthetic;

use record::{Error, Record};
use record::{Line, Moment, Peer, Status, VERSION};
use std::path::{Path, PathBuf};
use synthetic::Synthetic;

fn small() -> Record {
    Synthetic { cores: vec![1], sizes: 1, blocks: 1, samples: 1, ..Synthetic::default() }.record()
}

fn read(text: impl AsRef<[u8]>) -> (PathBuf, record::Result<Record>) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("run.jsonl");
    std::fs::write(&path, text).expect("a temporary file can be written");
    let record = record::read(&path);
    (path, record)
}

fn refusal(text: impl AsRef<[u8]>) -> String {
    let (path, record) = read(text);
    let error = record.expect_err("this is to be refused").to_string();
    assert!(error.starts_with(&path.display().to_string()), "{error}");
    error.replace(&path.display().to_string(), "run.jsonl")
}

#[test]
fn what_was_written_is_read_back() {
    let record = small();
    assert_eq!(read(synthetic::lines(&record)).1.expect("a sound record"), record);
}

#[test]
fn a_last_line_that_was_cut_off_is_left_out_and_reported() {
    let record = small();
    let text = synthetic::lines(&Record { ended: None, ..record.clone() });
    let cut = &text[..text.len() - 40];
    let read = read(cut).1.expect("only the last line is torn");
    assert_eq!(read.samples.len(), record.samples.len() - 1);
    assert!(read.torn.expect("the line is torn").contains("is incomplete"));
}

#[test]
fn a_last_line_cut_inside_a_letter_is_torn_too() {
    let mut text = synthetic::lines(&small()).into_bytes();
    text.extend(b"{\"kind\":\"skipped\",\"reason\":\"caf\xc3");
    assert!(read(text).1.expect("only the last line is torn").torn.is_some());
}

#[test]
fn a_last_line_without_a_line_break_counts_if_it_is_whole() {
    let record = small();
    let text = synthetic::lines(&record);
    assert_eq!(read(text.trim_end()).1.expect("a sound record"), record);
}

#[test]
fn a_broken_line_elsewhere_is_refused_with_its_number() {
    let text = synthetic::lines(&small());
    let mut lines: Vec<&str> = text.lines().collect();
    lines[2] = "{\"kind\":\"sample\",";
    let error = refusal(lines.join("\n") + "\n");
    assert!(error.starts_with("run.jsonl, line 3: this is not a line of a record: "), "{error}");
}

#[test]
fn a_file_that_does_not_start_with_a_run_is_refused() {
    assert!(refusal("").starts_with("run.jsonl, line 1: a record starts with a line of kind `run`"));
    assert!(refusal("{\"kind\":\"resumed\",\"at\":\"\"}\n").contains("of another kind"));
    let run = synthetic::lines(&small()).lines().next().expect("a run").to_owned();
    assert!(refusal(format!("{run}\n{run}\n")).contains("line 2: a second run starts here"));
}

#[test]
fn a_newer_version_is_refused_in_a_sentence_and_an_older_one_read() {
    let mut record = small();
    record.run.version = 0;
    assert_eq!(read(synthetic::lines(&record)).1.expect("older is fine").run.version, 0);

    let (path, newer) = read("{\"kind\":\"run\",\"version\":99,\"shape\":\"unknown\"}\n");
    let error = newer.expect_err("newer is refused");
    assert!(matches!(error, Error::Newer { found: 99, .. }));
    assert_eq!(
        error.to_string(),
        format!(
            "{} has format version 99, and this program reads versions up to {VERSION}: use the program that wrote it, \
             or a newer one",
            path.display()
        )
    );
}

#[test]
fn a_missing_file_is_named() {
    let error = record::read(Path::new("/nowhere/run.jsonl")).expect_err("there is no such file");
    assert!(error.to_string().starts_with("cannot read /nowhere/run.jsonl: "));
}

#[test]
fn a_verified_sample_must_have_a_time_and_the_right_answer() {
    let mut record = small();
    record.samples[0].times = None;
    assert!(refusal(synthetic::lines(&record)).contains("a verified sample has no times"));

    let mut record = small();
    record.samples[0].digest = "another".into();
    assert!(refusal(synthetic::lines(&record)).contains("digest another is not the task's"));

    let mut record = small();
    record.samples[0].status = Status::Wrong;
    record.samples[0].digest = "another".into();
    record.samples[0].times = None;
    assert!(read(synthetic::lines(&record)).1.is_ok());
}

#[test]
fn a_sample_that_is_there_twice_is_refused() {
    let mut record = small();
    let first = record.samples[3].clone();
    record.samples.push(first);
    let error = refusal(synthetic::lines(&record));
    let line = record.samples.len() + 1 + record.skipped.len();
    assert!(error.starts_with(&format!("run.jsonl, line {line}: sample 0 of ")), "{error}");
    assert!(error.contains("is in line ") && error.contains("two processes wrote this record at once"), "{error}");
}

#[test]
fn values_that_no_run_has_are_refused_with_their_field() {
    let text = synthetic::lines(&Record { peers: synthetic::peers(), ..Synthetic::default().record() });
    let long = format!("\"strategy\":\"{}\"", "x".repeat(100_000));
    for (old, new, field) in [
        ("\"budget_s\":", "\"budget_s\":1e308,\"was\":", "`budget_s` is 1e+308"),
        ("\"budget_s\":", "\"budget_s\":-5,\"was\":", "`budget_s` is -5"),
        ("\"budget_s\":", "\"budget_s\":NaN,\"was\":", "expected value"),
        ("\"sizes\":[", "\"sizes\":[],\"was\":[", "has no partition size"),
        ("\"run_ns\":", "\"run_ns\":18446744073709551615,\"was\":", "`times.run_ns` is 18446744073709551615"),
        ("\"run_ns\":", "\"run_ns\":-1,\"was\":", "`times.run_ns` is -1"),
        ("\"strategy\":\"rayon\"", &long, "`cell.strategy` has 100000 bytes"),
        ("\"wall_ns\":100000000", "\"wall_ns\":0", "a run of the peer `line_count` took no time"),
    ] {
        assert!(text.contains(old), "{old}");
        let error = refusal(text.replacen(old, new, 1));
        assert!(error.contains(field), "{error}");
    }
    // Any number is a seed.
    let mut record = small();
    record.run.seed = u64::MAX;
    assert_eq!(read(synthetic::lines(&record)).1.expect("a sound record"), record);
}

#[test]
fn an_end_before_the_beginning_is_remarked() {
    let mut record = small();
    let remarks = |record: &Record| {
        let banners = reports::analysis::Analysis::new(record).banners;
        banners.into_iter().filter(|banner| banner.about == "clock").map(|banner| banner.sentence).collect::<Vec<_>>()
    };
    assert_eq!(remarks(&record), [""; 0]);
    record.ended.as_mut().expect("it ended").at = "2001-01-01T00:00:00Z".into();
    assert!(remarks(&record)[0].contains("ended at 2001-01-01T00:00:00Z and began at"), "{:?}", remarks(&record));
}

#[test]
fn what_the_run_does_not_list_is_refused() {
    let mut record = small();
    record.samples[0].cell.task = "unheard_of".into();
    assert!(refusal(synthetic::lines(&record)).contains("the task `unheard_of`, which the run does not list"));
    let mut record = small();
    record.samples[0].cell.strategy = "unheard_of".into();
    assert!(refusal(synthetic::lines(&record)).contains("a sample is of the strategy `unheard_of`"));
}

#[test]
fn a_later_line_of_a_peer_takes_the_place_of_an_earlier_one() {
    let mut record = small();
    record.peers = synthetic::peers();
    let again = Peer { version: "2.1".into(), ..record.peers[4].clone() };
    record.peers.push(again.clone());
    let read_back = read(synthetic::lines(&record)).1.expect("a sound record");
    assert_eq!(read_back.peers.len(), record.peers.len() - 1);
    assert_eq!(read_back.peers.last(), Some(&again));

    record.peers[0].task = "unheard_of".into();
    assert!(refusal(synthetic::lines(&record)).contains("the peer `line_count` did the task `unheard_of`"));
}

#[test]
fn an_end_before_a_resumption_is_not_the_end() {
    let record = small();
    let resumed = Line::Resumed(Moment { at: "2025-11-02T11:00:00Z".into() });
    let text = synthetic::lines(&record) + &serde_json::to_string(&resumed).expect("strings only") + "\n";
    let read = read(text).1.expect("a sound record");
    assert_eq!((read.resumed, read.ended), (1, None));
}
