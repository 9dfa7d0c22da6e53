//! Times a distributed engine with `goldilocks-cluster`, a program of its own, because its libraries take long to compile.

use super::{Contest, Workspace};
use anyhow::{Context, Result, bail, ensure};
use record::Peer;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The program that knows engines.
const PROGRAM: &str = "goldilocks-cluster";

/// The engine to time.
#[derive(Debug, Clone)]
pub struct Engine {
    /// `sail`, `spark`, or the address of an engine that runs already.
    pub name: String,
    /// The folder in which Sail and Spark are installed.
    pub installed: PathBuf,
    /// The path of the file as the engine finds it, if it is another.
    pub input: Option<PathBuf>,
    /// How many seconds the engine's start, and each query, may take.
    pub deadline: f64,
}

impl Contest {
    /// Times an engine on each number of threads. Our own totals are computed first, because every answer is compared
    /// with them.
    ///
    /// # Errors
    /// When our own totals cannot be computed, or the program is missing or fails.
    pub fn run_engine(&self, engine: &Engine) -> Result<Vec<Peer>> {
        // Engines ignore names that begin with a dot, as those of temporary folders do.
        let folder = tempfile::Builder::new().prefix("goldilocks-").tempdir();
        let folder = folder.context("cannot create a folder for the totals")?;
        let workspace = Workspace { contest: self, folder: folder.path() };
        let (first_line, expected) = (workspace.first_line()?, self.expected(folder.path())?);
        let list = |numbers: &[usize]| numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        let mut command = Command::new(program());
        command.arg("measure").arg(&engine.name).arg("--installed").arg(&engine.installed);
        command.arg("--input").arg(engine.input.as_ref().unwrap_or(&self.file));
        command.arg("--expected").arg(&expected.totals).args(["--cores", &list(&self.threads)]);
        command.args(["--rounds", &self.rounds.to_string(), "--deadline", &engine.deadline.to_string()]);
        command.args(["--long", &self.long.as_secs_f64().to_string()]);
        if !engine.name.contains("://") {
            // A cluster elsewhere can neither read our temporary file nor be restricted to processors.
            command.arg("--first-line").arg(first_line).args(["--processors", &list(&self.processors)]);
        }
        let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
        let output = output.with_context(|| format!("cannot start {PROGRAM}; `just cluster` builds it"))?;
        if !output.status.success() {
            bail!("{PROGRAM} failed; it says why above");
        }
        let lines = String::from_utf8(output.stdout).context("the lines are not text")?;
        let peers = lines.lines().map(serde_json::from_str::<Peer>).collect::<Result<Vec<_>, _>>();
        let peers =
            peers.with_context(|| format!("{PROGRAM} is of another version; `just cluster` builds it again"))?;
        ensure!(!peers.is_empty(), "{PROGRAM} printed no line");
        Ok(peers)
    }
}

/// The program beside this one, or else on `PATH`.
fn program() -> PathBuf {
    let beside = std::env::current_exe().ok().map(|own| own.with_file_name(PROGRAM));
    beside.filter(|program| program.is_file()).unwrap_or_else(|| PROGRAM.into())
}
