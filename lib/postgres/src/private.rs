//! A private server: made in a private directory, started there, and removed with its owner.

use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use crate::discovery::Installation;
use crate::error::{Error, Result};
use crate::kept_files::KeptFiles;
use crate::memory::shared_buffers_megabytes;
use crate::processes;
use crate::program;
use crate::unique::unique;
use crate::user::User;
use crate::watchdog::{self, Watchdog};
use cursor::connect;
use system::memory::usable;
use system::sysfs::SystemFiles;

/// The longest path of a socket that the operating system takes: 107 bytes on Linux, 103 on macOS.
const SOCKET_PATH_LIMIT: usize = 103;

/// The file name that PostgreSQL gives to the socket of its default port.
const SOCKET: &str = ".s.PGSQL.5432";

/// How long a server may take until it answers, or until it stops.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long `initdb` may take. It writes a thousand files, which takes a second on most machines.
const PATIENCE_FOR_INITDB: Duration = Duration::from_secs(120);

/// Keeps shared memory in the data folder, so that a killed server leaves none in `/dev/shm`. Such a server's main memory is
/// freed with its processes, and the watchdog removes the small segment that marks the folder as used.
const SHARED_MEMORY: &str = "dynamic_shared_memory_type=mmap";

/// Names the data folder by its relative name, and the programs are started in it. By its full name, `initdb` would
/// create the whole path again after the watchdog has removed it.
const HERE: [&str; 2] = ["-D", "."];

/// The server's settings.
///
/// One group avoids waiting for a disk; it is safe only because the data are thrown away. Another group makes scans equal: each begins at the table's first row and uses one process and one plan, and no background work disturbs it.
const SETTINGS: &[&str] = &[
    SHARED_MEMORY,
    // After a crash of one process the server would go on with an empty table, because unlogged tables are not recovered.
    "restart_after_crash=off",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_wal_size=4GB",
    "checkpoint_timeout=1h",
    "synchronize_seqscans=off",
    "jit=off",
    "max_parallel_workers_per_gather=0",
    "autovacuum=off",
    // Each worker of `cursor_ranges` has a connection of its own.
    "max_connections=200",
    "listen_addresses=",
    "port=5432",
    "unix_socket_permissions=0700",
    "logging_collector=off",
];

/// A private server: a child process, and a watchdog over its directory.
#[derive(Debug)]
pub(crate) struct PrivateServer {
    installation: Installation,
    buffers_megabytes: u64,
    watchdog: Watchdog,
    /// What the programs write. It has no name: as root, this process could not trust a file in the server's directory.
    log: File,
    postgres: Option<Child>,
}

impl PrivateServer {
    /// Starts a server on a copy of the kept files, or on new ones.
    pub(crate) fn start(installation: &Installation, table_bytes: u64, kept: Option<&KeptFiles>) -> Result<Self> {
        let runs_as = installation.runs_as.as_ref();
        if runs_as.is_none() && rustix::process::geteuid().is_root() {
            return Err(Error::Start {
                doing: "starting PostgreSQL".into(),
                reason: "it refuses to run as root, and this machine has neither a user postgres nor nobody".into(),
                hint: "Run this as an ordinary user, or set DATABASE_URL to a running server".into(),
                log: String::new(),
            });
        }
        let folder = temporary_folder(runs_as);
        watchdog::sweep(&folder, runs_as);
        let log = processes::output_file()
            .map_err(Error::io("create a file in memory for the log of", Path::new("postgres")))?;
        let directory = folder.join(format!("{}{}", watchdog::PREFIX, unique()));
        // From here on an error drops the watchdog, and with it all that was made.
        let mut server = PrivateServer {
            installation: installation.clone(),
            buffers_megabytes: shared_buffers_megabytes(table_bytes, usable(&SystemFiles::here())),
            watchdog: Watchdog::create(&directory, runs_as, &log)?,
            log,
            postgres: None,
        };
        server.run_on(kept)?;
        Ok(server)
    }

    /// Starts the server again in the same directory, on a copy of the kept files or on new ones. It keeps its address. What is
    /// left of a server that runs or has died is removed first.
    pub(crate) fn restart(&mut self, kept: Option<&KeptFiles>) -> Result<()> {
        if let Some(mut postgres) = self.postgres.take() {
            // It fails if the server has died already.
            let _ = postgres.kill();
            let _ = postgres.wait();
        }
        self.watchdog.clear(&self.log)?;
        self.run_on(kept)
    }

    /// Fills the data folder and starts the server.
    fn run_on(&mut self, kept: Option<&KeptFiles>) -> Result<()> {
        match kept {
            Some(kept) => {
                let data = self.path("data");
                let user = self.installation.runs_as.as_ref();
                kept.restore(&data, user, &self.log).map_err(Error::io("copy kept files to", &data))?;
            }
            None => self.initialise()?,
        }
        self.run()
    }

    /// Keeps a copy of the server's files. The server stops meanwhile.
    pub(crate) fn keep_files(&mut self, kept: &KeptFiles) -> Result<()> {
        self.pause()?;
        // Without the copy, the next server loads its table again.
        let _ = kept.keep(&self.path("data"), self.installation.runs_as.as_ref(), &self.log);
        self.run()
    }

    /// Stops the server in good order, so that its files are complete, and leaves them there.
    fn pause(&mut self) -> Result<()> {
        let Some(mut postgres) = self.postgres.take() else { return Ok(()) };
        // A fast shutdown, which does not wait for clients. Sending it fails only if the server has ended already.
        let _ = rustix::process::kill_process(Pid::from_child(&postgres), Signal::INT);
        let deadline = Instant::now() + PATIENCE;
        loop {
            match postgres.try_wait().map_err(Error::io("wait for", Path::new("postgres")))? {
                None if Instant::now() < deadline => thread::sleep(Duration::from_millis(2)),
                None => {
                    self.postgres = Some(postgres);
                    return Err(self.failed("postgres", format!("it did not stop within {} s", PATIENCE.as_secs())));
                }
                Some(status) if status.success() => return Ok(()),
                Some(status) => {
                    return Err(self.failed("postgres", format!("it ended with {status} when told to stop")));
                }
            }
        }
    }

    pub(crate) fn installation(&self) -> &Installation {
        &self.installation
    }

    /// The directory that is removed at the end.
    pub(crate) fn directory(&self) -> &Path {
        self.watchdog.directory()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory().join(name)
    }

    /// The number of the server's main process, if it was started.
    pub(crate) fn process(&self) -> Option<u32> {
        self.postgres.as_ref().map(Child::id)
    }

    /// The address of the socket. It stands in place of a host name, so the folder's slashes are escaped.
    pub(crate) fn url(&self) -> String {
        let folder = self.path("run");
        let host: String = folder.as_os_str().as_bytes().iter().map(|byte| escaped(*byte)).collect();
        format!("postgresql://goldilocks@{host}:5432/postgres")
    }

    fn start_program(&self, name: &str, arguments: &[String]) -> Result<Child> {
        program::start(&self.installation, name, arguments, &self.log, &self.path("data"))
    }

    fn initialise(&self) -> Result<()> {
        let mut initdb = self.start_program("initdb", &initdb_arguments(&self.installation))?;
        let status = processes::wait(&mut initdb, PATIENCE_FOR_INITDB);
        let failure = match status.map_err(Error::io("wait for", &self.installation.programs.join("initdb")))? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => self.failed("initdb", format!("it ended with {status}")),
            None => self.failed("initdb", format!("it did not end within {} s", PATIENCE_FOR_INITDB.as_secs())),
        };
        // A program that initdb ran may have aborted and left shared memory behind. The next one in the folder removes it.
        if let Ok(mut check) = self.start_program("postgres", &["--check", "-D", "."].map(String::from)) {
            let _ = processes::wait(&mut check, PATIENCE);
        }
        Err(failure)
    }

    /// Starts the server on its files and waits until it answers.
    fn run(&mut self) -> Result<()> {
        // The setting is a list of folders, in which quotes protect commas and blanks.
        let folder = text(&self.path("run"))?.replace('"', "\"\"");
        let chosen =
            [format!("unix_socket_directories=\"{folder}\""), format!("shared_buffers={}MB", self.buffers_megabytes)];
        let mut arguments = HERE.map(String::from).to_vec();
        for setting in SETTINGS.iter().map(|setting| setting.to_string()).chain(chosen) {
            arguments.extend(["-c".to_string(), setting]);
        }
        self.postgres = Some(self.start_program("postgres", &arguments)?);

        let deadline = Instant::now() + PATIENCE;
        let url = self.url();
        loop {
            let error = match connect(&url) {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            if let Some(Ok(Some(status))) = self.postgres.as_mut().map(Child::try_wait) {
                return Err(self.failed("postgres", format!("it ended with {status}")));
            }
            if Instant::now() > deadline {
                let reason = format!("it did not answer within {} s ({error})", PATIENCE.as_secs());
                return Err(self.failed("postgres", reason));
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn failed(&self, program: &str, reason: String) -> Error {
        let log = processes::tail(&self.log);
        let lines: Vec<&str> = log.lines().collect();
        Error::Start {
            doing: format!("starting a private server ({program})"),
            reason,
            hint: "Read the log below; to use another server, set PGBIN or DATABASE_URL".into(),
            log: lines[lines.len().saturating_sub(8)..].join("\n"),
        }
    }

    pub(crate) fn stop(&mut self) -> Result<()> {
        self.watchdog.end(self.postgres.as_mut())
    }
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        // What is left after a failure here, the next start sweeps.
        let _ = self.stop();
    }
}

/// The arguments of `initdb`.
pub(crate) fn initdb_arguments(installation: &Installation) -> Vec<String> {
    let mut arguments = HERE.to_vec();
    arguments.extend([
        "--username=goldilocks",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
        "--no-sync",
        "--no-instructions",
        // Without it, an interrupted initdb would remove the file that names the shared memory left behind.
        "--no-clean",
    ]);
    let setting = format!("--set={SHARED_MEMORY}");
    if installation.major() >= 16 {
        // Older releases do not have the option. There the watchdog finds what a killed initdb leaves in memory.
        arguments.push(&setting);
    }
    if installation.major() >= 18 {
        // Release 18 turns checksums on, at a cost that older releases do not have.
        arguments.push("--no-data-checksums");
    }
    arguments.into_iter().map(String::from).collect()
}

/// The folder for temporary files, if the server's user can use it and the socket's path fits; otherwise `/tmp`.
fn temporary_folder(runs_as: Option<&User>) -> PathBuf {
    let folder = std::env::temp_dir();
    let example = folder.join(format!("{}12345678", watchdog::PREFIX)).join("run").join(SOCKET);
    // The watchdog reads lists of paths, one a line.
    let is_text = folder.to_str().is_some_and(|name| !name.contains(char::is_control));
    let fits = folder.is_absolute() && is_text && example.as_os_str().len() <= SOCKET_PATH_LIMIT;
    let usable = runs_as.is_none_or(|user| user.stopped_at(&folder).is_none() && user.may_create_in(&folder));
    if fits && usable { folder } else { PathBuf::from("/tmp") }
}

/// A path as text, because PostgreSQL's arguments are text.
fn text(path: &Path) -> Result<&str> {
    let problem = || std::io::Error::other("its name is not UTF-8; set TMPDIR to another folder");
    path.to_str().ok_or_else(|| Error::io("use", path)(problem()))
}

fn escaped(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}
