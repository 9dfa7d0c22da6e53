//! A server of our own: made in a private directory, started, and gone with its owner.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use crate::cluster::Cluster;
use crate::discovery::Found;
use crate::error::{Error, Result};
use crate::external::unique;
use crate::memory::{available_bytes, shared_buffers_megabytes};
use crate::program;
use crate::user::User;
use crate::watchdog::{self, Watchdog};
use cursor::connection::connect;

/// A socket's path must fit into the operating system's address structure: 107 bytes on Linux, 103 on macOS.
const SOCKET_PATH_LIMIT: usize = 103;

/// The file name PostgreSQL gives to the socket of its default port.
const SOCKET: &str = ".s.PGSQL.5432";

/// How long a new server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(30);

/// The programs are started in the data folder and told so by its relative name: by its full name `initdb` would make
/// the whole path again after the watchdog has taken it away.
const HERE: [&str; 2] = ["-D", "."];

/// What makes the server's directory the same every time and its speed a matter of the strategies.
///
/// The first group is safe only because the data are thrown away: nothing waits for a disk. The second keeps scans
/// alike: every one starts at the table's first row, uses one process and one plan, and nothing tidies up behind it.
const SETTINGS: &[&str] = &[
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

/// A server of our own: a child process, and a watchdog over its directory.
#[derive(Debug)]
pub(crate) struct Own {
    watchdog: Watchdog,
    postgres: Option<Child>,
}

impl Own {
    /// On a copy of kept files, if they are given, or else on new ones.
    pub(crate) fn start(
        found: &Found,
        runs_as: Option<&User>,
        table_bytes: u64,
        kept: Option<&Cluster>,
    ) -> Result<Own> {
        if runs_as.is_none() && rustix::process::geteuid().is_root() {
            return Err(Error::Start {
                doing: "starting PostgreSQL".into(),
                reason: "it refuses to run as root, and this machine has neither a user postgres nor nobody".into(),
                advice: "Run this as an ordinary user, or set DATABASE_URL to a running server".into(),
                log: String::new(),
            });
        }
        let folder = temporary_folder(runs_as);
        watchdog::sweep(&folder);
        let watchdog = Watchdog::create(&folder.join(format!("{}{}", watchdog::PREFIX, unique())))?;
        // From here on an error drops `own`, and with it all that was made.
        let mut own = Own { watchdog, postgres: None };
        let log = own.furnish(runs_as)?;
        match kept {
            Some(cluster) => {
                let data = own.path("data");
                cluster.restore(&data, runs_as).map_err(Error::io("copy kept files to", &data))?;
            }
            None => own.initialise(found, runs_as, &log)?,
        }
        own.go_on(found, runs_as, table_bytes)?;
        Ok(own)
    }

    /// Starts the server on the files that are there.
    fn go_on(&mut self, found: &Found, runs_as: Option<&User>, table_bytes: u64) -> Result<()> {
        let log = self.log()?;
        self.run(found, runs_as, &log, shared_buffers_megabytes(table_bytes, available_bytes()))?;
        self.wait_until_ready()
    }

    /// Keeps a copy of the server's files as `cluster`, for which the server has to stop for a moment.
    pub(crate) fn keep_files(
        &mut self,
        cluster: &Cluster,
        found: &Found,
        runs_as: Option<&User>,
        table_bytes: u64,
    ) -> Result<()> {
        self.pause()?;
        // Without the copy, the next server loads its table again.
        let _ = cluster.keep(&self.path("data"));
        self.go_on(found, runs_as, table_bytes)
    }

    /// Stops the server in good order, so that its files are whole, and leaves them there.
    fn pause(&mut self) -> Result<()> {
        let Some(mut postgres) = self.postgres.take() else { return Ok(()) };
        // Fast shutdown: it does not wait for clients. It fails only if the server has ended already.
        let _ = rustix::process::kill_process(Pid::from_child(&postgres), Signal::INT);
        let deadline = Instant::now() + PATIENCE;
        loop {
            match postgres.try_wait().map_err(Error::io("wait for", Path::new("postgres")))? {
                None if Instant::now() < deadline => thread::sleep(Duration::from_millis(2)),
                None => {
                    self.postgres = Some(postgres);
                    return Err(self.failed("postgres", format!("it does not stop after {} s", PATIENCE.as_secs())));
                }
                Some(status) => {
                    // As in `initialise`: the number is free again.
                    let _ = fs::remove_file(self.path("run/postgres.pid"));
                    if status.success() {
                        return Ok(());
                    }
                    return Err(self.failed("postgres", format!("it was to stop for a moment and ended with {status}")));
                }
            }
        }
    }

    /// Where all of it is, and will not be any more.
    pub(crate) fn directory(&self) -> &Path {
        self.watchdog.directory()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.watchdog.directory().join(name)
    }

    /// The address of the socket; the folder's slashes are escaped, since it stands where a host name would.
    pub(crate) fn url(&self) -> String {
        let folder = self.path("run");
        let host: String = folder.as_os_str().as_bytes().iter().map(|byte| escaped(*byte)).collect();
        format!("postgresql://goldilocks@{host}:5432/postgres")
    }

    /// Makes the folders and the log. The outer one stays ours; the server's user gets the two inside.
    fn furnish(&self, runs_as: Option<&User>) -> Result<File> {
        let directory = self.watchdog.directory();
        for folder in ["run", "data"].map(|name| self.path(name)) {
            DirBuilder::new().mode(0o700).create(&folder).map_err(Error::io("create", &folder))?;
            if let Some(user) = runs_as {
                chown(&folder, Some(user.uid), Some(user.gid)).map_err(Error::io("hand over", &folder))?;
            }
        }
        if let Some(user) = runs_as {
            chown(directory, None, Some(user.gid)).map_err(Error::io("hand over", directory))?;
            fs::set_permissions(directory, Permissions::from_mode(0o710)).map_err(Error::io("open", directory))?;
        }
        self.log()
    }

    fn log(&self) -> Result<File> {
        let log = self.path("log");
        OpenOptions::new().create(true).append(true).open(&log).map_err(Error::io("create", &log))
    }

    fn initialise(&self, found: &Found, runs_as: Option<&User>, log: &File) -> Result<()> {
        let number_file = self.path("run/initdb.pid");
        let mut initdb =
            program::start(found, "initdb", &initdb_arguments(found), &number_file, log, &self.path("data"), runs_as)?;
        let status = initdb.wait().map_err(Error::io("wait for", &found.programs.join("initdb")))?;
        // The number is free again from here on, so it must not be signalled any more.
        let _ = fs::remove_file(&number_file);
        if !status.success() {
            return Err(self.failed("initdb", format!("it ended with {status}")));
        }
        Ok(())
    }

    fn run(&mut self, found: &Found, runs_as: Option<&User>, log: &File, buffers_megabytes: u64) -> Result<()> {
        // The setting is a list of folders, in which quotes keep commas and blanks apart.
        let folder = text(&self.path("run"))?.replace('"', "\"\"");
        let mut arguments = HERE.map(String::from).to_vec();
        let chosen = [format!("unix_socket_directories=\"{folder}\""), format!("shared_buffers={buffers_megabytes}MB")];
        for setting in SETTINGS.iter().map(|setting| setting.to_string()).chain(chosen) {
            arguments.extend(["-c".to_string(), setting]);
        }
        let number_file = self.path("run/postgres.pid");
        let data = self.path("data");
        self.postgres = Some(program::start(found, "postgres", &arguments, &number_file, log, &data, runs_as)?);
        Ok(())
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let url = self.url();
        loop {
            let error = match connect(&url) {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            if let Some(Ok(Some(status))) = self.postgres.as_mut().map(Child::try_wait) {
                // As above: the number is free again.
                let _ = fs::remove_file(self.path("run/postgres.pid"));
                return Err(self.failed("postgres", format!("it ended with {status}")));
            }
            if Instant::now() > deadline {
                return Err(
                    self.failed("postgres", format!("it does not answer after {} s ({error})", PATIENCE.as_secs()))
                );
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn failed(&self, program: &str, reason: String) -> Error {
        let log = fs::read(self.path("log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        Error::Start {
            doing: format!("starting a server of our own ({program})"),
            reason,
            advice: "The lines below say why; another server can be chosen with PGBIN or DATABASE_URL".into(),
            log: lines[lines.len().saturating_sub(8)..].join("\n"),
        }
    }

    pub(crate) fn stop(&mut self) -> Result<()> {
        self.watchdog.end(self.postgres.as_mut())
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // What is left after a failure here, the next start sweeps.
        let _ = self.stop();
    }
}

/// What `initdb` is told.
pub(crate) fn initdb_arguments(found: &Found) -> Vec<String> {
    let mut arguments = HERE.to_vec();
    arguments.extend([
        "--username=goldilocks",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
        "--no-sync",
        "--no-instructions",
        // Without it, a broken-off initdb would remove the file that says which shared memory is left.
        "--no-clean",
    ]);
    if major(&found.version) >= 18 {
        // The default since 18, and a cost that older releases do not have.
        arguments.push("--no-data-checksums");
    }
    arguments.into_iter().map(String::from).collect()
}

/// The folder for temporary files if the server's user can reach it and the socket's path fits; otherwise `/tmp`.
fn temporary_folder(runs_as: Option<&User>) -> PathBuf {
    let folder = std::env::temp_dir();
    let example = folder.join(format!("{}12345678", watchdog::PREFIX)).join("run").join(SOCKET);
    let fits = folder.is_absolute() && folder.to_str().is_some() && example.as_os_str().len() <= SOCKET_PATH_LIMIT;
    let reachable = runs_as.is_none_or(|user| user.stopped_at(&folder).is_none());
    if fits && reachable { folder } else { PathBuf::from("/tmp") }
}

/// A path as text: PostgreSQL's arguments and ours are built from it.
fn text(path: &Path) -> Result<String> {
    let complaint = || std::io::Error::other("its name is not readable text; set TMPDIR to another folder");
    path.to_str().map(String::from).ok_or_else(|| Error::io("use", path)(complaint()))
}

fn escaped(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

/// The first number of a version.
fn major(version: &str) -> u32 {
    version.split(|letter: char| !letter.is_ascii_digit()).next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}
