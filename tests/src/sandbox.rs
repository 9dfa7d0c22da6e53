//! A folder to run the program in: it holds the program's temporary files, data and runs, and shows what it leaves behind.

use harness::journal::{FILE, find};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A folder of its own, removed on drop.
pub struct Sandbox {
    folder: TempDir,
}

/// A process that was started in a sandbox, directly or by another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub number: i32,
    /// Its program and arguments, separated by blanks.
    pub command: String,
}

impl Default for Sandbox {
    fn default() -> Self {
        // A short name, because the path of a socket is limited; open to all, because PostgreSQL may run as another user.
        let folder = tempfile::Builder::new().prefix("gl-").tempdir().expect("a temporary folder can be made");
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.path(), open).expect("our own folder");
        std::fs::create_dir(folder.path().join("temp")).expect("our own folder");
        Sandbox { folder }
    }
}

impl Sandbox {
    /// The folder for temporary files: empty before and after.
    pub fn temp(&self) -> PathBuf {
        self.folder.path().join("temp")
    }

    /// The folder of runs.
    pub fn runs(&self) -> PathBuf {
        self.folder.path().join("runs")
    }

    /// A path for anything else.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program, to be started in a process group of its own.
    pub fn goldilocks(&self) -> Command {
        let mut goldilocks = Command::new(crate::goldilocks());
        goldilocks.current_dir(self.folder.path()).env("TMPDIR", self.temp()).stdin(Stdio::null()).process_group(0);
        goldilocks
    }

    /// A sweep, to be started in spite of a debug build and of other tests.
    pub fn sweep<A: AsRef<std::ffi::OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut sweep = self.goldilocks();
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

    /// Every process that was started in here and still runs.
    pub fn processes(&self) -> Vec<Process> {
        let numbers = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        numbers.filter_map(|number| self.process(number)).collect()
    }

    /// The process of that number if it was started in here. All of them inherit `TMPDIR`. PostgreSQL overwrites its
    /// environment, but works in a folder below. A zombie has neither.
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

    /// What is left in the folder for temporary files.
    pub fn leftovers(&self) -> Vec<PathBuf> {
        std::fs::read_dir(self.temp()).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    }

    /// Waits until no process runs and no temporary file is left. Returns how long that took, or what is left after
    /// `patience`.
    pub fn wait_until_clear(&self, patience: Duration) -> Result<Duration, String> {
        let began = Instant::now();
        loop {
            // Listing every process takes milliseconds, so the files come first.
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
