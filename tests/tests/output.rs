//! What the program prints and writes: outputs that go away, every kind of `--output`, and files that must survive.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions, read_to_string};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use testbed::sandbox::Sandbox;

const WORDS: &str = "Aardvark\t1999\t5\t1\nZebra\t2001\t7\t1\n";
const TOTALS: &str = "Aardvark\t5\nZebra\t7\n";

/// Arguments of the shortest sweep.
const TINY: [&str; 10] =
    ["--tasks", "noop", "--strategies", "rayon", "--cores", "1", "--sizes", "100", "--blocks", "1"];

/// A pipe that nobody reads.
fn closed() -> Stdio {
    std::io::pipe().expect("a pipe can be made").1.into()
}

fn full() -> Stdio {
    File::options().write(true).open("/dev/full").expect("Linux has it").into()
}

fn run(command: &mut Command) -> Output {
    command.output().expect("the binary was just built")
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A sandbox with a run, and the run's folder.
fn with_run() -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::default();
    let swept = run(&mut sandbox.sweep(TINY));
    assert!(testbed::completed(swept.status), "{}", errors(&swept));
    let folder = sandbox.run().expect("there is a run");
    (sandbox, folder)
}

/// A sandbox with an input file, and the arguments that measure it.
fn with_words() -> (Sandbox, Vec<PathBuf>) {
    let sandbox = Sandbox::default();
    let input = sandbox.path("words.tsv");
    fs::write(&input, WORDS).expect("our own folder");
    let words = ["run", "--task", "word_totals", "--strategy", "rayon", "--samples", "1", "--input"];
    let arguments = words.iter().map(PathBuf::from).chain([input]).collect();
    (sandbox, arguments)
}

#[test]
fn a_closed_standard_output_ends_quietly_and_a_full_one_with_a_sentence() {
    let (sandbox, folder) = with_run();
    let runs = sandbox.runs();
    let (folder, runs) = [&folder, &runs].map(|path| path.to_str().expect("our own folder")).into();
    let commands: [&[&str]; 17] = [
        &["list"],
        &["list", "--json"],
        &["report", folder],
        &["report", folder, "--json"],
        &["report", folder, "--markdown"],
        &["report", folder, "--bmf"],
        &["export", folder],
        &["export", folder, "--output", "-"],
        &["report", folder, "--verbose"],
        &["runs", "--runs", runs],
        &["compare", folder, folder],
        &["compare", folder, folder, "--html", "-"],
        &["completions", "bash"],
        &["man"],
        &["--help"],
        &["sweep", "--help"],
        &["--version"],
    ];
    for arguments in commands {
        let ended = run(sandbox.goldilocks().args(arguments).stdout(closed()));
        assert_eq!((ended.status.code(), errors(&ended).as_str()), (Some(0), ""), "{arguments:?}");
        let ended = run(sandbox.goldilocks().args(arguments).stdout(full()));
        assert_eq!(ended.status.code(), Some(1), "{arguments:?}");
        let sentence = "error: cannot write to the standard output: No space left on device";
        assert!(errors(&ended).starts_with(sentence), "{arguments:?}: {}", errors(&ended));
    }
    // The exit code of the doctor depends on the machine.
    let [plain, closed] =
        [Stdio::null(), closed()].map(|output| run(sandbox.goldilocks().arg("doctor").stdout(output)));
    assert_eq!((closed.status.code(), errors(&closed).as_str()), (plain.status.code(), ""));
}

#[test]
fn a_full_or_closed_standard_error_never_ends_a_measurement() {
    for output in [full as fn() -> Stdio, closed] {
        let sandbox = Sandbox::default();
        let swept = run(sandbox.sweep(TINY).stderr(output()));
        assert!(testbed::completed(swept.status), "{}", swept.status);
        assert!(sandbox.record().ended.is_some_and(|ended| !ended.interrupted));
        assert!(sandbox.run().expect("there is a run").join("report.html").is_file());
        // The report is written also if nobody reads the terminal's summary.
        let sandbox = Sandbox::default();
        let swept = run(sandbox.sweep(TINY).stderr(output()).stdout(output()));
        assert!(!swept.status.success() || sandbox.record().ended.is_some());
        assert!(sandbox.run().expect("there is a run").join("report.html").is_file());
        // A wrong command line and a command that fails say nothing, and keep their code.
        for (arguments, code) in [(&["lst"][..], 2), (&["report", "nowhere"], 1)] {
            assert_eq!(run(sandbox.goldilocks().args(arguments).stderr(output())).status.code(), Some(code));
        }
    }
}

#[test]
fn the_total_goes_to_the_standard_output_under_each_of_its_names() {
    let (sandbox, arguments) = with_words();
    for name in ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        let ran = run(sandbox.goldilocks().args(&arguments).args(["--output", name]));
        assert!(ran.status.success(), "{name}: {}", errors(&ran));
        assert_eq!(String::from_utf8_lossy(&ran.stdout), TOTALS, "{name}");
        assert!(errors(&ran).contains("answer: verified"), "the summary goes to the standard error: {}", errors(&ran));
        // A redirected file under its own name is the same file.
        let file = sandbox.path("redirected");
        let redirected = Stdio::from(File::create(&file).expect("our own folder"));
        let name = if name == "-" { file.to_str().expect("our own folder") } else { name };
        let ran = run(sandbox.goldilocks().args(&arguments).args(["--output", name]).stdout(redirected));
        assert!(ran.status.success(), "{name}: {}", errors(&ran));
        assert_eq!(read_to_string(&file).expect("the total"), TOTALS, "{name}");
        let ran = run(sandbox.goldilocks().args(&arguments).args(["--output", name]).stdout(closed()));
        assert!(ran.status.success(), "{name}: {}", errors(&ran));
    }
    assert!(!sandbox.path("-").exists());
    let both = run(sandbox.goldilocks().args(&arguments).args(["--json", "--output", "-"]));
    assert_eq!(both.status.code(), Some(2));
    assert!(errors(&both).contains("--json and --output both go to the standard output"), "{}", errors(&both));
}

#[test]
fn the_total_goes_to_devices_pipes_links_and_names_that_are_not_text() {
    let (sandbox, arguments) = with_words();
    let write = |path: &Path| {
        let ran = run(sandbox.goldilocks().args(&arguments).arg("--output").arg(path));
        assert!(ran.status.success(), "{path:?}: {}", errors(&ran));
        assert!(String::from_utf8_lossy(&ran.stdout).contains("answer: verified"), "{path:?}");
    };
    write(Path::new("/dev/null"));
    let odd = sandbox.path("odd").with_file_name(OsStr::from_bytes(b"total-\xe8"));
    write(&odd);
    assert_eq!(read_to_string(&odd).expect("the total"), TOTALS);

    let (target, link) = (sandbox.path("target"), sandbox.path("link"));
    fs::write(&target, "earlier").expect("our own folder");
    fs::set_permissions(&target, Permissions::from_mode(0o600)).expect("our own file");
    symlink("target", &link).expect("our own folder");
    write(&link);
    assert_eq!(read_to_string(&target).expect("the total"), TOTALS);
    assert_eq!(fs::metadata(&target).expect("it is there").permissions().mode() & 0o777, 0o600);
    assert!(link.is_symlink());

    let fifo = sandbox.path("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).expect("a fifo");
    let reader = std::thread::spawn({
        let fifo = fifo.clone();
        move || read_to_string(fifo).expect("the total")
    });
    write(&fifo);
    assert_eq!(reader.join().expect("it was read"), TOTALS);

    // A shell's `>(…)` is a pipe that the program inherits.
    let script = "exec \"$@\" --output >(cat >substituted)";
    let ran = run(Command::new("bash")
        .args(["-c", script, "bash"])
        .arg(testbed::goldilocks())
        .args(&arguments)
        .current_dir(sandbox.path("")));
    assert!(ran.status.success(), "{}", errors(&ran));
    let substituted = || read_to_string(sandbox.path("substituted")).ok().filter(|text| text == TOTALS);
    testbed::sandbox::wait_for("the total behind the pipe", substituted);
}

#[test]
fn a_path_that_cannot_work_is_refused_before_anything_ran() {
    let (sandbox, arguments) = with_words();
    let odd = OsStr::from_bytes(b"odd-\xe9");
    fs::create_dir(sandbox.path("odd").with_file_name(odd)).expect("our own folder");
    for option in ["--data", "--runs"] {
        let ran = run(sandbox.goldilocks().args(["sweep", "--anyway"]).args(TINY).arg(option).arg(odd));
        assert_eq!(ran.status.code(), Some(2), "{}", errors(&ran));
        assert!(errors(&ran).contains("it is not UTF-8"), "{}", errors(&ran));
    }
    let ran = run(sandbox.sweep(["--tasks", "word_totals"]).arg("--input").arg(odd));
    assert!(!ran.status.success() && errors(&ran).contains("not UTF-8"), "{}", errors(&ran));
    for (output, sentence) in [("nowhere/total", "its folder does not exist"), (".", "--output names the folder .")] {
        let ran = run(sandbox.goldilocks().args(&arguments).args(["--output", output]));
        assert_eq!(ran.status.code(), Some(2));
        assert!(errors(&ran).contains(sentence), "{}", errors(&ran));
    }
    let left: Vec<_> = fs::read_dir(sandbox.runs()).into_iter().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_run_that_cannot_be_recorded_leaves_no_folder() {
    let sandbox = Sandbox::default();
    fs::write(sandbox.runs(), "a file where the folder should be").expect("our own folder");
    let swept = run(&mut sandbox.sweep(TINY));
    assert_eq!(swept.status.code(), Some(1));
    assert!(errors(&swept).contains("cannot create"), "{}", errors(&swept));
}

#[test]
fn no_output_replaces_an_input_a_record_or_a_plan() {
    let (sandbox, folder) = with_run();
    let names = ["run.jsonl", "plan.json"];
    let before = names.map(|name| fs::read(folder.join(name)).expect("it is there"));
    let kept = sandbox.path("kept.jsonl");
    fs::copy(folder.join("run.jsonl"), &kept).expect("our own folder");
    let (input, second) = (sandbox.path("words.tsv"), sandbox.path("second.tsv"));
    fs::write(&input, WORDS).expect("our own folder");
    fs::hard_link(&input, &second).expect("our own folder");
    let id = folder.file_name().expect("a run has a name").to_owned();
    let mut outputs: Vec<PathBuf> = vec![kept.clone()];
    for name in names {
        let (link, hard) = (sandbox.path(&format!("{name}.link")), sandbox.path(&format!("{name}.hard")));
        symlink(folder.join(name), &link).expect("our own folder");
        fs::hard_link(folder.join(name), &hard).expect("our own folder");
        outputs.extend([folder.join(name), Path::new("runs/../runs").join(&id).join(name), link]);
        // A plan under another name is recognised by the command that reads it.
        outputs.push(hard);
    }
    for output in &outputs {
        let ran = run(sandbox.goldilocks().arg("export").arg(&folder).arg("--output").arg(output));
        assert_eq!(ran.status.code(), Some(2), "{output:?}");
        assert!(errors(&ran).contains("of a run, which would be lost"), "{output:?}: {}", errors(&ran));
    }
    let of_words = ["--task", "word_totals", "--strategy", "rayon", "--input", "words.tsv"];
    for output in outputs[..4].iter().chain([&input, &second]) {
        for command in [&["whole", "--input", "words.tsv"][..], &[&["run"][..], &of_words].concat()] {
            let ran = run(sandbox.goldilocks().args(command).arg("--output").arg(output));
            assert!(
                !ran.status.success() && errors(&ran).contains("which would be lost"),
                "{output:?}: {}",
                errors(&ran)
            );
        }
    }
    // The file that a preparation makes is an input too.
    let made = ["run", "--task", "word_totals", "--strategy", "rayon", "--grams", "20KB", "--data", "data"];
    assert!(run(sandbox.goldilocks().args(made)).status.success());
    let words = fs::read_dir(sandbox.path("data")).expect("data were made").flatten().map(|entry| entry.path());
    let words = words.into_iter().find(|path| path.extension().is_some_and(|it| it == "tsv")).expect("a file of words");
    let length = words.metadata().expect("it is there").len();
    let ran = run(sandbox.goldilocks().args(made).arg("--output").arg(&words));
    assert_eq!(
        (ran.status.code(), words.metadata().expect("it is there").len()),
        (Some(2), length),
        "{}",
        errors(&ran)
    );

    assert_eq!(names.map(|name| fs::read(folder.join(name)).expect("it is there")), before);
    assert_eq!(fs::read(kept).expect("it is there"), before[0]);
    assert_eq!(read_to_string(input).expect("it is there"), WORDS);
}

#[test]
fn twenty_reports_of_a_run_at_the_same_time_all_succeed() {
    let (sandbox, folder) = with_run();
    let reports: Vec<_> = (0..20)
        .map(|_| sandbox.goldilocks().arg("report").arg(&folder).stdout(Stdio::null()).stderr(Stdio::piped()).spawn())
        .collect();
    for report in reports {
        let ended = report.expect("the binary was just built").wait_with_output().expect("it can be waited for");
        assert!(ended.status.success(), "{}", errors(&ended));
    }
    assert!(read_to_string(folder.join("report.html")).expect("a report").trim_end().ends_with("</html>"));
    let left = |folder: &Path| -> Vec<_> {
        fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.file_name()).collect()
    };
    let files = left(&folder);
    assert_eq!(files.len(), 5, "the record, the plan, the report, its summary and the traces: {files:?}");
    let traces = left(&folder.join("traces"));
    assert_eq!(traces.len(), 3, "one for each delivery: {traces:?}");
}

#[test]
fn escapes_of_a_terminal_are_not_passed_on() {
    let (sandbox, folder) = with_run();
    let record = folder.join("run.jsonl");
    let text = read_to_string(&record).expect("it is there");
    fs::write(&record, text.replacen("\"noop\"", "\"no\\u001b[31m\\u009bop\"", 1)).expect("our own file");
    let mut shown = Vec::new();
    for arguments in [&["report"][..], &["report", "--json"], &["sweep", "--resume"], &["list\u{1b}[31m"]] {
        let ran = run(sandbox.goldilocks().args(arguments).args(["--runs", "runs"]));
        shown.extend(ran.stdout.into_iter().chain(ran.stderr));
    }
    let mut all = String::new();
    shown.as_slice().read_to_string(&mut all).expect("text");
    assert!(!all.contains('\u{1b}') && !all.contains('\u{9b}'), "{all}");
}
