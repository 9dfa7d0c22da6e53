//! Inputs and situations that users of similar tools have met, each tried with the program itself. `just faults` runs them.
//! A test has the name of its folder in `tests/faults`, which holds the input and says what is right.

use postgres::{Environment, Server, connect};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use testbed::sandbox::{Sandbox, wait_for};

/// The folder of a fault.
fn folder(fault: &str) -> PathBuf {
    testbed::workspace().join("tests/faults").join(fault)
}

/// A command that runs `word_totals` on a file in `sandbox`.
fn word_totals(sandbox: &Sandbox, input: &Path) -> Command {
    let mut goldilocks = sandbox.goldilocks();
    goldilocks.args(["run", "--task", "word_totals", "--strategy", "rayon", "--samples", "1", "--processes", "1"]);
    goldilocks.arg("--input").arg(input);
    goldilocks
}

fn done(command: &mut Command) -> Output {
    command.output().expect("the binary was just built")
}

/// Asserts that the program refuses with this exit code, without a panic, and that its error has each of `parts`.
fn assert_refused(ran: &Output, code: i32, parts: &[&str]) {
    let complaint = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(code), "{complaint}");
    assert!(complaint.contains("error: ") && !complaint.contains("panicked"), "{complaint}");
    assert!(!complaint.chars().any(|letter| letter.is_control() && letter != '\n'), "raw control bytes: {complaint:?}");
    for part in parts {
        assert!(complaint.contains(part), "no `{part}` in: {complaint}");
    }
}

/// Asserts that every kernel, through both ways to read, gives exactly these totals.
fn assert_totals(input: &Path, totals: &[u8]) {
    let sandbox = Sandbox::default();
    let written = sandbox.path("totals.tsv");
    for kernel in ["book", "bytes", "runs"] {
        for read in ["pread", "map"] {
            let ran =
                done(word_totals(&sandbox, input).args(["--kernel", kernel, "--read", read, "--output"]).arg(&written));
            assert!(ran.status.success(), "{kernel}, {read}: {}", String::from_utf8_lossy(&ran.stderr));
            let found = std::fs::read(&written).expect("the totals were written");
            assert_eq!(String::from_utf8_lossy(&found), String::from_utf8_lossy(totals), "{kernel}, {read}");
            assert_eq!(found, totals, "{kernel}, {read}");
        }
    }
}

#[test]
fn fault_01_gzip() {
    assert_totals(&folder("01-gzip").join("a.tsv.gz"), b"circumvallate\t596\n");
}

#[test]
fn fault_02_version_3() {
    let files: [(&str, &[u8]); 4] = [
        ("eng-1.tsv", b"Aardvark\t5\ncircumvallate\t596\n"),
        ("one-year.tsv", b"w\t335\n"),
        ("three-years.tsv", b"w\t340\n"),
        ("four-years.tsv", b"w\t341\n"),
    ];
    for (file, totals) in files {
        assert_totals(&folder("02-version-3").join(file), totals);
    }
}

#[test]
fn fault_03_version_1() {
    let input = folder("03-version-1").join("v1.tsv");
    let ran = done(&mut word_totals(&Sandbox::default(), &input));
    assert_refused(&ran, 1, &["v1.tsv", "2009", "convert it with `awk "]);
}

#[test]
fn fault_04_bom() {
    assert_totals(&folder("04-bom").join("bom.tsv"), b"Aardvark\t12\n");
}

#[test]
fn fault_05_utf16() {
    let input = folder("05-utf16").join("utf16.tsv");
    let ran = done(&mut word_totals(&Sandbox::default(), &input));
    assert_refused(&ran, 1, &["utf16.tsv", "is UTF-16 text", "iconv -f UTF-16 -t UTF-8"]);
}

#[test]
fn fault_06_header() {
    let input = folder("06-header").join("header.tsv");
    let ran = done(&mut word_totals(&Sandbox::default(), &input));
    assert_refused(&ran, 1, &["header.tsv", "year"]);
}

#[test]
fn fault_07_quotes() {
    let totals = b"\"\t5\n\" \"\t1\n\"open\t5\n\"quoted\"\t5\nAardvark_NOUN\t5\n_START_\t5\na\0b\t2\n\xff\xfe\t3\n";
    assert_totals(&folder("07-quotes").join("quotes.tsv"), totals);
}

#[test]
fn fault_08_nul_tail() {
    let input = folder("08-nul-tail").join("preallocated.tsv");
    let ran = done(&mut word_totals(&Sandbox::default(), &input));
    assert_refused(&ran, 1, &["preallocated.tsv", "line 2", "NUL bytes", "download"]);
}

/// Arguments of a sweep of one cell and its baseline.
const TINY: [&str; 10] =
    ["--tasks", "noop", "--strategies", "rayon", "--cores", "1", "--sizes", "100", "--blocks", "1"];

#[test]
fn fault_09_broken_pipe() {
    let sandbox = Sandbox::default();
    // Nobody reads this pipe.
    let closed = || Stdio::from(std::io::pipe().expect("a pipe can be made").1);
    for (command, codes) in [("list", &[0][..]), ("doctor", &[0, 1])] {
        let ended = done(sandbox.goldilocks().arg(command).stdout(closed()));
        let code = ended.status.code().expect("no signal ends it");
        assert!(codes.contains(&code), "{command}: {code}");
        assert_eq!(String::from_utf8_lossy(&ended.stderr), "", "{command}");
    }
    let full = || File::options().write(true).open("/dev/full").expect("Linux has it");
    for stderr in [closed(), full().into()] {
        let sandbox = Sandbox::default();
        let swept = done(sandbox.sweep(TINY).stderr(stderr));
        assert!(testbed::completed(swept.status), "{}", swept.status);
        assert!(sandbox.run().expect("there is a run").join("report.html").is_file());
    }
}

#[test]
fn fault_11_binary_replaced() {
    let sandbox = Sandbox::default();
    let (program, new) = (sandbox.path("program"), sandbox.path("new"));
    for copy in [&program, &new] {
        std::fs::copy(testbed::goldilocks(), copy).expect("our own folder");
    }
    let mut sweep = Command::new(&program);
    sweep.args([
        "sweep",
        "--anyway",
        "--tasks",
        "virtual_work",
        "--waits",
        "20",
        "--wait-us",
        "2000",
        "--samples",
        "1",
    ]);
    sweep.args(["--strategies", "rayon,sequential", "--sizes", "5", "--cores", "1", "--blocks", "3"]);
    sweep.arg("--runs").arg(sandbox.runs()).arg("--data").arg(sandbox.path("data"));
    let sweep = sweep.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let sweep = sweep.expect("it is a copy of a program");
    wait_for("first sample", || (sandbox.journal().iter().filter(|byte| **byte == b'\n').count() > 1).then_some(()));
    // As cargo does: the new program takes the name of the old one.
    std::fs::rename(&new, &program).expect("our own folder");
    let ended = sweep.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(testbed::completed(ended.status), "{said}");
    assert!(sandbox.record().ended.is_some_and(|ended| !ended.interrupted && ended.blocks == 3), "{said}");
    assert!(sandbox.run().expect("there is a run").join("report.html").is_file());
}

/// A private server for one test.
fn server() -> Server {
    let environment = Environment { address: None, ..Environment::of_this_process() };
    Server::open(&environment, 0).expect("PostgreSQL comes up; `goldilocks setup` installs it")
}

fn carry_out(server: &Server, statement: &str) {
    let (client, mut driver) = connect(&server.url()).expect("the server answers");
    driver.block_on(client.batch_execute(statement)).expect("the statement is right");
}

/// A command that streams a table from the server at `address`.
fn cursor_pages(sandbox: &Sandbox, address: &str) -> Command {
    let mut goldilocks = sandbox.goldilocks();
    goldilocks.args(["run", "--task", "cursor_pages", "--strategy", "rayon", "--samples", "1", "--processes", "1"]);
    goldilocks.args(["--rows", "1000"]).env("DATABASE_URL", address);
    goldilocks
}

#[test]
fn fault_13_pgbouncer() {
    let Some(program) = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"].into_iter().find(|it| Path::new(it).is_file())
    else {
        eprintln!("skipped: pgbouncer is not installed");
        return;
    };
    let server = server();
    let loaded =
        "CREATE TABLE public.theirs AS SELECT i AS product_id, 'tea' AS product_name FROM generate_series(1, 9000) i";
    carry_out(&server, loaded);
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
    let folder = server.directory().expect("it is private").join("run");
    let settings = std::fs::read_to_string(self::folder("13-pgbouncer").join("pgbouncer.ini")).expect("it is kept");
    let settings = settings.replace("FOLDER", &folder.display().to_string()).replace("PORT", &port.to_string());
    let sandbox = Sandbox::default();
    std::fs::write(sandbox.path("pgbouncer.ini"), settings).expect("our own folder");
    // Root may not run it, and only the server's user may connect to the server.
    let mut pooler = match rustix::process::geteuid().is_root() {
        true => {
            let mut runuser = Command::new("runuser");
            runuser.args(["-u", "postgres", "--", program]);
            runuser
        }
        false => Command::new(program),
    };
    let pooler = pooler.arg(sandbox.path("pgbouncer.ini")).stdin(Stdio::null()).stderr(Stdio::null()).spawn();
    let _pooler = Ended(pooler.expect("it starts"));
    wait_for("pooler", || TcpStream::connect(("127.0.0.1", port)).ok());
    let address = format!("postgresql://goldilocks@127.0.0.1:{port}/postgres");
    for table in [&[][..], &["--table", "public.theirs"]] {
        let ran = done(cursor_pages(&sandbox, &address).args(table));
        assert_refused(&ran, 1, &["pool_mode=transaction", "DATABASE_URL"]);
    }
}

/// A process that is ended with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // `runuser` passes this signal on. If the process is gone already, nothing is left to do.
        let _ = kill_process(Pid::from_child(&self.0), Signal::TERM);
        let _ = self.0.wait();
    }
}

#[test]
fn fault_14_foreign_url() {
    for (address, named) in [
        ("mysql://u:p@localhost/app", "`mysql:`"),
        ("sqlite:///tmp/x.db", "`sqlite:`"),
        ("postgresql+asyncpg://me@localhost/db", "asyncpg"),
        ("postgresql://me@localhost/db?schema=public", "`schema`"),
        ("postgresql://me@localhost/db?sslmode=verify-full", "sslmode"),
    ] {
        let ran = done(&mut cursor_pages(&Sandbox::default(), address));
        assert_refused(&ran, 1, &[named, "DATABASE_URL", "private server"]);
    }
}

#[test]
fn fault_15_target_session_attrs() {
    let servers = [server(), server()];
    carry_out(&servers[0], "ALTER DATABASE postgres SET default_transaction_read_only = on");
    let folders =
        servers.each_ref().map(|server| server.directory().expect("it is private").join("run").display().to_string());
    let address = format!("host={} user=goldilocks dbname=postgres target_session_attrs=read-write", folders.join(","));
    let ran = done(&mut cursor_pages(&Sandbox::default(), &address));
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    // Nobody listens on port 1, and the error shows that the program tried to connect.
    let ran = done(&mut cursor_pages(&Sandbox::default(), "hostaddr=127.0.0.1 port=1 user=me dbname=postgres"));
    assert_refused(&ran, 1, &["cannot connect to", "127.0.0.1:1"]);
}

#[test]
fn fault_16_last_words() {
    let sandbox = Sandbox::default();
    let said = ["0", "1", "full"].map(|backtrace| {
        // Too little memory for the workers' stacks.
        let script = format!("ulimit -v 900000 && export RUST_BACKTRACE={backtrace} && exec \"$0\" \"$@\"");
        let ran = Command::new("sh")
            .args(["-c", &script])
            .arg(testbed::goldilocks())
            .args([
                "run",
                "--task",
                "count",
                "--increments",
                "1000000",
                "--strategy",
                "threads_shared",
                "--samples",
                "1",
            ])
            .args(["--cores", "1", "--workers", "900", "--size", "1", "--how-many", "2000"])
            .current_dir(sandbox.path(""))
            .output()
            .expect("there is a shell");
        assert_refused(&ran, 3, &["threads_shared"]);
        String::from_utf8_lossy(&ran.stderr).into_owned()
    });
    assert!(said[0] == said[1] && said[1] == said[2], "{said:#?}");
    assert_eq!(said[0].lines().count(), 1, "{}", said[0]);
}

#[test]
fn fault_18_dev_stdout() {
    let sandbox = Sandbox::default();
    let input = sandbox.path("a.tsv");
    std::fs::write(&input, "Aardvark\t1999\t5\t1\n").expect("our own folder");
    for output in ["/dev/stdout", "-"] {
        let ran = done(word_totals(&sandbox, &input).args(["--output", output]));
        assert!(ran.status.success(), "{output}: {}", String::from_utf8_lossy(&ran.stderr));
        assert_eq!(String::from_utf8_lossy(&ran.stdout), "Aardvark\t5\n", "{output}");
    }
    assert!(!sandbox.path("-").exists());
}

#[test]
fn fault_19_non_utf_8() {
    let sandbox = Sandbox::default();
    let input = sandbox.path("a.tsv");
    std::fs::write(&input, "a\t1999\t5\t1\n").expect("our own folder");
    let output = sandbox.path("o").with_file_name(OsStr::from_bytes(b"o\xe8"));
    let ran = done(word_totals(&sandbox, &input).arg("--output").arg(&output));
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(std::fs::read(&output).expect("the total"), b"a\t5\n");
    for option in ["--data", "--runs"] {
        let ran = done(sandbox.sweep(TINY).arg(option).arg(OsStr::from_bytes(b"d\xe9")));
        assert_refused(&ran, 2, &["UTF-8"]);
    }
    assert!(!sandbox.runs().exists(), "nothing was begun");
}

#[test]
fn fault_20_endless_line() {
    let sandbox = Sandbox::default();
    let input = sandbox.path("preallocated.tsv");
    std::fs::write(&input, "a\t1999\t5\t1\n").expect("our own folder");
    // A file of holes, which take no room.
    File::options().write(true).open(&input).and_then(|file| file.set_len(1 << 30)).expect("our own file");
    // The limit is below the length of the line.
    let ran = Command::new("sh")
        .args(["-c", "ulimit -v 900000 && exec \"$0\" \"$@\""])
        .arg(testbed::goldilocks())
        .args(["run", "--task", "word_totals", "--strategy", "rayon", "--samples", "1", "--input"])
        .arg(&input)
        .current_dir(sandbox.path(""))
        .output()
        .expect("there is a shell");
    assert_refused(&ran, 1, &["preallocated.tsv", "line 2", "NUL bytes"]);
}

#[test]
fn fault_21_latin1() {
    let server = server();
    carry_out(&server, "CREATE DATABASE theirs ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    let address = server.url().replace("/postgres", "/theirs");
    let ran = done(&mut cursor_pages(&Sandbox::default(), &address));
    assert_refused(&ran, 1, &["encoding is LATIN1", "UTF8"]);
}
