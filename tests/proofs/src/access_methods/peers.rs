//! Other programs that read the same table: asyncpg and psycopg through their cursors, and psql as the reference.
//!
//! A Python peer is a long-running process, so only reading is timed. On request it reads the table and prints its totals
//! and the cost by its own clock. The check sum of a first, untimed read must equal ours. psql starts anew for each read.
//! Its own `\timing` measures the time, also from the query on.

use super::pinning::Pinning;
use super::rows::{Check, copied, copy_command, every_row};
use super::time_breakdown::{Busy, Cost};
use anyhow::{Context, Result, bail, ensure};
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use tempfile::TempDir;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// A program and its way of reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// asyncpg: `async for` over `cursor(prefetch = …)`, on asyncio's own loop as in the book.
    Asyncpg(u32),
    /// asyncpg on uvloop.
    AsyncpgUvloop(u32),
    /// psycopg 3: a server-side cursor, binary, `itersize = …`.
    Psycopg(u32),
    /// `psql -c 'COPY … TO STDOUT (FORMAT binary)'` to /dev/null. Its processor time is that of the whole process.
    Psql,
}

/// All measured programs.
pub const ALL: [Program; 7] = [
    Program::Psql,
    Program::Asyncpg(50),
    Program::Asyncpg(1_000),
    Program::AsyncpgUvloop(50),
    Program::AsyncpgUvloop(1_000),
    Program::Psycopg(50),
    Program::Psycopg(1_000),
];

impl fmt::Display for Program {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Program::Asyncpg(size) => write!(out, "asyncpg, prefetch {size}"),
            Program::AsyncpgUvloop(size) => write!(out, "asyncpg on uvloop, prefetch {size}"),
            Program::Psycopg(size) => write!(out, "psycopg 3, itersize {size}"),
            Program::Psql => write!(out, "psql, COPY BINARY"),
        }
    }
}

const SCRIPTS: [(&str, &str); 3] = [
    ("rows.py", include_str!("../../peers/rows.py")),
    ("with_asyncpg.py", include_str!("../../peers/with_asyncpg.py")),
    ("with_psycopg.py", include_str!("../../peers/with_psycopg.py")),
];

/// Everything that the programs need to start.
pub struct Launcher {
    scripts: TempDir,
    url: String,
    table: String,
    python: PathBuf,
    psql: PathBuf,
    pinning: Option<(Pinning, u32)>,
}

impl Launcher {
    /// Prepares programs that read a table on the server at `url`, with the given Python and psql. `pinning` includes the
    /// server's main process. With it, client and server get one core each.
    pub fn new(
        url: &str,
        table: &str,
        python: PathBuf,
        psql: PathBuf,
        pinning: Option<(Pinning, u32)>,
    ) -> Result<Self> {
        let scripts = tempfile::tempdir().context("cannot make a folder for the scripts")?;
        for (name, text) in SCRIPTS {
            std::fs::write(scripts.path().join(name), text).context("cannot write a script")?;
        }
        Ok(Launcher { scripts, url: url.to_owned(), table: table.to_owned(), python, psql, pinning })
    }

    /// Starts a program and makes it read the table once. Fails if the program is absent or its rows differ from
    /// `expected`.
    pub fn start(&self, program: Program, expected: &Check) -> Result<Peer<'_>> {
        let (version, script) = match program {
            Program::Asyncpg(size) => self.script("with_asyncpg.py", size, &[])?,
            Program::AsyncpgUvloop(size) => self.script("with_asyncpg.py", size, &["uvloop"])?,
            Program::Psycopg(size) => self.script("with_psycopg.py", size, &[])?,
            Program::Psql => {
                let version = Command::new(&self.psql).arg("--version").output();
                let version = version.with_context(|| format!("absent: {}", self.psql.display()))?;
                (String::from_utf8_lossy(&version.stdout).trim().to_owned(), None)
            }
        };
        let mut peer = Peer { launcher: self, version, expected: *expected, script };
        peer.check()?;
        Ok(peer)
    }

    fn script(&self, name: &str, size: u32, more: &[&str]) -> Result<(String, Option<Script>)> {
        let errors = tempfile::tempfile().context("cannot make a file for a peer's errors")?;
        let mut command = Command::new(&self.python);
        command.arg("-B").arg(self.scripts.path().join(name)).arg(every_row(&self.table)).arg(size.to_string());
        command.args(more).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors.try_clone()?);
        self.set_address(&mut command)?;
        let mut child = command.spawn().with_context(|| format!("absent: {}", self.python.display()))?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().context("its output is a pipe")?);
        let mut script = Script { child, input, output, errors, server: 0 };
        let hello = script.line().map_err(|error| error.context("absent"))?;
        let (version, server) = hello.split_once(' ').context("it does not print its version")?;
        script.server = server.parse().context("it does not print its server process")?;
        if let Some((pinning, _)) = self.pinning {
            pinning.client(script.child.id())?;
            pinning.server(script.server)?;
        }
        Ok((version.to_owned(), Some(script)))
    }

    /// Passes the server's address in libpq's environment variables, because every user can see a process's arguments.
    fn set_address(&self, command: &mut Command) -> Result<()> {
        let config: Config = self.url.parse()?;
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
            command.env_remove(name);
        }
        match config.get_hosts().first() {
            Some(Host::Unix(folder)) => command.env("PGHOST", folder),
            Some(Host::Tcp(name)) => command.env("PGHOST", name),
            None => bail!("the server's address names no host"),
        };
        command.env("PGPORT", config.get_ports().first().copied().unwrap_or(5432).to_string());
        command.envs(config.get_user().map(|user| ("PGUSER", user)));
        command.envs(config.get_dbname().map(|name| ("PGDATABASE", name)));
        command.envs(config.get_password().map(|word| ("PGPASSWORD", String::from_utf8_lossy(word).into_owned())));
        Ok(())
    }

    /// Copies the table into a file with psql. psql's own clock measures the cost.
    fn psql(&self, into: &Path) -> Result<Cost> {
        let (out, err) = (self.scripts.path().join("out"), self.scripts.path().join("err"));
        let mut command = Command::new(&self.psql);
        command.args(["-X", "-q", "-o"]).arg(into).args(["-c", "\\timing on", "-c", &copy_command(&self.table)]);
        command.stdin(Stdio::null()).stdout(File::create(&out)?).stderr(File::create(&err)?).env("LC_ALL", "C");
        self.set_address(&mut command)?;
        let mut run = || command.spawn().and_then(system::usage::wait);
        let ended = match self.pinning {
            Some((pinning, postmaster)) => {
                // The server's main process starts the session's process, which inherits its core.
                pinning.server(postmaster)?;
                let ended = pinning.on_client_core(run);
                pinning.anywhere(postmaster)?;
                ended?
            }
            None => run(),
        };
        let ended = ended.with_context(|| format!("absent: {}", self.psql.display()))?;
        ensure!(ended.status.success(), "it failed: {}", std::fs::read_to_string(&err)?.trim());
        // psql prints `Time: 141.592 ms`, and appends a longer form to long times.
        let printed = std::fs::read_to_string(&out)?;
        let time = |line: &str| line.strip_prefix("Time: ")?.split(' ').next()?.parse::<f64>().ok();
        let time = printed.lines().rev().find_map(time);
        let time = time.with_context(|| format!("wrong: it printed `{}` and no time", printed.trim()))?;
        Ok(Cost::from_outside(time * 1e6, ended.usage.processor_time().as_nanos() as f64, None))
    }
}

/// A started program that has read the correct rows once.
pub struct Peer<'a> {
    launcher: &'a Launcher,
    /// The version, as the program reports it.
    pub version: String,
    expected: Check,
    /// The Python process; `None` for psql.
    script: Option<Script>,
}

impl Peer<'_> {
    /// Reads the table. Fails if the program fails or its rows differ from the expected ones.
    pub fn read(&mut self) -> Result<Cost> {
        let Some(script) = &mut self.script else { return self.launcher.psql(Path::new("/dev/null")) };
        let before = Busy::of_process(script.server).ok();
        let line = script.request("read")?;
        let figures: Vec<i64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        let server = before.and_then(|before| Some(Busy::of_process(script.server).ok()?.since(before)));
        let [seen @ .., wall, cpu] = &figures[..] else { bail!("wrong: it printed `{line}`") };
        let Check { rows, ids, characters, .. } = self.expected;
        let wanted = [rows.cast_signed(), ids, characters.cast_signed()];
        ensure!(seen == wanted, "wrong: it has read {seen:?} (rows, ids, characters) and not {wanted:?}");
        Ok(Cost::from_outside(*wall as f64, *cpu as f64, server))
    }

    /// Reads the table and compares the check sum of its rows with ours.
    fn check(&mut self) -> Result<()> {
        let crcs = if let Some(script) = &mut self.script {
            script.request("check")?.split(' ').next().unwrap_or_default().parse()?
        } else {
            let file = self.launcher.scripts.path().join("copy");
            self.launcher.psql(&file)?;
            let check: Check = copied(&std::fs::read(&file)?)?;
            std::fs::remove_file(&file)?;
            check.crcs
        };
        let wanted = self.expected.crcs;
        ensure!(crcs == wanted, "wrong: its rows have the check sum {crcs} and ours {wanted}");
        Ok(())
    }
}

/// One of our Python scripts, waiting for requests. It ends at the end of its input.
struct Script {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    errors: File,
    /// The server process of the script's connection.
    server: u32,
}

impl Script {
    fn request(&mut self, what: &str) -> Result<String> {
        let input = self.input.as_mut().context("its input is a pipe")?;
        // If the script has ended, its own error message is more useful than a broken pipe.
        let _ = writeln!(input, "{what}");
        self.line()
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            let mut errors = String::new();
            self.errors.rewind()?;
            self.errors.read_to_string(&mut errors)?;
            bail!("{}", errors.lines().next_back().unwrap_or("it ended without a message"));
        }
        Ok(line.trim().to_owned())
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.child.wait();
    }
}
