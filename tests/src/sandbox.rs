//! A folder in which a test runs the program. It holds the program's temporary files, data and runs. After a run it shows
//! which files and processes remain.

use harness::journal::{FILE, find};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use system::process::ignores;
use tempfile::TempDir;

/// A temporary folder for one test, removed on drop.
pub struct Sandbox {
    folder: TempDir,
}

/// A process that was started in a sandbox, by the test or by another such process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// The process number.
    pub number: i32,
    /// The program and its arguments, separated by blanks.
    pub command: String,
}

/// Lets the programs that this process starts heed Ctrl-C, also if a shell runs the tests in the background and therefore
/// ignores it. A program inherits that a signal is ignored, but not that it is handled.
fn heed_signals() {
    for signal in [SIGHUP, SIGINT, SIGTERM].into_iter().filter(|signal| ignores(*signal)) {
        signal_hook::flag::register(signal, Arc::default()).expect("these signals can be handled");
    }
}

impl Default for Sandbox {
    fn default() -> Self {
        heed_signals();
        // The name is short because the path of a socket is limited. Everyone may read the folder because PostgreSQL may
        // run as another user.
        let folder = tempfile::Builder::new().prefix("gl-").tempdir().expect("a temporary folder can be made");
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.path(), open).expect("our own folder");
        let temp = folder.path().join("temp");
        std::fs::create_dir(&temp).expect("our own folder");
        // Otherwise the server's files would be elsewhere, where no test looks for what remains of them.
        std::fs::set_permissions(temp, std::fs::Permissions::from_mode(0o1777)).expect("our own folder");
        Sandbox { folder }
    }
}

impl Sandbox {
    /// The folder for temporary files. It must be empty before and after a run.
    pub fn temp(&self) -> PathBuf {
        self.folder.path().join("temp")
    }

    /// The folder of runs.
    pub fn runs(&self) -> PathBuf {
        self.folder.path().join("runs")
    }

    /// The path of any other file or folder in the sandbox.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command that runs the program in its own process group.
    pub fn goldilocks(&self) -> Command {
        self.command(crate::goldilocks())
    }

    /// A copy of the program, for a test that changes its file or runs it as another user.
    pub fn copied_program(&self) -> PathBuf {
        let copy = self.path("goldilocks");
        // By another process: a file that this one has open for writing cannot be started, and a process that another
        // thread starts at this moment keeps it open for longer.
        let copied = Command::new("cp").arg(crate::goldilocks()).arg(&copy).status().expect("cp is there");
        assert!(copied.success(), "our own folder");
        copy
    }

    /// A shell that runs `script` with a command as its arguments.
    pub fn goldilocks_in(&self, script: &str, command: &Command) -> Command {
        let mut shell = self.command(Path::new("/bin/sh"));
        shell.args(["-c", script]).arg(command.get_program()).args(command.get_args());
        shell
    }

    fn command(&self, program: &Path) -> Command {
        let mut goldilocks = Command::new(program);
        goldilocks.current_dir(self.folder.path()).stdin(Stdio::null()).process_group(0);
        goldilocks.env("TMPDIR", self.temp()).env("XDG_DATA_HOME", self.path("home"));
        goldilocks
    }

    /// A command that runs a sweep. With `--anyway` it runs in spite of a debug build and a busy machine.
    pub fn sweep<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        self.sweep_of(crate::goldilocks(), arguments)
    }

    /// The same with another program.
    pub fn sweep_of<A: AsRef<OsStr>>(&self, program: &Path, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut sweep = self.command(program);
        sweep
            .args(["sweep", "--anyway"])
            .arg("--runs")
            .arg(self.runs())
            .arg("--data")
            .arg(self.path("data"))
            .args(arguments);
        sweep
    }

    /// The newest run's folder, if there is a run.
    pub fn run(&self) -> Option<PathBuf> {
        find(&self.runs(), None).ok()
    }

    /// The bytes of the newest run's record; empty if there is no run.
    pub fn journal(&self) -> Vec<u8> {
        self.run().and_then(|run| std::fs::read(run.join(FILE)).ok()).unwrap_or_default()
    }

    /// The newest run's record.
    pub fn record(&self) -> record::Record {
        let run = self.run().expect("a run has been begun");
        record::read(run.join(FILE)).expect("the record can be read")
    }

    /// All running processes that were started in this sandbox.
    pub fn processes(&self) -> Vec<Process> {
        let numbers = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        numbers.filter_map(|number| self.process(number)).collect()
    }

    /// The process `number`, if it was started in this sandbox. Such processes inherit `TMPDIR`. PostgreSQL overwrites its
    /// environment, but its working directory is below the sandbox. A zombie has neither and is therefore ignored.
    fn process(&self, number: i32) -> Option<Process> {
        let place = Path::new("/proc").join(number.to_string());
        let read = |what: &str| std::fs::read(place.join(what)).unwrap_or_default();
        let folder = self.temp();
        let mine = folder.as_os_str().as_encoded_bytes();
        let mentions = |text: &[u8]| text.windows(mine.len()).any(|window| window == mine);
        let works_here = || std::fs::read_link(place.join("cwd")).is_ok_and(|folder| folder.starts_with(self.temp()));
        let command = read("cmdline");
        if !(mentions(&read("environ")) || mentions(&command) || works_here()) {
            return None;
        }
        let command = command.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ");
        Some(Process { number, command: command.trim().to_owned() })
    }

    /// The files that remain in the folder for temporary files.
    pub fn leftovers(&self) -> Vec<PathBuf> {
        std::fs::read_dir(self.temp()).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    }

    /// Waits until no process runs and no temporary file remains. Returns the time that this took. After `patience` it
    /// returns a description of what remains.
    pub fn wait_until_clear(&self, patience: Duration) -> Result<Duration, String> {
        let began = Instant::now();
        loop {
            // The files are checked first, because listing all processes takes milliseconds.
            if self.leftovers().is_empty() && self.processes().is_empty() {
                return Ok(began.elapsed());
            }
            if began.elapsed() > patience {
                let (processes, leftovers) = (self.processes(), self.leftovers());
                return Err(format!("after {patience:?} there still are {processes:?} and {leftovers:?}"));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Waits for `found` to return something, and panics after a minute.
pub fn wait_for<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < deadline, "no {what} within a minute");
        std::thread::sleep(Duration::from_millis(2));
    }
}
