//! The programs that `goldilocks peers` compares, and the commands that start them.

use record::Role;
use std::path::Path;
use std::process::{Command, Stdio};

/// A program to time.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// The program's name on the command line, in the record and in the report.
    pub name: &'static str,
    /// One sentence about what the program does.
    pub about: &'static str,
    pub(super) role: Role,
    /// Whether the program can use more than one thread.
    pub(super) parallel: bool,
    launch: Launch,
}

/// The way to start a program.
#[derive(Debug, Clone, Copy)]
enum Launch {
    /// This program, with `whole` and these arguments.
    Own(&'static [&'static str]),
    /// Python with our script, and the module that the script imports.
    Python { script: &'static str, module: Option<&'static str> },
    /// mawk with our script.
    Mawk,
    /// `wc -l`.
    LineCount,
}

const fn own(name: &'static str, about: &'static str, arguments: &'static [&'static str]) -> Program {
    Program { name, about, role: Role::Own, parallel: true, launch: Launch::Own(arguments) }
}

const fn python(
    name: &'static str,
    about: &'static str,
    script: &'static str,
    module: Option<&'static str>,
    parallel: bool,
) -> Program {
    Program { name, about, role: Role::Other, parallel, launch: Launch::Python { script, module } }
}

/// The programs that `goldilocks peers` times by default: the floors, this program, and other programs.
pub const ALL: &[Program] = &[
    Program {
        name: "line_count",
        about: "`wc -l`: counts line feeds and nothing else.",
        role: Role::Floor,
        parallel: false,
        launch: Launch::LineCount,
    },
    Program {
        name: "byte_sum",
        about: "Adds up the bytes of a memory map, eight at a time.",
        role: Role::Floor,
        parallel: true,
        launch: Launch::Own(&["--floor", "--read", "map"]),
    },
    own("runs_map", "This program: the kernel runs over a memory map.", &["--kernel", "runs", "--read", "map"]),
    own("runs_pread", "This program: the kernel runs, memory bounded.", &["--kernel", "runs", "--read", "pread"]),
    own("bytes_pread", "This program: the kernel bytes, memory bounded.", &["--kernel", "bytes", "--read", "pread"]),
    own("book_pread", "This program: the kernel book, memory bounded.", &["--kernel", "book", "--read", "pread"]),
    python("polars", "Polars: a lazy scan, its streaming engine.", "with_polars.py", Some("polars"), true),
    python("duckdb", "DuckDB: GROUP BY over read_csv.", "with_duckdb.py", Some("duckdb"), true),
    Program {
        name: "mawk",
        about: "mawk: one associative array.",
        role: Role::Other,
        parallel: false,
        launch: Launch::Mawk,
    },
    python("python", "Python in its simplest form: a loop and a dictionary.", "one_process.py", None, false),
    python("python_pool", "Python with asyncio and a process pool, 60,000 lines a job.", "process_pool.py", None, true),
];

/// The kernel `runs` on each of its code paths, for `prove speed`.
pub const PATHS: &[Program] = &[
    own("portable", "The portable path over a map.", &["--kernel", "runs", "--read", "map", "--vector", "portable"]),
    own("avx2", "The AVX2 path over a map.", &["--kernel", "runs", "--read", "map", "--vector", "avx2"]),
    Program {
        name: "byte_sum_let_go",
        about: "A sum of the map's bytes whose threads share the unmapping.",
        role: Role::Floor,
        parallel: true,
        launch: Launch::Own(&["--floor", "--read", "map", "--let-go"]),
    },
    own("avx512", "The AVX-512 path over a map.", &["--kernel", "runs", "--read", "map", "--vector", "avx512"]),
];

/// The scripts. They import each other, so they need a common folder.
pub(super) const SCRIPTS: &[(&str, &str)] = &[
    ("report.py", include_str!("../../peers/report.py")),
    ("lines.py", include_str!("../../peers/lines.py")),
    ("one_process.py", include_str!("../../peers/one_process.py")),
    ("process_pool.py", include_str!("../../peers/process_pool.py")),
    ("with_duckdb.py", include_str!("../../peers/with_duckdb.py")),
    ("with_polars.py", include_str!("../../peers/with_polars.py")),
    ("totals.awk", include_str!("../../peers/totals.awk")),
];

/// The paths that are needed to start peers on this machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Launchers<'a> {
    pub(super) goldilocks: &'a Path,
    pub(super) python: &'a Path,
    /// The folder of the scripts.
    pub(super) scripts: &'a Path,
}

impl Program {
    /// Asks the program for its version. The error is the reason why the program is missing.
    pub(super) fn version(&self, python: &Path) -> Result<String, String> {
        let (start, arguments) = match self.launch {
            Launch::Own(_) => return Ok(env!("CARGO_PKG_VERSION").to_owned()),
            Launch::LineCount => (Path::new("wc"), vec!["--version".to_owned()]),
            Launch::Mawk => (Path::new("mawk"), vec!["-W".to_owned(), "version".to_owned()]),
            Launch::Python { module: None, .. } => (python, vec!["--version".to_owned()]),
            Launch::Python { module: Some(module), .. } => {
                (python, vec!["-c".to_owned(), format!("import {module}; print({module}.__version__)")])
            }
        };
        let absent = |why: String| format!("absent: {why}");
        let output = Command::new(start).args(arguments).stdin(Stdio::null()).output();
        let output = output.map_err(|error| absent(format!("{}: {error}", start.display())))?;
        if !output.status.success() {
            return Err(absent(last_line(&output.stderr)));
        }
        Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned())
    }

    /// Builds the command that runs the program over `file` and writes the totals to `output`, if given.
    pub(super) fn command(&self, launchers: Launchers, threads: u32, file: &Path, output: Option<&Path>) -> Command {
        let number = threads.to_string();
        match self.launch {
            Launch::Own(arguments) => {
                let mut command = Command::new(launchers.goldilocks);
                command.arg("whole").args(arguments).args(["--threads", &number, "--input"]).arg(file);
                if let Some(output) = output {
                    command.arg("--output").arg(output);
                }
                command
            }
            Launch::Python { script, .. } => {
                let mut command = Command::new(launchers.python);
                // Keep no bytecode on disk, so that Python compiles the script on every run, as it compiles a user's
                // script.
                command.arg("-B").arg(launchers.scripts.join(script)).arg(file).arg(&number).args(output);
                command
            }
            Launch::Mawk => {
                let mut command = Command::new("mawk");
                // Not an assignment, because mawk interprets backslashes in its value.
                command.env("TOTALS", output.unwrap_or(Path::new("")));
                command.arg("-f").arg(launchers.scripts.join("totals.awk")).arg(file).env("LC_ALL", "C");
                command
            }
            Launch::LineCount => {
                let mut command = Command::new("wc");
                command.arg("-l").arg(file);
                command
            }
        }
    }
}

/// Returns the last line that a program wrote to standard error.
pub(super) fn last_line(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it printed no error").trim().to_owned()
}
