//! Word counts of texts as people have them, by the program: folders of logs, compressed ones, and files that are no text.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Output, Stdio};
use testbed::sandbox::Sandbox;

fn run(sandbox: &Sandbox, arguments: &[&str]) -> Output {
    let mut run = sandbox.goldilocks();
    run.args(["run", "--task", "word_count", "--samples", "1", "--processes", "1", "--data", "data", "--strategy"]);
    run.args(arguments).output().expect("the binary was just built")
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A folder of logs: in folders, with a link, a hidden file, an empty one, a compressed one, and lines without an end.
fn logs() -> Sandbox {
    let sandbox = Sandbox::default();
    fs::create_dir_all(sandbox.path("logs/web")).expect("our own folder");
    let files: [(&str, &[u8]); 6] = [
        ("logs/app.log", b"GET /a 200\nGET  /b 404\n"),
        ("logs/web/1.log", b"POST /a 200"),
        ("logs/web/2.log", b"bad \xff byte\r\nGET /c 200\r\n"),
        ("logs/web/old.log", &b"GET /old 200\n".repeat(500)),
        ("logs/empty.log", b""),
        ("logs/.hidden", b"hidden"),
    ];
    files.iter().for_each(|(name, bytes)| fs::write(sandbox.path(name), bytes).expect("our own folder"));
    // In the order of names one of the links comes first, and the other does not.
    symlink("app.log", sandbox.path("logs/a-link.log")).expect("our own folder");
    symlink("app.log", sandbox.path("logs/link.log")).expect("our own folder");
    symlink("..", sandbox.path("logs/web/above")).expect("our own folder");
    let zipped = Command::new("gzip").arg(sandbox.path("logs/web/old.log")).status().expect("gzip is there");
    assert!(zipped.success());
    sandbox
}

/// Counts the words of the logs by awk.
fn expected(sandbox: &Sandbox) -> String {
    let files = "{ cat logs/app.log logs/web/1.log; echo; cat logs/web/2.log; gzip -dc logs/web/old.log.gz; }";
    let words = r#"tr -d '\r' | awk '{ for (i = 1; i <= NF; i++) n[$i]++ } END { for (w in n) print w "\t" n[w] }'"#;
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{files} | {words} | sort")]).current_dir(sandbox.path("")).env("LC_ALL", "C");
    let counted = shell.stderr(Stdio::inherit()).output().expect("a shell");
    assert!(counted.status.success());
    String::from_utf8_lossy(&counted.stdout).into_owned()
}

#[test]
fn a_folder_of_logs_gives_what_awk_counts_with_every_strategy() {
    let sandbox = logs();
    let expected = expected(&sandbox);
    assert!(expected.contains("GET\t503\n"), "{expected}");
    for strategy in ["rayon", "processes", "processes_by_value", "baseline"] {
        for text in [&["logs"][..], &["logs/app.log", "logs/web"]] {
            for size in ["1", "10000"] {
                let named = [&[strategy, "--size", size, "--output", "counts.tsv", "--text"], text].concat();
                let ran = run(&sandbox, &named);
                assert!(ran.status.success(), "{named:?}: {}", errors(&ran));
                let counts = fs::read(sandbox.path("counts.tsv")).expect("it is written");
                assert_eq!(String::from_utf8_lossy(&counts), expected, "{named:?}");
                let said = String::from_utf8_lossy(&ran.stdout);
                assert!(said.contains("lines that are not UTF-8: 1\n"), "{said}");
            }
        }
    }
}

#[test]
fn without_a_text_there_are_four_lines() {
    let sandbox = Sandbox::default();
    for split in ["blanks", "unicode"] {
        let ran = run(&sandbox, &["threads_shared", "--size", "1", "--split", split, "--output", "-"]);
        assert!(ran.status.success(), "{}", errors(&ran));
        let expected = datasets::book::TOTALS.map(|(word, total)| format!("{word}\t{total}\n")).concat();
        assert_eq!(String::from_utf8_lossy(&ran.stdout), expected, "{split}");
        assert!(errors(&ran).contains(" 4 partitions\n"), "{}", errors(&ran));
    }
}

#[test]
fn the_splits_differ_in_blanks_tabs_and_punctuation() {
    let sandbox = Sandbox::default();
    fs::write(sandbox.path("text.txt"), "Yes,  yes!\tdon't\n").expect("our own folder");
    let counts = |split: &str| -> BTreeMap<String, String> {
        let ran = run(&sandbox, &["rayon", "--text", "text.txt", "--split", split, "--output", "-"]);
        let text = String::from_utf8_lossy(&ran.stdout).into_owned();
        let pairs = text.lines().filter_map(|line| line.rsplit_once('\t'));
        pairs.map(|(word, count)| (word.to_owned(), count.to_owned())).collect()
    };
    let of = |words: &[&str]| words.iter().map(|word| ((*word).to_owned(), "1".to_owned())).collect();
    assert_eq!(counts("blanks"), of(&["", "Yes,", "yes!\tdon't"]));
    assert_eq!(counts("space"), of(&["Yes,", "yes!", "don't"]));
    assert_eq!(counts("unicode"), of(&["Yes", "yes", "don't"]));
}

#[test]
fn what_is_no_text_is_refused_with_what_to_do() {
    let sandbox = Sandbox::default();
    fs::create_dir(sandbox.path("none")).expect("our own folder");
    let files: [(&str, &[u8]); 4] = [
        ("program", b"\x7fELF\x02\0\0"),
        ("utf16.txt", b"\xff\xfeh\0i\0"),
        ("list.xz", b"\xfd7zXZ\0"),
        ("fine.txt", b"fine"),
    ];
    files.iter().for_each(|(name, bytes)| fs::write(sandbox.path(name), bytes).expect("our own folder"));
    for (text, words) in [
        (&["nowhere"][..], "cannot open nowhere: No such file or directory (os error 2); is the path right?"),
        (&["none"], "none is a folder without files; name a text file, or a folder of them"),
        (&["program"], "program has NUL bytes"),
        (&["utf16.txt"], "with `iconv -f UTF-16 -t UTF-8 < utf16.txt > plain.txt`, then name plain.txt"),
        (&["list.xz"], "with `xz -dc < list.xz > plain.txt`"),
        (&["fine.txt", "fine.txt"], "fine.txt is named twice, so its lines would count twice"),
        (&["/dev/null"], "/dev/null is not a file"),
    ] {
        let ran = run(&sandbox, &[&["rayon", "--text"], text].concat());
        assert_eq!(ran.status.code(), Some(1), "{text:?}: {}", errors(&ran));
        assert!(errors(&ran).contains(words), "{text:?}: {}", errors(&ran));
    }
    let ran = run(&sandbox, &["rayon", "--text", "fine.txt", "--output", "fine.txt"]);
    assert_eq!(ran.status.code(), Some(2), "{}", errors(&ran));
}

#[test]
fn a_sweep_over_a_folder_has_a_report_and_is_asked_for_by_name() {
    let sandbox = logs();
    let arguments = ["--tasks", "word_count", "--text", "logs", "--strategies", "rayon,processes", "--cores", "1"];
    let swept = sandbox.sweep(arguments).args(["--sizes", "100", "--blocks", "1"]).output().expect("it is built");
    assert!(testbed::completed(swept.status), "{}", errors(&swept));
    let run = sandbox.record().run;
    assert!(run.machine.notes["text"].contains("old.log.gz (gzip, text)"), "{:?}", run.machine.notes);
    assert!(run.tasks[0].answer.contains(&("most frequent word".to_owned(), "`200` (503)".to_owned())));
    let page = fs::read_to_string(sandbox.run().expect("a run").join("report.html")).expect("a report");
    assert!(page.contains("word_count"));
    let unread = sandbox.sweep(["--tasks", "noop", "--text", "logs"]).output().expect("it is built");
    assert_eq!(unread.status.code(), Some(2), "{}", errors(&unread));
    assert!(errors(&unread).contains("add word_count to --tasks"), "{}", errors(&unread));
}
