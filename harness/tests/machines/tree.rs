//! A folder with files that describe a machine as Linux does.

use std::collections::BTreeMap;
use std::path::Path;
use system::sysfs::SystemFiles;
use tempfile::TempDir;

/// The files of `/proc` and `/sys`.
pub(crate) struct Tree {
    folder: TempDir,
}

/// A physical core.
#[derive(Clone)]
pub(crate) struct Core {
    /// The numbers of the core's hardware threads.
    pub(crate) threads: Vec<usize>,
    /// The socket.
    pub(crate) package: usize,
    /// The NUMA node.
    pub(crate) node: usize,
    /// The number of the last-level cache.
    pub(crate) cache: usize,
    /// The capacity, which is 1024 for the fastest kind of core.
    pub(crate) capacity: usize,
}

/// Returns a core of a machine with one socket, one NUMA node, one cache and one kind of core.
pub(crate) fn core(threads: impl Into<Vec<usize>>) -> Core {
    Core { threads: threads.into(), package: 0, node: 0, cache: 0, capacity: 1024 }
}

/// Formats a list of processors as the kernel does, such as `0-3,8`.
pub(crate) fn ranges(numbers: &[usize]) -> String {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    let runs = sorted.chunk_by(|a, b| a + 1 == *b).map(|run| match run {
        [only] => only.to_string(),
        [first, .., last] => format!("{first}-{last}"),
        [] => String::new(),
    });
    runs.collect::<Vec<_>>().join(",")
}

impl Tree {
    /// Returns a machine that reports nothing.
    pub(crate) fn bare() -> Self {
        Tree { folder: TempDir::new().expect("a temporary folder can be made") }
    }

    /// Returns a machine with these cores, all online and allowed.
    pub(crate) fn of(cores: &[Core]) -> Self {
        let tree = Tree::bare();
        let all: Vec<usize> = cores.iter().flat_map(|core| core.threads.clone()).collect();
        let mut caches: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut nodes = caches.clone();
        for core in cores {
            caches.entry(core.cache).or_default().extend(&core.threads);
            nodes.entry(core.node).or_default().extend(&core.threads);
        }
        tree.write("/sys/devices/system/node/online", ranges(&nodes.keys().copied().collect::<Vec<_>>()));
        for (node, processors) in &nodes {
            tree.write(&format!("/sys/devices/system/node/node{node}/cpulist"), ranges(processors));
        }
        for core in cores {
            for number in &core.threads {
                let (own, shared) = (ranges(&core.threads), ranges(&caches[&core.cache]));
                tree.cpu(*number, "topology/physical_package_id", core.package);
                tree.cpu(*number, "topology/core_cpus_list", &own);
                tree.cpu(*number, "topology/thread_siblings_list", &own);
                tree.cpu(*number, "cpu_capacity", core.capacity);
                for (index, (level, list)) in [(1, &own), (1, &own), (2, &own), (3, &shared)].into_iter().enumerate() {
                    tree.cpu(*number, &format!("cache/index{index}/level"), level);
                    tree.cpu(*number, &format!("cache/index{index}/shared_cpu_list"), list);
                }
            }
        }
        tree.online(&all);
        tree.mask(&all);
        tree
    }

    /// Sets which processors are online.
    pub(crate) fn online(&self, numbers: &[usize]) {
        self.write("/sys/devices/system/cpu/online", ranges(numbers));
    }

    /// Sets which processors this process may use.
    pub(crate) fn mask(&self, numbers: &[usize]) {
        self.write("/proc/thread-self/status", format!("Name:\tgoldilocks\nCpus_allowed_list:\t{}", ranges(numbers)));
    }

    /// Makes the machine a host with cgroup version 2 and this process in `group`.
    pub(crate) fn second_version(&self, group: &str) {
        self.write("/proc/self/cgroup", format!("0::{group}"));
        self.write(
            "/proc/self/mountinfo",
            "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate",
        );
    }

    /// Makes the machine a host with cgroup version 1 and this process in `group`. Only `root` is mounted.
    pub(crate) fn first_version(&self, group: &str, root: &str) {
        let controllers = ["cpuset", "cpu,cpuacct", "memory"];
        let groups = controllers.iter().zip(4..).map(|(names, number)| format!("{number}:{names}:{group}\n"));
        self.write("/proc/self/cgroup", groups.collect::<String>() + "1:name=systemd:/\n0::/");
        let mounts = controllers.iter().zip(32..).map(|(names, number)| {
            format!("{number} 31 0:29 {root} /sys/fs/cgroup/{names} rw,relatime - cgroup cgroup rw,{names}\n")
        });
        // Also mount the hierarchy of version 2 without controllers, as on many hosts.
        let unified = "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw";
        self.write("/proc/self/mountinfo", mounts.collect::<String>() + unified);
    }

    /// Writes a file of processor `number`.
    pub(crate) fn cpu(&self, number: usize, file: &str, text: impl ToString) {
        self.write(&format!("/sys/devices/system/cpu/cpu{number}/{file}"), text);
    }

    /// Writes a file and creates its folders.
    pub(crate) fn write(&self, path: &str, text: impl ToString) {
        let path = self.folder.path().join(Path::new(path).strip_prefix("/").expect("paths are absolute"));
        std::fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("our own folder");
        std::fs::write(path, text.to_string() + "\n").expect("our own folder");
    }

    /// Returns the machine's files as the program sees them.
    pub(crate) fn files(&self) -> SystemFiles {
        SystemFiles::below(self.folder.path())
    }
}
