//! The memory that this process can use.

use crate::cgroup;
use crate::sysfs::SystemFiles;

/// The machine's available memory (`MemAvailable`: without swapping), in bytes.
pub fn available(files: &SystemFiles) -> Option<u64> {
    files.bytes("/proc/meminfo", "MemAvailable")
}

/// The memory that this process can use, in bytes: the lesser of available memory and the tightest cgroup limit.
pub fn usable(files: &SystemFiles) -> Option<u64> {
    available(files).into_iter().chain(cgroup::memory_limit(files)).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usable_memory_is_the_least_of_all_cgroup_limits_and_available_memory() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let files = SystemFiles::below(root.path());
        assert_eq!(usable(&files), None);
        write("proc/meminfo", "MemAvailable: 4096 kB");
        assert_eq!(usable(&files), Some(4 << 20));
        write("proc/self/cgroup", "0::/outer/inner");
        write("proc/self/mountinfo", "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw");
        write("sys/fs/cgroup/outer/inner/memory.max", "max");
        write("sys/fs/cgroup/outer/memory.max", "3145728");
        assert_eq!(usable(&files), Some(3 << 20));
        write("sys/fs/cgroup/outer/inner/memory.high", "2097152");
        assert_eq!((usable(&files), available(&files)), (Some(2 << 20), Some(4 << 20)));
    }
}
