//! Finds the programs `initdb` and `postgres`, in an order that lets the user decide first and the machine last.
//!
//! Everything the search depends on is in [`Environment`], so tests can search a made-up machine.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::{Error, Result};
use crate::install;
use crate::user::User;
use packages::debian::{self, Unpacked};
use packages::{Host, expand};

/// The oldest release with range scans over physical rows (TID range scans), which the partitioned cursors need.
pub const OLDEST: u32 = 14;

/// The machine as the search sees it.
#[derive(Clone, Default)]
pub struct Environment {
    /// Its programs and folders.
    pub host: Host,
    /// The address of a server to use instead of one of our own: `DATABASE_URL`, or what the command line says.
    pub address: Option<String>,
    /// `PGBIN`: the folder of the server's programs.
    pub pgbin: Option<PathBuf>,
    /// `PG_CONFIG`: the program that knows that folder.
    pub pg_config: Option<PathBuf>,
    /// Who the server will run as, if not as ourselves.
    pub runs_as: Option<User>,
}

impl Environment {
    /// The machine this process runs on.
    pub fn of_this_process() -> Environment {
        let variable = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let host = Host::of_this_process();
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        Environment {
            address: env::var("DATABASE_URL").ok().filter(|address| !address.is_empty()),
            pgbin: variable("PGBIN"),
            pg_config: variable("PG_CONFIG"),
            runs_as: User::for_server(host.we_are_root, &users),
            host,
        }
    }
}

/// A server that can be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The folder that holds `initdb` and `postgres`.
    pub programs: PathBuf,
    /// Folders of shared libraries that they need beside the system's; none if the server is installed.
    pub libraries: Vec<PathBuf>,
    /// Its version, "15.18".
    pub version: String,
    /// Why this one: "newest in the usual places".
    pub because: &'static str,
}

impl std::fmt::Display for Found {
    fn fmt(&self, line: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(line, "PostgreSQL {} in {} ({})", self.version, self.programs.display(), self.because)
    }
}

/// The first usable server, or everything that was tried and why it was not it.
///
/// Order: `PGBIN`, `PG_CONFIG`, `PATH`, `pg_config` on `PATH`, the usual places (newest first), our own cache.
/// A `PGBIN` or `PG_CONFIG` that leads nowhere is an error: the user meant that one and no other.
pub fn find(environment: &Environment) -> Result<Found> {
    let mut tried = Vec::new();
    let asked = [
        ("PGBIN says so", "PGBIN", environment.pgbin.clone().map(Ok)),
        ("PG_CONFIG says so", "PG_CONFIG", environment.pg_config.as_deref().map(folder_of)),
    ];
    for (because, variable, folder) in asked {
        let Some(folder) = folder else {
            tried.push(format!("{variable}: not set"));
            continue;
        };
        match folder.and_then(|folder| examine(folder, because, environment)) {
            Ok(found) => return Ok(found),
            Err(reason) => {
                tried.push(format!("{variable}: {reason}"));
                let advice = format!("Correct {variable}, or unset it so that the other places are searched.");
                return Err(Error::NotFound { tried, advice });
            }
        }
    }
    let places = on_path(environment)
        .into_iter()
        .chain(by_pg_config(environment))
        .chain(usual_places(environment))
        .chain(cached(environment));
    for (because, place) in places {
        match place.and_then(|folder| examine(folder, because, environment)) {
            Ok(found) => return Ok(found),
            Err(reason) => tried.push(reason),
        }
    }
    let advice = install::advice(environment);
    Err(Error::NotFound { tried, advice })
}

/// A place to look at and why, or why there is none.
type Place = (&'static str, Result<PathBuf, String>);

fn on_path(environment: &Environment) -> Vec<Place> {
    let because = "on PATH";
    let folders = environment.host.path.iter().filter(|folder| is_program(&folder.join("postgres")));
    let mut places: Vec<Place> = folders
        .map(|folder| {
            // A link on PATH leads to where the server's other files are.
            let program = folder.join("postgres");
            let real = program.canonicalize().unwrap_or(program);
            (because, Ok(real.parent().unwrap_or(folder).to_path_buf()))
        })
        .collect();
    if places.is_empty() {
        places.push((because, Err("PATH: no postgres there".into())));
    }
    places
}

fn by_pg_config(environment: &Environment) -> Vec<Place> {
    let program =
        environment.host.path.iter().map(|folder| folder.join("pg_config")).find(|program| is_program(program));
    let folder = program.ok_or_else(|| "pg_config: not on PATH".to_string()).and_then(|program| folder_of(&program));
    vec![("pg_config on PATH says so", folder)]
}

/// Where packages and installers put it; a `*` stands for any one name.
const USUAL_PLACES: &[&str] = &[
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "usr/libexec/postgresql*",
    "usr/lib/postgresql*/bin",
    "usr/local/pgsql*/bin",
    "opt/homebrew/opt/postgresql*/bin",
    "usr/local/opt/postgresql*/bin",
    "home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
    "Applications/Postgres.app/Contents/Versions/*/bin",
    "Library/PostgreSQL/*/bin",
    "opt/local/lib/postgresql*/bin",
];

/// The same below the user's own folder.
const USUAL_PLACES_AT_HOME: &[&str] = &[
    ".pgrx/*/pgrx-install/bin",
    ".theseus/postgresql/*/bin",
    ".asdf/installs/postgres/*/bin",
    ".local/share/mise/installs/postgres/*/bin",
];

fn usual_places(environment: &Environment) -> Vec<Place> {
    let at_home =
        environment.host.home.iter().flat_map(|home| USUAL_PLACES_AT_HOME.iter().map(move |place| (home, *place)));
    let mut folders: Vec<PathBuf> = USUAL_PLACES
        .iter()
        .map(|place| (&environment.host.root, *place))
        .chain(at_home)
        .flat_map(|(root, pattern)| expand(root, pattern))
        .filter(|folder| folder.join("postgres").exists())
        .collect();
    folders.sort_by_cached_key(|folder| std::cmp::Reverse(numbers(folder)));
    if folders.is_empty() {
        return vec![("usual places", Err("the usual places (/usr/lib/postgresql/*/bin and the like): none".into()))];
    }
    folders.into_iter().map(|folder| ("newest in the usual places", Ok(folder))).collect()
}

fn cached(environment: &Environment) -> Vec<Place> {
    let because = "fetched by the set-up step";
    let of_cache = |cache: &PathBuf| {
        let root = debian::folder(cache, install::PACKAGE);
        let mut folders = expand(&root, install::PROGRAMS_IN_PACKAGE);
        folders.sort_by_cached_key(|folder| std::cmp::Reverse(numbers(folder)));
        let nothing = format!("{}: nothing unpacked there", root.display());
        let unpacked = if folders.is_empty() { vec![Err(nothing)] } else { folders.into_iter().map(Ok).collect() };
        let wheel = install::PROGRAMS_IN_WHEEL.map(|inside| Ok(install::wheel_folder(cache).join(inside)));
        unpacked.into_iter().chain(wheel).map(move |place| (because, place))
    };
    environment.host.caches.iter().flat_map(of_cache).collect()
}

/// The libraries that were unpacked together with the programs in `folder`.
fn libraries_of(folder: &Path, environment: &Environment) -> Vec<PathBuf> {
    let roots = environment.host.caches.iter().map(|cache| debian::folder(cache, install::PACKAGE));
    let unpacked = roots.filter(|root| folder.starts_with(root)).find_map(|root| Unpacked::at(&root));
    unpacked.map(|unpacked| unpacked.libraries).unwrap_or_default()
}

/// The numbers in a path, in order: what makes "18" newer than "9.6".
fn numbers(folder: &Path) -> Vec<u64> {
    let name = folder.to_string_lossy();
    name.split(|letter: char| !letter.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

/// Where `pg_config` says the programs are.
fn folder_of(pg_config: &Path) -> Result<PathBuf, String> {
    let said = output(pg_config, "--bindir", &[])?;
    Ok(PathBuf::from(said))
}

/// Whether the programs are there, run here and are new enough; the reason if not.
fn examine(folder: PathBuf, because: &'static str, environment: &Environment) -> Result<Found, String> {
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
    let libraries = libraries_of(&folder, environment);
    let said = output(&program, "--version", &libraries)?;
    let version = said
        .split_whitespace()
        .find(|word| word.starts_with(|letter: char| letter.is_ascii_digit()))
        .ok_or_else(|| format!("{}: says \"{said}\" when asked for its version", program.display()))?;
    let major: u32 =
        version.split(|letter: char| !letter.is_ascii_digit()).find_map(|part| part.parse().ok()).unwrap_or(0);
    if major < OLDEST {
        return Err(format!("{}: version {version}, and at least {OLDEST} is needed", program.display()));
    }
    Ok(Found { version: version.into(), programs: folder, libraries, because })
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// What a program prints when asked; the reason if it cannot be run.
fn output(program: &Path, argument: &str, libraries: &[PathBuf]) -> Result<String, String> {
    let shown = format!("{} {argument}", program.display());
    let mut command = Command::new(program);
    debian::lend(libraries, &mut command);
    let output = command.arg(argument).stdin(Stdio::null()).output().map_err(|error| format!("{shown}: {error}"))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{shown}: {}, {}", output.status, complaint.trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_string())
}
