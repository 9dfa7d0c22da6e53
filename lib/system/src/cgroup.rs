//! What the control groups of this process allow it: processor time and memory, by version 1, version 2 or both.
//!
//! A group lies in a group. A limit holds for all below it, so the smallest on the way from our own group to the root
//! is the one that counts. In a container the root that can be seen is the container's own group.

use crate::sysfs::SystemFiles;
use std::path::{Path, PathBuf};

/// How many processors' worth of time this process is allowed, if that is limited: 1.5 is one and a half.
pub fn quota(sight: &SystemFiles) -> Option<f64> {
    folders(sight, "cpu").iter().filter_map(|folder| quota_of(sight, folder)).min_by(f64::total_cmp)
}

fn quota_of(sight: &SystemFiles, folder: &Path) -> Option<f64> {
    // Version 2 says `150000 100000`, or `max 100000` if there is no limit; version 1 has two files, and -1 for none.
    let (quota, period) = match sight.text(folder.join("cpu.max")) {
        Some(both) => {
            let (quota, period) = both.split_once(' ')?;
            (quota.parse::<f64>().ok()?, period.trim().parse::<f64>().ok()?)
        }
        None => (sight.number(folder.join("cpu.cfs_quota_us"))?, sight.number(folder.join("cpu.cfs_period_us"))?),
    };
    (quota > 0.0 && period > 0.0).then(|| quota / period)
}

/// How often this process's groups were stopped because their time was used up; nothing if nobody counts.
pub fn throttled(sight: &SystemFiles) -> Option<u64> {
    let counts = folders(sight, "cpu");
    counts.iter().filter_map(|folder| sight.count(folder.join("cpu.stat"), "nr_throttled")).reduce(|a, b| a + b)
}

/// How many bytes this process and its group may hold, if that is limited.
pub fn memory_limit(sight: &SystemFiles) -> Option<u64> {
    let limits = folders(sight, "memory");
    let limit = |folder: &PathBuf| {
        // Version 2 says `max` if there is no limit; version 1 a number larger than any machine.
        let bytes = sight
            .number(folder.join("memory.max"))
            .or_else(|| sight.number(folder.join("memory.limit_in_bytes")))
            .filter(|bytes| *bytes < 1 << 60);
        // Beyond this one the group is slowed down instead of stopped.
        bytes.into_iter().chain(sight.number(folder.join("memory.high"))).min()
    };
    limits.iter().filter_map(limit).min()
}

/// The folders of the groups that this process is in and that may limit `controller`, from its own to the root.
fn folders(sight: &SystemFiles, controller: &str) -> Vec<PathBuf> {
    let groups = sight.text("/proc/self/cgroup").unwrap_or_default();
    let mounts = sight.text("/proc/self/mountinfo").unwrap_or_default();
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
            // A path that does not lie in what is mounted belongs to a group that cannot be seen from here.
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
    /// Where.
    point: &'a str,
    /// The file system's kind.
    kind: &'a str,
    /// The file system's own options: the controllers are among them.
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
