//! Finds the programs `initdb` and `postgres`. What the user has named comes first, then what the machine has.
//!
//! The search depends on [`Environment`] alone, so that tests can search a machine that they made up.

use std::cmp::Reverse;
use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::external::Limits;
use crate::places::{
    self, OLDEST, PACKAGE, PROGRAMS_IN_PACKAGE, PROGRAMS_IN_WHEEL, USUAL_PLACES, USUAL_PLACES_AT_HOME, wheel_folder,
};
use crate::processes;
use crate::user::User;
use packages::debian::{self, Unpacked};
use packages::{Host, expand};

/// How long a program may take to print its version.
const PATIENCE: Duration = Duration::from_secs(5);

/// The machine as the search sees it.
#[derive(Clone, Default)]
pub struct Environment {
    /// Its programs and folders.
    pub host: Host,
    /// The address of an external server: `DATABASE_URL`, or the command line's option.
    pub address: Option<String>,
    /// What bounds the waits for that server.
    pub limits: Limits,
    /// `PGBIN`: the folder of the server's programs.
    pub pgbin: Option<PathBuf>,
    /// `PG_CONFIG`: the program that prints that folder.
    pub pg_config: Option<PathBuf>,
    /// The user that runs the server, if not this process's.
    pub runs_as: Option<User>,
}

impl Environment {
    /// The machine that this process runs on.
    pub fn of_this_process() -> Environment {
        let variable = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let host = Host::of_this_process();
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        Environment {
            address: env::var("DATABASE_URL").ok().filter(|address| !address.is_empty()),
            limits: Limits::default(),
            pgbin: variable("PGBIN"),
            pg_config: variable("PG_CONFIG"),
            runs_as: User::for_server(host.we_are_root, &users),
            host,
        }
    }
}

/// An installed or unpacked PostgreSQL that can be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// The folder that holds `initdb` and `postgres`.
    pub programs: PathBuf,
    /// Folders of shared libraries that the programs need beside those of the operating system. Only an unpacked server
    /// has any.
    pub libraries: Vec<PathBuf>,
    /// Its version, "15.18".
    pub version: String,
    /// Why the search chose it: "newest in the usual places".
    pub reason: &'static str,
    /// The user that runs its programs, if not this process's.
    pub runs_as: Option<User>,
}

impl Installation {
    /// The folder, and why the search chose it.
    pub(crate) fn origin(&self) -> String {
        format!("{}: {}", self.programs.display(), self.reason)
    }

    /// The first number of its version; 0 if it has none.
    pub(crate) fn major(&self) -> u64 {
        numbers(&self.version).first().copied().unwrap_or(0)
    }
}

impl std::fmt::Display for Installation {
    fn fmt(&self, line: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(line, "PostgreSQL {} in {} ({})", self.version, self.programs.display(), self.reason)
    }
}

/// The first usable server; without one, an error that lists each place and why it was rejected.
///
/// Order: `PGBIN`, `PG_CONFIG`, `PATH`, `pg_config` on `PATH`, the usual places (newest first), our own cache.
/// A `PGBIN` or `PG_CONFIG` that leads nowhere is an error, because the user has named that server and no other.
pub fn find(environment: &Environment) -> Result<Installation> {
    let mut tried = Vec::new();
    let named = [
        ("PGBIN says so", "PGBIN", environment.pgbin.clone().map(Ok)),
        (
            "PG_CONFIG says so",
            "PG_CONFIG",
            environment.pg_config.as_deref().map(|program| folder_of(program, environment)),
        ),
    ];
    for (reason, variable, folder) in named {
        let Some(folder) = folder else {
            tried.push(format!("{variable}: not set"));
            continue;
        };
        match folder.and_then(|folder| examine(folder, reason, environment)) {
            Ok(installation) => return Ok(installation),
            Err(problem) => {
                tried.push(format!("{variable}: {problem}"));
                let hint = format!("Correct {variable}, or unset it so that the other places are searched.");
                return Err(Error::NotFound { tried, hint });
            }
        }
    }
    let host = &environment.host;
    for (reason, place) in
        on_path(host).into_iter().chain(by_pg_config(environment)).chain(usual_places(host)).chain(cached(host))
    {
        match place.and_then(|folder| examine(folder, reason, environment)) {
            Ok(installation) => return Ok(installation),
            Err(problem) => tried.push(problem),
        }
    }
    Err(Error::NotFound { tried, hint: places::hint(host) })
}

/// The reason for a place, and its folder; or why there is no folder.
type Candidate = (&'static str, Result<PathBuf, String>);

fn on_path(host: &Host) -> Vec<Candidate> {
    let reason = "on PATH";
    let mut candidates: Vec<Candidate> = programs_on_path(host, "postgres")
        .map(|program| {
            // A link on PATH leads to the folder of the server's other files.
            let program = program.canonicalize().unwrap_or(program);
            (reason, Ok(program.parent().unwrap_or(Path::new("/")).to_path_buf()))
        })
        .collect();
    if candidates.is_empty() {
        candidates.push((reason, Err("PATH: no postgres there".into())));
    }
    candidates
}

fn by_pg_config(environment: &Environment) -> Option<Candidate> {
    let program = programs_on_path(&environment.host, "pg_config").next();
    let program = program.ok_or_else(|| "pg_config: not on PATH".to_string());
    let folder = program.and_then(|program| folder_of(&program, environment));
    Some(("pg_config on PATH says so", folder))
}

fn programs_on_path<'a>(host: &'a Host, name: &'a str) -> impl Iterator<Item = PathBuf> + 'a {
    host.path.iter().map(move |folder| folder.join(name)).filter(|program| is_program(program))
}

fn usual_places(host: &Host) -> Vec<Candidate> {
    let at_root = USUAL_PLACES.iter().flat_map(|place| expand(&host.root, place));
    let at_home = host.home.iter().flat_map(|home| USUAL_PLACES_AT_HOME.iter().flat_map(|place| expand(home, place)));
    let folders = newest_first(at_root.chain(at_home).filter(|folder| folder.join("postgres").exists()).collect());
    if folders.is_empty() {
        return vec![("usual places", Err("the usual places (/usr/lib/postgresql/*/bin and the like): none".into()))];
    }
    folders.into_iter().map(|folder| ("newest in the usual places", Ok(folder))).collect()
}

fn cached(host: &Host) -> impl Iterator<Item = Candidate> {
    host.caches.iter().flat_map(|cache| {
        let root = debian::folder(cache, PACKAGE);
        let folders = newest_first(expand(&root, PROGRAMS_IN_PACKAGE));
        let nothing = folders.is_empty().then(|| Err(format!("{}: nothing unpacked there", root.display())));
        let wheel = PROGRAMS_IN_WHEEL.map(|inside| wheel_folder(cache).join(inside));
        let folders = folders.into_iter().chain(wheel).map(Ok);
        nothing.into_iter().chain(folders).map(|folder| ("fetched by the set-up step", folder))
    })
}

/// The libraries that were unpacked together with the programs in `folder`.
fn libraries_of(folder: &Path, host: &Host) -> Vec<PathBuf> {
    let mut roots = host.caches.iter().map(|cache| debian::folder(cache, PACKAGE));
    let unpacked = roots.find(|root| folder.starts_with(root)).and_then(|root| Unpacked::at(&root));
    unpacked.map(|unpacked| unpacked.libraries).unwrap_or_default()
}

fn newest_first(mut folders: Vec<PathBuf>) -> Vec<PathBuf> {
    folders.sort_by_cached_key(|folder| Reverse(numbers(&folder.to_string_lossy())));
    folders
}

/// The numbers in a text, in order: they make "18" newer than "9.6".
fn numbers(text: &str) -> Vec<u64> {
    text.split(|letter: char| !letter.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

/// The folder of programs that `pg_config` prints.
fn folder_of(pg_config: &Path, environment: &Environment) -> Result<PathBuf, String> {
    output(pg_config, "--bindir", &[], environment).map(PathBuf::from)
}

/// The installation in `folder`, if its programs are there, run here and are new enough; otherwise the problem.
fn examine(folder: PathBuf, reason: &'static str, environment: &Environment) -> Result<Installation, String> {
    for program in ["postgres", "initdb"] {
        let program = folder.join(program);
        if !is_program(&program) {
            let hint = if program.ends_with("initdb") { " (the client alone is not enough)" } else { "" };
            return Err(format!("{}: not there{hint}", program.display()));
        }
        if let Some(user) = &environment.runs_as
            && let Some(part) = user.stopped_at(&program)
        {
            let (program, part, name) = (program.display(), part.display(), &user.name);
            return Err(format!("{program}: root runs the server as user {name}, who may not enter {part}"));
        }
    }
    let program = folder.join("postgres");
    let libraries = libraries_of(&folder, &environment.host);
    let printed = output(&program, "--version", &libraries, environment)?;
    let version = printed
        .split_whitespace()
        .find(|word| word.starts_with(|letter: char| letter.is_ascii_digit()))
        .ok_or_else(|| format!("{}: prints \"{printed}\" for --version", program.display()))?;
    let installation = Installation {
        version: version.into(),
        programs: folder,
        libraries,
        reason,
        runs_as: environment.runs_as.clone(),
    };
    if installation.major() < u64::from(OLDEST) {
        return Err(format!("{}: version {version} is older than {OLDEST}", program.display()));
    }
    Ok(installation)
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// What a program prints; the problem if it cannot be run or does not end.
///
/// It runs as the user that runs the server, because it may be anything that has a server program's name.
fn output(program: &Path, argument: &str, libraries: &[PathBuf], environment: &Environment) -> Result<String, String> {
    let user = environment.runs_as.as_ref();
    let run = || {
        // Files and not pipes, because a process that the program leaves behind could keep a pipe open.
        let [printed, complaint] = [processes::output_file()?, processes::output_file()?];
        let mut command = processes::command(program, user);
        debian::set_library_path(&mut command, libraries);
        command.arg(argument).current_dir("/").stdout(printed.try_clone()?);
        processes::run(&mut command, user, &complaint, PATIENCE)?;
        Ok(processes::tail(&printed))
    };
    run().map_err(|error: std::io::Error| format!("{} {argument}: {error}", program.display()))
}
