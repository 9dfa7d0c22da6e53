//! Reads `/proc`, `/sys` and `/etc` below a root folder. Tests use a folder with another machine's files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The files of `/proc`, `/sys` and `/etc` of one machine. Functions return `None` for a file that cannot be read.
#[derive(Debug, Clone)]
pub struct SystemFiles {
    root: PathBuf,
}

impl SystemFiles {
    /// The files of this machine.
    pub fn here() -> Self {
        SystemFiles::below("/")
    }

    /// A machine's files, kept below `root`.
    pub fn below(root: impl Into<PathBuf>) -> Self {
        SystemFiles { root: root.into() }
    }

    /// The real place of the absolute `path`.
    fn resolve(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Whether there is a file or folder at `path`.
    pub fn exists(&self, path: impl AsRef<Path>) -> bool {
        self.resolve(path).exists()
    }

    /// A file's text without surrounding whitespace.
    pub fn text(&self, path: impl AsRef<Path>) -> Option<String> {
        let bytes = std::fs::read(self.resolve(path)).ok()?;
        Some(String::from_utf8_lossy(&bytes).trim().to_owned())
    }

    /// The number in a file that contains nothing else.
    pub fn number<T: FromStr>(&self, path: impl AsRef<Path>) -> Option<T> {
        self.text(path)?.parse().ok()
    }

    /// The processors that a file lists, such as `0-3,8`.
    pub fn list(&self, path: impl AsRef<Path>) -> Option<BTreeSet<usize>> {
        self.text(path).map(|text| list(&text))
    }

    /// The value of `name` in a file of lines such as `MemTotal: 1024 kB`, `nr_throttled 7` or `ID=debian`.
    pub fn value(&self, path: impl AsRef<Path>, name: &str) -> Option<String> {
        const SEPARATORS: [char; 4] = [':', '=', ' ', '\t'];
        let text = self.text(path)?;
        let value_of = |line: &str| {
            let rest = line.strip_prefix(name)?;
            rest.starts_with(SEPARATORS).then(|| rest.trim_start_matches(SEPARATORS).to_owned())
        };
        text.lines().find_map(value_of)
    }

    /// The value of `name` as a number, without its unit.
    pub fn count(&self, path: impl AsRef<Path>, name: &str) -> Option<u64> {
        self.value(path, name)?.split_whitespace().next()?.parse().ok()
    }

    /// The value of `name` in bytes; the file gives it in `kB`.
    pub fn bytes(&self, path: impl AsRef<Path>, name: &str) -> Option<u64> {
        self.count(path, name)?.checked_mul(1024)
    }

    /// The sorted names in a folder; empty if the folder cannot be read.
    pub fn names(&self, folder: impl AsRef<Path>) -> Vec<String> {
        let entries = std::fs::read_dir(self.resolve(folder)).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort_unstable();
        names
    }
}

/// The processors in a list such as `0-3,8`. Anything that is not a number is skipped.
pub fn list(text: &str) -> BTreeSet<usize> {
    let ranges = text.trim().split(',').filter_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(first.parse::<usize>().ok()?..=last.parse::<usize>().ok()?)
    });
    ranges.flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_processors_has_ranges_and_single_numbers() {
        for (text, processors) in [("0-3,8\n", &[0, 1, 2, 3, 8][..]), ("", &[]), ("x-3,5", &[5])] {
            assert!(list(text).iter().eq(processors), "{text}");
        }
    }

    #[test]
    fn a_value_is_found_by_its_whole_name() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("file"), "Mem: 1 kB\nMemTotal:\t 2 kB\nnr_throttled 7\nNAME=\"x y\"\n")
            .unwrap();
        let files = SystemFiles::below(root.path());
        assert_eq!(files.bytes("/file", "MemTotal"), Some(2048));
        assert_eq!(files.count("/file", "nr_throttled"), Some(7));
        assert_eq!(files.value("/file", "NAME").as_deref(), Some("\"x y\""));
        assert_eq!(files.value("/file", "MemT"), None);
        assert_eq!((files.text("/absent"), files.exists("/file")), (None, true));
    }
}
