//! Reads the limits of this process on processors, memory and threads from cgroups (version 1, version 2 or both).
//!
//! Groups are nested, and each limit holds for everything inside its group. The functions therefore return the tightest
//! limit on the path from this process's group to the root. In a container, that root is the container's own group.

use crate::sysfs::SystemFiles;
use std::path::{Path, PathBuf};

/// The processor quota of this process, in processors: 1.5 is one and a half. `None` without a limit.
pub fn quota(files: &SystemFiles) -> Option<f64> {
    folders(files, "cpu").iter().filter_map(|folder| quota_of(files, folder)).min_by(f64::total_cmp)
}

fn quota_of(files: &SystemFiles, folder: &Path) -> Option<f64> {
    // Version 2 has one file: `150000 100000`, or `max 100000` without a limit. Version 1 has two; -1 is no limit.
    let (quota, period) = match files.text(folder.join("cpu.max")) {
        Some(both) => {
            let (quota, period) = both.split_once(' ')?;
            (quota.parse::<f64>().ok()?, period.trim().parse::<f64>().ok()?)
        }
        None => (files.number(folder.join("cpu.cfs_quota_us"))?, files.number(folder.join("cpu.cfs_period_us"))?),
    };
    (quota > 0.0 && period > 0.0).then(|| quota / period)
}

/// Counts how often the kernel throttled this process's groups. `None` if the kernel does not count that.
pub fn throttled(files: &SystemFiles) -> Option<u64> {
    let counts = folders(files, "cpu");
    counts.iter().filter_map(|folder| files.count(folder.join("cpu.stat"), "nr_throttled")).reduce(|a, b| a + b)
}

/// The memory limit of this process's groups, in bytes. `None` without a limit.
pub fn memory_limit(files: &SystemFiles) -> Option<u64> {
    let limit = |folder: &PathBuf| {
        // For no limit, version 2 has `max`, and version 1 a number larger than any machine's memory.
        let bytes = files
            .number(folder.join("memory.max"))
            .or_else(|| files.number(folder.join("memory.limit_in_bytes")))
            .filter(|bytes| *bytes < 1 << 60);
        // Above `memory.high` the kernel slows the group down instead of killing it.
        bytes.into_iter().chain(files.number(folder.join("memory.high"))).min()
    };
    folders(files, "memory").iter().filter_map(limit).min()
}

/// Counts how many processes of this process's group the kernel has killed because memory ran out. `None` if the kernel
/// does not count that.
pub fn memory_kills(files: &SystemFiles) -> Option<u64> {
    // Version 2 has `memory.events`, and version 1 `memory.oom_control`. Outside of groups only the machine's total is
    // known.
    let count = |folder: &PathBuf| {
        ["memory.events", "memory.oom_control"].iter().find_map(|name| files.count(folder.join(name), "oom_kill"))
    };
    folders(files, "memory").iter().find_map(count).or_else(|| files.count("/proc/vmstat", "oom_kill"))
}

/// The number of threads that this process's groups may have, all processes together. `None` without a limit.
pub fn process_limit(files: &SystemFiles) -> Option<u64> {
    folders(files, "pids").iter().filter_map(|folder| files.number(folder.join("pids.max"))).min()
}

/// The folders of the groups that may limit `controller`, from this process's own group to the root.
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
            // A path outside the mounted part belongs to a group that this process cannot see.
            let below = Path::new(path).strip_prefix(mount.root).unwrap_or(Path::new(""));
            let below = if path.contains("..") { Path::new("") } else { below };
            folders.extend(below.ancestors().map(|path| Path::new(mount.point).join(path)));
        }
    }
    folders
}

/// A line of `/proc/self/mountinfo`: `31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw`.
struct Mount<'a> {
    /// The mounted part of the file system.
    root: &'a str,
    /// The mount point.
    point: &'a str,
    /// The file system's type.
    kind: &'a str,
    /// The file system's own options, which include the controllers.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the files of a machine on which this process is in the group `/jobs/mine`.
    fn machine(version: u8, contents: &[(&str, &str)]) -> (tempfile::TempDir, SystemFiles) {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let (groups, mount) = match version {
            1 => ("7:memory:/jobs/mine\n8:pids:/jobs/mine\n", "cgroup cgroup rw,memory,pids"),
            _ => ("0::/jobs/mine\n", "cgroup2 cgroup2 rw"),
        };
        write("proc/self/cgroup", groups);
        write("proc/self/mountinfo", &format!("31 23 0:28 / /sys/fs/cgroup rw - {mount}\n"));
        contents.iter().for_each(|(path, text)| write(path, text));
        let files = SystemFiles::below(root.path());
        (root, files)
    }

    #[test]
    fn memory_kills_are_those_of_the_own_group() {
        let two = ("sys/fs/cgroup/jobs/mine/memory.events", "low 0\noom 9\noom_kill 2\noom_group_kill 0\n");
        let one = ("sys/fs/cgroup/jobs/mine/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
        let all = ("proc/vmstat", "pgfault 7\noom_kill 40\n");
        for (version, contents, kills) in
            [(2, &[two, all][..], Some(2)), (1, &[one, all], Some(3)), (2, &[all], Some(40)), (2, &[], None)]
        {
            let (_root, files) = machine(version, contents);
            assert_eq!(memory_kills(&files), kills, "version {version}, {contents:?}");
        }
    }

    #[test]
    fn the_tightest_limit_of_threads_on_the_path_holds() {
        let own = ("sys/fs/cgroup/jobs/mine/pids.max", "100\n");
        let (none, above) = (("sys/fs/cgroup/jobs/mine/pids.max", "max\n"), ("sys/fs/cgroup/jobs/pids.max", "12\n"));
        for version in [1, 2] {
            for (contents, limit) in
                [(&[own, above][..], Some(12)), (&[own], Some(100)), (&[none, above], Some(12)), (&[none], None)]
            {
                let (_root, files) = machine(version, contents);
                assert_eq!(process_limit(&files), limit, "version {version}, {contents:?}");
            }
        }
    }
}
