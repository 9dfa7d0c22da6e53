//! The part of a machine that decides how programs are found and installed on it.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
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
            .or_else(|| home.as_ref().map(|home| home.join(".cache")))
            // The programs that install and unpack get the folder as text.
            .filter(|folder| folder.to_str().is_some());
        // The user that runs the server cannot read root's own cache, so root fills and prefers the machine's.
        let shared = we_are_root.then(|| PathBuf::from("/var/cache"));
        Host {
            path: search_path(),
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

/// The folders of `PATH` in which this process looks for programs.
///
/// An empty or relative folder depends on where the user stands, so it is left out. Root also leaves out folders to which every
/// user may write, because root would run what any of them puts there.
pub fn search_path() -> Vec<PathBuf> {
    trusted(&env::var_os("PATH").unwrap_or_default(), rustix::process::geteuid().is_root())
}

fn trusted(path: &OsStr, we_are_root: bool) -> Vec<PathBuf> {
    let open = |folder: &Path| folder.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o002 != 0);
    env::split_paths(path).filter(|folder| folder.is_absolute() && !(we_are_root && open(folder))).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_never_taken_from_where_the_user_stands_and_root_takes_none_that_anyone_may_have_written() {
        let open = env::temp_dir().join(format!("gl-search-path-{}", std::process::id()));
        fs::create_dir_all(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o1777)).unwrap();
        let path = env::join_paths([Path::new("/usr/bin"), Path::new(""), Path::new("."), Path::new("bin"), &open]);
        let path = path.unwrap();
        assert_eq!(trusted(&path, true), [Path::new("/usr/bin")]);
        assert_eq!(trusted(&path, false), [Path::new("/usr/bin"), &open]);
        fs::remove_dir(&open).unwrap();
    }
}
