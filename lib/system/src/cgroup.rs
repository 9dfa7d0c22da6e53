//! What the control groups of this process allow it: processor time and memory, by version 1, version 2 or both.
//!
//! Groups are nested and a limit holds for everything inside, so the tightest one from our own group up to the root
//! counts. In a container the visible root is the container's own group.

use crate::sysfs::SystemFiles;
use std::path::{Path, PathBuf};

/// The processor time that this process is allowed, in processors: 1.5 is one and a half. `None` without a limit.
pub fn quota(files: &SystemFiles) -> Option<f64> {
    folders(files, "cpu").iter().filter_map(|folder| quota_of(files, folder)).min_by(f64::total_cmp)
}

fn quota_of(files: &SystemFiles, folder: &Path) -> Option<f64> {
    // Version 2 says `150000 100000`, or `max 100000` without a limit; version 1 has two files, with -1 for no limit.
    let (quota, period) = match files.text(folder.join("cpu.max")) {
        Some(both) => {
            let (quota, period) = both.split_once(' ')?;
            (quota.parse::<f64>().ok()?, period.trim().parse::<f64>().ok()?)
        }
        None => (files.number(folder.join("cpu.cfs_quota_us"))?, files.number(folder.join("cpu.cfs_period_us"))?),
    };
    (quota > 0.0 && period > 0.0).then(|| quota / period)
}

/// How often the kernel stopped this process's groups because their time was used up; `None` if it does not count that.
pub fn throttled(files: &SystemFiles) -> Option<u64> {
    let counts = folders(files, "cpu");
    counts.iter().filter_map(|folder| files.count(folder.join("cpu.stat"), "nr_throttled")).reduce(|a, b| a + b)
}

/// The bytes that this process and its group may hold; `None` without a limit.
pub fn memory_limit(files: &SystemFiles) -> Option<u64> {
    let limit = |folder: &PathBuf| {
        // Without a limit version 2 says `max`, and version 1 a number larger than any machine.
        let bytes = files
            .number(folder.join("memory.max"))
            .or_else(|| files.number(folder.join("memory.limit_in_bytes")))
            .filter(|bytes| *bytes < 1 << 60);
        // Above `memory.high` the kernel slows the group down instead of killing it.
        bytes.into_iter().chain(files.number(folder.join("memory.high"))).min()
    };
    folders(files, "memory").iter().filter_map(limit).min()
}

/// The folders of the groups that this process is in and that may limit `controller`, from its own to the root.
fn folders(files: &SystemFiles, controller: &str) -> Vec<PathBuf> {
    let groups = files.text("/proc/self/cgroup").unwrap_or_default();
    let mounts = files.text("/proc/self/mountinfo").unwrap_or_default();
    let mut folders = Vec::new();
    for line in groups.lines() {
        // `4:cpu,cpuacct:/path` in version 1; `0::/path` in version 2, which has all controllers in one hierarchy.
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let unified = controllers.is_empty();
        if !unified && !controllers.split(',').any(|name| name == controller) {
            continue;
        }
        let mount = mounts.lines().filter_map(Mount::of_line).find(|mount| match unified {
            true => mount.kind == "cgroup2",
            false => mount.kind == "cgroup" && mount.options.split(',').any(|name| name == controller),
        });
        if let Some(mount) = mount {
            // A path outside the mounted part belongs to a group that is invisible from here.
            let below = Path::new(path).strip_prefix(mount.root).unwrap_or(Path::new(""));
            let below = if path.contains("..") { Path::new("") } else { below };
            folders.extend(below.ancestors().map(|path| Path::new(mount.point).join(path)));
        }
    }
    folders
}

/// A line of `/proc/self/mountinfo`: `31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw`.
struct Mount<'a> {
    /// Which part of the file system is mounted.
    root: &'a str,
    /// Where it is mounted.
    point: &'a str,
    /// The file system's kind.
    kind: &'a str,
    /// The file system's own options, among them the controllers.
    options: &'a str,
}

impl<'a> Mount<'a> {
    fn of_line(line: &'a str) -> Option<Self> {
        let (mount, system) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(3);
        let mut system = system.split(' ');
        Some(Mount {
            root: mount.next()?,
            point: mount.next()?,
            kind: system.next()?,
            options: system.nth(1).unwrap_or_default(),
        })
    }
}
