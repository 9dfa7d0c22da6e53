//! Files as people have them, given to the program: gzip, zstd, the format of 2020, folders, and files that are no 1-grams.

use datasets::sample;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use testbed::sandbox::Sandbox;

/// Adds up the occurrences of a word in a line of version 2.
const VERSION_2: &str = "{ total[$1] += $3 }";
/// The same for version 3.
const VERSION_3: &str = r#"{ for (i = 2; i <= NF; i++) { split($i, n, ","); total[$1] += n[2] } }"#;
/// Makes version 3 of version 2: neighbouring lines of a word are one line.
const TO_VERSION_3: &str = r#"
    $1 "" != word || NR == 1 { printf "%s%s", (NR > 1 ? "\n" : ""), $1 }
    { word = $1 ""; printf "\t%s,%s,%s", $2, $3, $4 }
    END { print "" }"#;

fn shell(script: &str, folder: &Path) -> Vec<u8> {
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).current_dir(folder).env("LC_ALL", "C").stderr(Stdio::inherit());
    let ran = shell.output().expect("a shell");
    assert!(ran.status.success(), "{script}");
    ran.stdout
}

fn awk(adding: &str, text: &str, folder: &Path) -> Vec<u8> {
    let end = r#"END { for (word in total) print word "\t" sprintf("%.0f", total[word]) }"#;
    shell(&format!("{text} | awk -F '\t' '{adding} {end}' | sort -t '\t' -k1,1"), folder)
}

fn run(sandbox: &Sandbox, inputs: &[&str], more: &[&str]) -> Output {
    let mut run = sandbox.goldilocks();
    run.args(["run", "--task", "word_totals", "--strategy", "rayon", "--samples", "1", "--data", "data"]);
    inputs.iter().for_each(|input| {
        run.args(["--input", input]);
    });
    run.args(more).output().expect("the binary was just built")
}

#[test]
fn kernels_give_what_awk_gives_for_compressed_files_the_format_of_2020_and_folders() {
    let sandbox = Sandbox::default();
    let folder = sandbox.path("");
    fs::write(sandbox.path("plain.tsv"), sample::LINES).unwrap();
    shell("mkdir parts && split -n l/3 plain.tsv parts/ && gzip parts/ab && gzip <plain.tsv >gzip.gz", &folder);
    shell(&format!("awk -F '\t' '{TO_VERSION_3}' plain.tsv >version3.tsv && gzip -k version3.tsv"), &folder);
    shell("mv version3.tsv.gz google.gz", &folder);
    let plain = awk(VERSION_2, "cat plain.tsv", &folder);
    for (inputs, expected) in [
        (&["gzip.gz"][..], awk(VERSION_2, "gzip -dc gzip.gz", &folder)),
        (&["version3.tsv"], awk(VERSION_3, "cat version3.tsv", &folder)),
        (&["google.gz"], awk(VERSION_3, "gzip -dc google.gz", &folder)),
        (&["parts"], plain.clone()),
        (&["parts/aa", "parts/ab.gz", "parts/ac"], plain.clone()),
    ] {
        assert!(expected == plain, "awk itself gives other totals for {inputs:?}");
        for kernel in ["book", "bytes", "runs"] {
            let ran = run(&sandbox, inputs, &["--kernel", kernel, "--output", "totals"]);
            assert!(ran.status.success(), "{inputs:?}: {}", String::from_utf8_lossy(&ran.stderr));
            let totals = fs::read(sandbox.path("totals")).unwrap();
            assert!(totals == expected, "{inputs:?}, {kernel}");
        }
    }
}

#[test]
fn a_sweep_records_the_files_that_the_user_named_and_their_formats() {
    let sandbox = Sandbox::default();
    fs::write(sandbox.path("a.tsv"), "\u{feff}Aardvark\t1999\t5\t1\nAardvark\t2000\t7\t1\n").unwrap();
    fs::write(sandbox.path("b.tsv"), "Aardvark\t2001,1,1\t2002,2,1\n").unwrap();
    let mut sweep = sandbox.sweep(["--tasks", "word_totals", "--input", "a.tsv", "--input", "b.tsv", "--strategies"]);
    let ran = sweep.args(["rayon", "--cores", "1", "--sizes", "7", "--blocks", "1"]).output().unwrap();
    assert!(testbed::completed(ran.status), "{}", String::from_utf8_lossy(&ran.stderr));
    let run = sandbox.record().run;
    let task = &run.tasks[0];
    let from = "a.tsv (version 2, with a byte order mark) and b.tsv (version 3, the format of 2020)";
    assert_eq!(run.machine.notes["1-grams"], from);
    assert!(task.options["input"].ends_with("a-and-1-more.tsv"));
    assert!(task.answer.iter().any(|(name, value)| name == "Aardvark" && value == "15"), "{:?}", task.answer);
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(said.contains(&format!("from {from}, once")), "{said}");
}

#[test]
fn what_is_no_file_of_1_grams_is_refused_before_anything_is_measured() {
    let sandbox = Sandbox::default();
    let refused: [(&[u8], &str); 4] = [
        (b"", "input is empty; expected are lines of four columns"),
        (b"ngram\tyear\tmatch_count\tvolume_count\nAardvark\t1999\t5\t1\n", "with `tail -n +2 < input > plain.tsv`"),
        (b"\xff\xfeA\0\t\x001\0", "input is UTF-16 text"),
        (b"\x1f\x8b\x08\0rest", "input cannot be decompressed with gzip"),
    ];
    for (bytes, sentence) in refused {
        fs::write(sandbox.path("input"), bytes).unwrap();
        let ran = run(&sandbox, &["input"], &[]);
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(said.starts_with("error: ") && said.contains(sentence), "{said}");
        assert!(ran.stdout.is_empty() && ran.status.code() == Some(1));
        let sweep = sandbox.sweep(["--tasks", "word_totals,noop", "--input", "input"]).output().unwrap();
        assert_eq!((sweep.status.code(), sandbox.run()), (Some(1), None), "{}", String::from_utf8_lossy(&sweep.stderr));
    }
}

#[test]
fn no_output_replaces_a_named_file() {
    let sandbox = Sandbox::default();
    fs::create_dir(sandbox.path("parts")).unwrap();
    let parts = ["parts/1", "parts/2"];
    parts.iter().for_each(|part| fs::write(sandbox.path(part), "a\t1999\t5\t1\n").unwrap());
    for inputs in [&["parts"][..], &parts] {
        let ran = run(&sandbox, inputs, &["--output", "parts/2"]);
        assert_eq!(ran.status.code(), Some(2), "{}", String::from_utf8_lossy(&ran.stderr));
        assert_eq!(fs::read_to_string(sandbox.path("parts/2")).unwrap(), "a\t1999\t5\t1\n");
    }
}

/// A preallocated file: a line, then NUL bytes to its end.
#[test]
fn a_line_without_end_is_refused_with_little_memory() {
    let sandbox = Sandbox::default();
    let file = sandbox.path("preallocated.tsv");
    fs::write(&file, "a\t1999\t5\t1\n").unwrap();
    fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(1 << 30).unwrap();
    for kernel in ["book", "bytes", "runs"] {
        for read in ["pread", "map"] {
            let mut whole = Command::new(testbed::goldilocks());
            whole.args(["whole", "--threads", "2", "--kernel", kernel, "--read", read, "--input"]).arg(&file);
            let (out, err) = (sandbox.path("out"), sandbox.path("err"));
            whole.stdout(fs::File::create(&out).unwrap()).stderr(fs::File::create(&err).unwrap());
            let ended = system::usage::wait(whole.spawn().unwrap()).unwrap();
            let said = fs::read_to_string(&err).unwrap();
            assert!(said.contains("preallocated.tsv, line 2: the line consists of NUL bytes"), "{said}");
            assert!(ended.peak_memory_bytes <= 64 << 20, "{kernel}, {read}: {} bytes", ended.peak_memory_bytes);
        }
    }
}

/// mawk takes `FS=x.tsv` as an assignment, and every program takes `-x.tsv` as options.
#[test]
fn peers_read_files_whose_names_look_like_arguments() {
    let sandbox = Sandbox::default();
    for name in ["FS=x.tsv", "-x.tsv", "it's [x].tsv"] {
        fs::write(sandbox.path(name), sample::LINES).unwrap();
        let mut peers = sandbox.goldilocks();
        peers.args(["peers", "--data", "data", "--rounds", "1", "--threads", "1", "--programs"]);
        let ran = peers.args(["line_count,runs_map,mawk"]).arg(format!("--input={name}")).output().unwrap();
        let printed = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success(), "{name}: {}", String::from_utf8_lossy(&ran.stderr));
        assert!(printed.contains("runs_map") && !printed.contains("it printed"), "{name}: {printed}");
        assert!(!printed.contains("it failed"), "{name}: {printed}");
    }
}
