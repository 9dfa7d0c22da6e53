//! A malformed 1-gram file is rejected with its name, the line number and the reason. The message is the same for every
//! strategy, kernel and partition size.

use rustix::fs::{CWD, Mode, mkfifoat};
use rustix::thread::{CapabilitySet, remove_capability_from_bounding_set};
use std::fs::Permissions;
use std::io::Write;
use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use strategies::{Cancel, Choice, Combine, Delivery, Error, Result, Strategy, Workers};
use tasks::Inputs;
use tasks::word_totals::{Kernel, Options};

const KERNELS: [Kernel; 3] = [Kernel::Book, Kernel::Bytes, Kernel::Runs];

/// Partition sizes: one line, a few lines, some hundred lines, and the whole file.
const SIZES: [usize; 4] = [1, 7, 400, usize::MAX];

/// A file that must be rejected.
struct Case {
    path: PathBuf,
    /// The line that the message names.
    line: u64,
    reason: String,
}

impl Case {
    fn sentence(&self) -> String {
        // Without a right line, the file may be anything.
        let expected =
            if self.line == 1 { format!("; {}", datasets::input::Kind::Grams.expected()) } else { String::new() };
        format!("{}, line {}: {}{expected}", self.path.display(), self.line, self.reason)
    }

    fn inputs(&self, kernel: Kernel) -> Inputs {
        inputs(&self.path, kernel)
    }
}

fn inputs(path: &Path, kernel: Kernel) -> Inputs {
    let word_totals =
        Options { input: Some(path.to_owned()), kernel, word: "Aardvark".to_owned(), ..Options::default() };
    Inputs { word_totals, ..Inputs::default() }
}

/// Returns 1000 valid lines. Neighbouring lines differ in length.
fn good_lines() -> Vec<String> {
    (0..1000).map(|number| format!("word{}\t{}\t{number}\t1\n", "s".repeat(number % 7), 1505 + number % 500)).collect()
}

/// Malformed lines, each with the reason that the message gives.
const MALFORMED: [(&str, &str); 26] = [
    ("", "the line is empty"),
    ("word", "the year is missing"),
    ("word\t1999", "the match_count is missing"),
    ("word\t1999\t5", "the volume_count is missing"),
    ("word 1999 5 1", "the year is missing"),
    ("word\t1999\t5\t1\t0", "there are more than four fields"),
    ("word\t1999\t5\t1\t", "there are more than four fields"),
    ("two\twords\t1999\t5\t1", "there are more than four fields"),
    ("\t1999\t5\t1", "the ngram is empty"),
    ("word\t\t5\t1", "the year is empty"),
    ("word\t1999\t\t1", "the match_count is empty"),
    ("word\t1999\t5\t", "the volume_count is empty"),
    ("word\tMCMXCIX\t5\t1", "the year is not a number: `MCMXCIX`"),
    ("word\t1999\tfive\t1", "the match_count is not a number: `five`"),
    ("word\t1999\t5\t1.0", "the volume_count is not a number: `1.0`"),
    ("word\t1999\t5 \t1", "the match_count is not a number: `5 `"),
    ("word\t1999\t0x5\t1", "the match_count is not a number: `0x5`"),
    ("word\t1999\t5\t٣", "the volume_count is not a number: `٣`"),
    ("word\t1999\t+5\t1", "the match_count is not a number: `+5`"),
    ("word\t-44\t5\t1", "the year is negative: `-44`"),
    ("word\t1999\t-5\t1", "the match_count is negative: `-5`"),
    ("word\t1999\t5\t-1", "the volume_count is negative: `-1`"),
    ("word\t18446744073709551616\t5\t1", "the year is beyond 18446744073709551615: `18446744073709551616`"),
    ("word\t1999\t18446744073709551616\t1", "the match_count is beyond 18446744073709551615: `18446744073709551616`"),
    ("word\t1999\t5\t99999999999999999999", "the volume_count is beyond 18446744073709551615: `99999999999999999999`"),
    ("word\t1999\t5\t1\r", CR_LF),
];

const CR_LF: &str = "the line ends in CR LF; remove the carriage returns, for instance with `tr -d '\\r'`";

const TOO_LARGE: &str = "with this line the total of `large` is beyond 18446744073709551615";

/// Writes every file that must be rejected to `folder`.
fn cases(folder: &Path) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |lines: String, line: u64, reason: &str| {
        let path = folder.join(format!("{}.tsv", cases.len()));
        std::fs::write(&path, lines).expect("a temporary folder can be written to");
        cases.push(Case { path, line, reason: reason.to_owned() });
    };
    let with = |changes: &[(usize, &str)]| {
        let mut lines = good_lines();
        for (line, text) in changes {
            lines[line - 1] = format!("{text}\n");
        }
        lines.concat()
    };
    for (text, reason) in MALFORMED {
        add(with(&[(617, text)]), 617, reason);
    }
    add(with(&[(1, "word")]), 1, "the year is missing");
    // The last line is cut off, as by an interrupted download. Then: an empty line after the last.
    add(with(&[(1000, "word\t1999\t5")]).trim_end().to_owned(), 1000, "the volume_count is missing");
    add(with(&[(1000, "word\t1999\t5\t1\n")]), 1001, "the line is empty");
    let endless = format!("word\t1999\t{}\t1", "x".repeat(100_000));
    add(with(&[(400, &endless)]), 400, &format!("the match_count is not a number: `{}`", "x".repeat(40)));
    add(with(&[]).replace('\n', "\r\n").replacen('\r', "", 1), 2, CR_LF);
    // Of several malformed lines the first is reported, wherever partitions begin.
    add(with(&[(250, "word\t1999\t-5\t1"), (251, ""), (900, "word")]), 250, "the match_count is negative: `-5`");
    // The sum of valid lines overflows. The second total exceeds the limit so far that it would wrap around completely.
    let most = "large\t1999\t18446744073709551615\t1";
    add(with(&[(100, most), (700, "large\t2000\t1\t1")]), 700, TOO_LARGE);
    add(with(&[(100, most), (101, most), (102, "large\t2000\t2\t1"), (900, most)]), 101, TOO_LARGE);
    // A malformed line takes precedence over an earlier overflow.
    add(with(&[(100, most), (200, most), (300, "word")]), 300, "the year is missing");
    // The malformed line is beyond the first piece that a kernel reads.
    let many = good_lines().concat().repeat(20);
    add(format!("{many}word\n{many}"), 20_001, "the year is missing");
    cases
}

fn choice(size: usize, delivery: Delivery, combine: Combine) -> Choice {
    Choice { size: testbed::nonzero(size), delivery, combine }
}

fn start(strategy: &Strategy, workers: usize, inputs: &Inputs) -> Box<dyn Workers> {
    testbed::start("word_totals", inputs, strategy, workers)
}

/// The error of a run, without its partition, because the partition depends on the size.
fn refused<T>(outcome: Result<T>) -> Option<Error> {
    match outcome {
        Ok(_) => None,
        Err(Error::Partition { source, .. }) => Some(*source),
        Err(error) => Some(error),
    }
}

#[test]
fn every_strategy_rejects_a_malformed_file_with_the_same_message() {
    let folder = tempfile::tempdir().unwrap();
    let mut turn = 0;
    for case in cases(folder.path()) {
        let expected = Some(Error::Task(case.sentence()));
        for kernel in KERNELS {
            let inputs = case.inputs(kernel);
            let task = (tasks::word_totals::ENTRY.load)(&inputs).unwrap();
            let baseline = refused(task.baseline().and_then(|outcome| outcome.answer()));
            assert_eq!(baseline, expected, "baseline, {kernel:?}");
            for strategy in strategies::catalogue::ALL {
                let workers = [1, 2, 3, 8][turn / 6 % 4];
                let mut up = start(strategy, workers, &inputs);
                for size in SIZES {
                    turn += 1;
                    let choice = choice(size, Delivery::ALL[turn % 3], Combine::APART[turn / 3 % 4]);
                    let outcome = strategies::run(&*task, &mut *up, choice, &Cancel::default());
                    let refused = refused(outcome.and_then(|(outcome, _)| outcome.answer()));
                    assert_eq!(refused, expected, "{strategy:?}, {workers} workers, {choice:?}, {kernel:?}");
                }
            }
        }
    }
}

#[test]
fn a_total_of_the_largest_possible_number_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("largest.tsv");
    std::fs::write(&path, "large\t1999\t18446744073709551614\t1\nsmall\t1999\t1\t1\nlarge\t2000\t1\t1\n").unwrap();
    for kernel in KERNELS {
        let inputs = inputs(&path, kernel);
        let task = (tasks::word_totals::ENTRY.load)(&inputs).unwrap();
        for strategy in strategies::catalogue::ALL {
            let mut up = start(strategy, 2, &inputs);
            for combine in Combine::APART {
                let choice = choice(1, Delivery::Gather, *combine);
                let (outcome, _) = strategies::run(&*task, &mut *up, choice, &Cancel::default()).unwrap();
                outcome.answer().unwrap();
                assert_eq!(
                    String::from_utf8(testbed::written(&outcome)).unwrap(),
                    "large\t18446744073709551615\nsmall\t1\n",
                    "{strategy:?}"
                );
            }
        }
    }
}

/// Runs `goldilocks run` on one file.
fn goldilocks(input: &Path, strategy: &str, kernel: &str, size: usize) -> Output {
    let mut goldilocks = Command::new(testbed::goldilocks());
    goldilocks.args(["run", "--task", "word_totals", "--samples", "1", "--workers", "2", "--strategy", strategy]);
    // The limit in seconds keeps the test from waiting for hours.
    goldilocks.args(["--patience", "100"]);
    goldilocks.args(["--kernel", kernel, "--size", &size.min(1 << 40).to_string(), "--input"]).arg(input);
    goldilocks.output().expect("the binary was just built")
}

/// Asserts that the program fails with exactly this message and without a panic.
fn complains(ran: &Output, sentence: &str) {
    let complaint = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(complaint, format!("error: {sentence}\n"));
    assert!(!ran.status.success(), "it says `{sentence}` and succeeds all the same");
    assert!(ran.status.code().is_some(), "it says `{sentence}` and is killed by a signal");
    assert!(ran.stdout.is_empty(), "beside its error it prints {}", String::from_utf8_lossy(&ran.stdout));
}

#[test]
fn the_binary_reports_every_malformed_file_without_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    for (turn, case) in cases(folder.path()).iter().enumerate() {
        let strategy = strategies::catalogue::ALL[turn % strategies::catalogue::ALL.len()].name;
        complains(&goldilocks(&case.path, strategy, ["bytes", "book"][turn % 2], SIZES[turn % 4]), &case.sentence());
    }
}

/// In `goldilocks run` the baseline fails first. This test therefore starts the measuring process directly.
#[test]
fn the_measuring_process_reports_malformed_files_with_every_strategy() {
    let folder = tempfile::tempdir().unwrap();
    let cases = cases(folder.path());
    for (turn, strategy) in strategies::catalogue::ALL.iter().enumerate() {
        for case in cases.iter().skip(turn % 5).step_by(5) {
            let order = harness::measure::protocol::Order {
                task: "word_totals".to_owned(),
                inputs: case.inputs(KERNELS[(turn + turn / 3) % KERNELS.len()]),
                strategy: strategy.name.to_owned(),
                processors: harness::machine::processors(),
                workers: NonZeroUsize::new(3).unwrap(),
                size: NonZeroUsize::new(50).unwrap(),
                delivery: Delivery::ALL[turn % 3],
                combine: Combine::APART[turn % 4],
                warm_ups: 0,
                samples: 1,
                census: true,
                check_cancel: false,
                baseline_cpu_ns: None,
                output: None,
                spans: 0,
                heartbeat: false,
                parent: std::process::id(),
            };
            let mut cell = Command::new(testbed::goldilocks());
            cell.arg("cell").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut cell = cell.spawn().unwrap();
            cell.stdin.take().unwrap().write_all(&serde_json::to_vec(&order).unwrap()).unwrap();
            let ran = cell.wait_with_output().unwrap();
            let said = String::from_utf8(ran.stdout).unwrap();
            let message: harness::measure::protocol::Message =
                serde_json::from_str(said.lines().last().unwrap()).unwrap();
            let harness::measure::protocol::Message::Failed { reason, .. } = message else {
                panic!("{strategy:?} has not failed")
            };
            assert!(reason.contains(&case.sentence()), "{strategy:?} says: {reason}");
            assert_eq!(String::from_utf8_lossy(&ran.stderr), "", "{strategy:?}");
        }
    }
}

#[test]
fn a_missing_file_and_a_pipe_are_rejected_by_name() {
    let folder = tempfile::tempdir().unwrap();
    // Nothing ever writes to this pipe.
    let pipe = folder.path().join("pipe");
    mkfifoat(CWD, &pipe, Mode::RUSR | Mode::WUSR).unwrap();
    let (missing, place) = (folder.path().join("missing.tsv"), folder.path());
    for strategy in strategies::catalogue::ALL {
        let missing_is =
            format!("cannot open {}: No such file or directory (os error 2); is the path right?", missing.display());
        complains(&goldilocks(&missing, strategy.name, "bytes", 1), &missing_is);
        // The only file of the folder is the pipe.
        complains(&goldilocks(place, strategy.name, "bytes", 1), &format!("{} is not a file", pipe.display()));
        complains(&goldilocks(&pipe, strategy.name, "bytes", 1), &format!("{} is not a file", pipe.display()));
    }
}

#[test]
fn a_file_that_does_not_report_its_length_is_rejected() {
    let sentence = "/proc/cpuinfo does not report its length; copy it to an ordinary file first";
    complains(&goldilocks(Path::new("/proc/cpuinfo"), "rayon", "bytes", 1), sentence);
}

#[test]
fn a_file_without_read_permission_is_rejected_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret.tsv");
    std::fs::write(&secret, "word\t1999\t5\t1\n").unwrap();
    std::fs::set_permissions(&secret, Permissions::from_mode(0o0)).unwrap();
    // The program is built first, because the compiler may need the rights that are dropped below.
    testbed::goldilocks();
    // Root may read every file. A thread therefore drops that right for itself and its child processes. For other users
    // the call fails, which is harmless.
    let ran = std::thread::spawn({
        let secret = secret.clone();
        move || {
            for right in [CapabilitySet::DAC_OVERRIDE, CapabilitySet::DAC_READ_SEARCH] {
                let _ = remove_capability_from_bounding_set(right);
            }
            goldilocks(&secret, "rayon", "bytes", 1)
        }
    });
    let secret = secret.display();
    let sentence = format!("cannot open {secret}: Permission denied (os error 13); allow this user to read it");
    complains(&ran.join().unwrap(), &sentence);
}

#[test]
fn a_whole_job_names_the_line_at_which_a_total_is_too_large() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "a\t2000\t{}\t1\na\t2001\t5\t1", u64::MAX).unwrap();
    let path = file.path().display();
    for threads in ["1", "2"] {
        let mut whole = Command::new(testbed::goldilocks());
        whole.args(["whole", "--threads", threads, "--input"]).arg(file.path());
        let sentence = format!("{path}, line 2: with this line the total of `a` is beyond {}", u64::MAX);
        complains(&whole.output().unwrap(), &sentence);
    }
}

#[test]
fn the_output_never_overwrites_the_input() {
    const LINES: &str = "word\t1999\t5\t1\n";
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("words.tsv"), folder.path().join("link.tsv"));
    std::fs::write(&file, LINES).unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    for (command, output) in [
        (&["whole"][..], &file),
        (&["run", "--task", "word_totals", "--strategy", "rayon"], &file),
        (&["run", "--task", "word_totals", "--strategy", "rayon"], &link),
    ] {
        let mut goldilocks = Command::new(testbed::goldilocks());
        goldilocks.args(command).arg("--input").arg(&file).arg("--output").arg(output);
        let sentence = "--output names the input file, which would be lost; name another file";
        complains(&goldilocks.output().unwrap(), sentence);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), LINES);
    }
}
