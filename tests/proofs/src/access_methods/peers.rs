//! Other programs at reading the same table: asyncpg and psycopg through their cursors, and psql as the roofline.
//!
//! Each is a process that stays, so that what is timed is reading and not starting. It is told to read, and prints what
//! it has seen and what that took by its own clock. Before that it must have read the very rows that we have. psql alone
//! is started every time; what it took is from its own `\timing`, which begins with the query too.

use super::pinning::Apart;
use super::time_breakdown::{Busy, Took};
use super::{Check, copied, copy_command, every_row};
use anyhow::{Context, Result, bail, ensure};
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use tempfile::TempDir;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// A program and how it is told to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// asyncpg: `async for` over `cursor(prefetch = size)`.
    Asyncpg {
        /// Rows fetched at a time.
        size: u32,
        /// Whether on uvloop, or on asyncio's own loop as in the book.
        uvloop: bool,
    },
    /// psycopg 3: a server-side cursor, binary, `itersize = size`.
    Psycopg {
        /// Rows fetched at a time.
        size: u32,
    },
    /// `psql -c 'COPY … TO STDOUT (FORMAT binary)'`, thrown away: the roofline. Its processor time is that of the whole
    /// process.
    Psql,
}

/// All that are asked.
pub const ALL: [Program; 7] = [
    Program::Psql,
    Program::Asyncpg { size: 50, uvloop: false },
    Program::Asyncpg { size: 1_000, uvloop: false },
    Program::Asyncpg { size: 50, uvloop: true },
    Program::Asyncpg { size: 1_000, uvloop: true },
    Program::Psycopg { size: 50 },
    Program::Psycopg { size: 1_000 },
];

impl fmt::Display for Program {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Program::Asyncpg { size, uvloop: false } => write!(out, "asyncpg, prefetch {size}"),
            Program::Asyncpg { size, uvloop: true } => write!(out, "asyncpg on uvloop, prefetch {size}"),
            Program::Psycopg { size } => write!(out, "psycopg 3, itersize {size}"),
            Program::Psql => write!(out, "psql, COPY BINARY"),
        }
    }
}

const SCRIPTS: [(&str, &str); 3] = [
    ("rows.py", include_str!("../../peers/rows.py")),
    ("with_asyncpg.py", include_str!("../../peers/with_asyncpg.py")),
    ("with_psycopg.py", include_str!("../../peers/with_psycopg.py")),
];

/// What programs are started with.
pub struct Stage {
    scripts: TempDir,
    url: String,
    table: String,
    python: PathBuf,
    psql: PathBuf,
    apart: Option<(Apart, u32)>,
}

impl Stage {
    /// For the table of that name on the server at `url`, with that Python and that psql; with client and server on a
    /// processor each if that is wanted, which takes the server's first process.
    ///
    /// # Errors
    /// When the scripts cannot be written down.
    pub fn new(url: &str, table: &str, python: PathBuf, psql: PathBuf, apart: Option<(Apart, u32)>) -> Result<Self> {
        let scripts = tempfile::tempdir().context("cannot make a folder for scripts")?;
        for (name, text) in SCRIPTS {
            std::fs::write(scripts.path().join(name), text).context("cannot write a script")?;
        }
        Ok(Stage { scripts, url: url.to_owned(), table: table.to_owned(), python, psql, apart })
    }

    /// Starts a program and has it read the table once: the rows must be those that we have read.
    ///
    /// # Errors
    /// Why it is absent, or what is wrong with its rows.
    pub fn start(&self, program: Program, expected: &Check) -> Result<Peer<'_>> {
        let mut peer = match program {
            Program::Asyncpg { size, uvloop } => {
                self.script("with_asyncpg.py", size, if uvloop { &["uvloop"] } else { &[] })?
            }
            Program::Psycopg { size } => self.script("with_psycopg.py", size, &[])?,
            Program::Psql => {
                let version = Command::new(&self.psql).arg("--version").output();
                let version = version.with_context(|| format!("absent: {}", self.psql.display()))?;
                let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
                Peer { stage: self, version, expected: *expected, means: Means::Psql }
            }
        };
        peer.expected = *expected;
        peer.check()?;
        Ok(peer)
    }

    fn script(&self, name: &str, size: u32, more: &[&str]) -> Result<Peer<'_>> {
        let complaints = tempfile::tempfile().context("cannot keep what a peer complains of")?;
        let mut command = Command::new(&self.python);
        command.arg("-B").arg(self.scripts.path().join(name)).arg(every_row(&self.table)).arg(size.to_string());
        command.args(more).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(complaints.try_clone()?);
        self.address(&mut command)?;
        let mut child = command.spawn().with_context(|| format!("absent: {}", self.python.display()))?;
        let input = child.stdin.take().context("it has a pipe for its input")?;
        let output = BufReader::new(child.stdout.take().context("it has a pipe for its output")?);
        let mut script = Script { child, input: Some(input), output, complaints, server: 0 };
        let hello = script.line().map_err(|error| error.context("absent"))?;
        let (version, server) = hello.split_once(' ').context("it does not say who it is")?;
        script.server = server.parse().context("it does not say which process of the server it has")?;
        if let Some((apart, _)) = self.apart {
            apart.client(script.child.id())?;
            apart.server(script.server)?;
        }
        let (version, expected) = (version.to_owned(), Check::default());
        Ok(Peer { stage: self, version, expected, means: Means::Script(script) })
    }

    /// Tells a program where the server is, as libpq's environment does: what stands in arguments everybody can read.
    fn address(&self, command: &mut Command) -> Result<()> {
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
        let texts = [("PGUSER", config.get_user()), ("PGDATABASE", config.get_dbname())];
        for (name, text) in texts.into_iter().filter_map(|(name, text)| Some((name, text?))) {
            command.env(name, text);
        }
        if let Some(password) = config.get_password() {
            command.env("PGPASSWORD", String::from_utf8_lossy(password).into_owned());
        }
        Ok(())
    }
}

/// A program that has read the right rows once.
pub struct Peer<'a> {
    stage: &'a Stage,
    /// Its version in its own words.
    pub version: String,
    expected: Check,
    means: Means,
}

enum Means {
    Script(Script),
    Psql,
}

impl Peer<'_> {
    /// Has it read the table.
    ///
    /// # Errors
    /// When it fails, or has read other rows than we have.
    pub fn read(&mut self) -> Result<Took> {
        let Check { rows, ids, letters, .. } = self.expected;
        match &mut self.means {
            Means::Script(script) => {
                let before = Busy::of_process(script.server).ok();
                let line = script.ask("read")?;
                let figures: Vec<i64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
                let server = before.and_then(|before| Some(Busy::of_process(script.server).ok()?.since(before)));
                let [seen @ .., wall, cpu] = &figures[..] else { bail!("wrong: it printed `{line}`") };
                let wanted = [rows.cast_signed(), ids, letters.cast_signed()];
                ensure!(seen == wanted, "wrong: it has read {seen:?} (rows, ids, letters) and not {wanted:?}");
                Ok(Took::from_outside(*wall as f64, *cpu as f64, server))
            }
            Means::Psql => self.stage.psql(Path::new("/dev/null")),
        }
    }

    /// Has it read the table and say which rows those were.
    fn check(&mut self) -> Result<()> {
        let crcs = match &mut self.means {
            Means::Script(script) => {
                let line = script.ask("check")?;
                line.split(' ').next().unwrap_or_default().parse()?
            }
            Means::Psql => {
                let file = self.stage.scripts.path().join("copy");
                self.stage.psql(&file)?;
                let check: Check = copied(&std::fs::read(&file)?)?;
                std::fs::remove_file(&file)?;
                check.crcs
            }
        };
        let wanted = self.expected.crcs;
        ensure!(crcs == wanted, "wrong: its rows have the check sum {crcs} and ours {wanted}");
        Ok(())
    }
}

impl Stage {
    /// Has psql copy the table into a file; what that took by psql's own clock.
    fn psql(&self, into: &Path) -> Result<Took> {
        let (out, err) = (self.scripts.path().join("out"), self.scripts.path().join("err"));
        let mut command = Command::new(&self.psql);
        command.args(["-X", "-q", "-o"]).arg(into).args(["-c", "\\timing on", "-c", &copy_command(&self.table)]);
        command.stdin(Stdio::null()).stdout(File::create(&out)?).stderr(File::create(&err)?).env("LC_ALL", "C");
        self.address(&mut command)?;
        let mut run = || command.spawn().and_then(system::usage::wait);
        let ended = match self.apart {
            Some((apart, postmaster)) => {
                // Its server is started when it connects, by the first of the server's processes.
                apart.server(postmaster)?;
                let ended = apart.alone(run);
                apart.anywhere(postmaster)?;
                ended?
            }
            None => run(),
        };
        let ended = ended.with_context(|| format!("absent: {}", self.psql.display()))?;
        ensure!(ended.status.success(), "it failed: {}", std::fs::read_to_string(&err)?.trim());
        // `Time: 141.592 ms`, and more if it is long.
        let said = std::fs::read_to_string(&out)?;
        let time =
            said.lines().rev().find_map(|line| line.strip_prefix("Time: ")?.split(' ').next()?.parse::<f64>().ok());
        let time = time.with_context(|| format!("wrong: it printed `{}` and no time", said.trim()))?;
        Ok(Took::from_outside(time * 1e6, ended.usage.processor_time().as_nanos() as f64, None))
    }
}

/// One of our scripts, waiting to be asked.
struct Script {
    child: Child,
    /// Taken when it is to end.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    complaints: File,
    /// The server's process that it is connected to.
    server: u32,
}

impl Script {
    fn ask(&mut self, what: &str) -> Result<String> {
        let input = self.input.as_mut().context("it was told to end")?;
        // If it has ended, what it complained of says more than a broken pipe.
        let _ = writeln!(input, "{what}");
        self.line()
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            let mut complaints = String::new();
            self.complaints.rewind()?;
            self.complaints.read_to_string(&mut complaints)?;
            bail!("{}", complaints.lines().next_back().unwrap_or("it ended and says nothing"));
        }
        Ok(line.trim().to_owned())
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // At the end of its input it ends.
        self.input = None;
        let _ = self.child.wait();
    }
}
