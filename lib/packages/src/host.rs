//! The part of a machine that decides how programs are found and installed on it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// A machine's programs and folders. Tests make up machines of their own.
#[derive(Clone, Default)]
pub struct Host {
    /// The folders of `PATH`.
    pub path: Vec<PathBuf>,
    /// The user's home folder.
    pub home: Option<PathBuf>,
    /// The folders that our set-up step may have filled, in the order of preference.
    pub caches: Vec<PathBuf>,
    /// The root of the file system; `/` except in tests.
    pub root: PathBuf,
    /// Whether this process has root's rights.
    pub we_are_root: bool,
}

impl Host {
    /// The machine that this process runs on.
    pub fn of_this_process() -> Host {
        let variable = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let we_are_root = rustix::process::geteuid().is_root();
        let home = variable("HOME");
        let own = variable("XDG_CACHE_HOME")
            .filter(|folder| folder.is_absolute())
            .or_else(|| home.as_ref().map(|home| home.join(".cache")));
        // The user that runs the server cannot read root's own cache, so root fills and prefers the machine's.
        let shared = we_are_root.then(|| PathBuf::from("/var/cache"));
        Host {
            path: env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default(),
            home,
            caches: shared.into_iter().chain(own).map(|folder| folder.join("goldilocks")).collect(),
            root: PathBuf::from("/"),
            we_are_root,
        }
    }

    /// Whether a program of that name is on `PATH`.
    pub fn has(&self, name: &str) -> bool {
        self.path.iter().any(|folder| folder.join(name).is_file())
    }
}

/// Every path below `root` that matches `pattern`. Each part of the pattern may hold one `*`.
pub fn expand(root: &Path, pattern: &str) -> Vec<PathBuf> {
    pattern.split('/').fold(vec![root.to_path_buf()], |folders, part| match part.split_once('*') {
        None => folders.into_iter().map(|folder| folder.join(part)).filter(|folder| folder.exists()).collect(),
        Some((before, after)) => folders
            .iter()
            .filter_map(|folder| fs::read_dir(folder).ok())
            .flatten()
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                name.len() >= part.len() - 1 && name.starts_with(before) && name.ends_with(after)
            })
            .collect(),
    })
}
