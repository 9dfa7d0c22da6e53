//! Which processors cells get, and in which order: a cell with `n` cores gets the first `n`.
//!
//! 1. Physical cores come first, because two hardware threads of one core share its units.
//! 2. Fast kinds of cores come before slow ones.
//! 3. Cores that share a last-level cache stay together: first one cache, then the next of the same socket, then the next
//!    socket.
//! 4. The sibling hyperthreads follow in the same order.
//!
//! Processors that are offline, that the affinity mask forbids or that the quota does not pay for are left out.

use std::collections::BTreeSet;
use system::cgroup;
use system::sysfs::{SystemFiles, list};

/// The processors of a machine that may be used, in the order in which cells get them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    /// Their numbers, as in an affinity mask. There is at least one.
    pub processors: Vec<usize>,
    /// How many of them, from the first, are a physical core of their own. The others are sibling hyperthreads.
    pub physical: usize,
}

impl Topology {
    /// What this thread may use of this machine.
    pub fn here() -> Self {
        Topology::read(&SystemFiles::here())
    }

    /// What the process may use of the machine that `files` describe.
    pub fn read(files: &SystemFiles) -> Self {
        let allowed = allowed(files);
        let mut ranks: Vec<Rank> = allowed.iter().map(|number| Rank::read(files, *number, &allowed)).collect();
        ranks.sort_unstable();
        // A quota of 1.5 processors pays for one, because two would both be stopped again and again.
        let paid = cgroup::quota(files).map_or(usize::MAX, |quota| quota.floor().max(1.0) as usize);
        ranks.truncate(paid);
        if ranks.is_empty() {
            return Topology { processors: vec![0], physical: 1 };
        }
        Topology {
            physical: ranks.iter().filter(|rank| rank.thread == 0).count(),
            processors: ranks.into_iter().map(|rank| rank.number).collect(),
        }
    }
}

/// The processors that are online.
pub fn online(files: &SystemFiles) -> BTreeSet<usize> {
    files.list("/sys/devices/system/cpu/online").unwrap_or_default()
}

/// The processors that are online and in this thread's affinity mask.
pub fn allowed(files: &SystemFiles) -> BTreeSet<usize> {
    let online = online(files);
    match files.value("/proc/thread-self/status", "Cpus_allowed_list").map(|text| list(&text)) {
        Some(mask) if online.is_empty() => mask,
        Some(mask) => &mask & &online,
        None => online,
    }
}

/// The hardware threads of the physical core of processor `number`, that one included.
pub fn siblings(files: &SystemFiles, number: usize) -> BTreeSet<usize> {
    let topology = format!("/sys/devices/system/cpu/cpu{number}/topology");
    // Older kernels have only the second name; newer ones may drop it.
    let lists = ["core_cpus_list", "thread_siblings_list"].map(|file| files.list(format!("{topology}/{file}")));
    lists.into_iter().flatten().next().unwrap_or_default().into_iter().chain([number]).collect()
}

/// Where a processor comes in the order: by these fields, from the first to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// Which of its core's usable hardware threads it is, from 0.
    thread: usize,
    /// 0 for the fastest kind of core.
    slowness: u64,
    /// Its socket.
    package: i64,
    /// Its last-level cache, by the first processor of that cache.
    cache: usize,
    /// Its physical core, by the first processor of that core.
    core: usize,
    number: usize,
}

impl Rank {
    fn read(files: &SystemFiles, number: usize, allowed: &BTreeSet<usize>) -> Self {
        let siblings = siblings(files, number);
        let package = format!("/sys/devices/system/cpu/cpu{number}/topology/physical_package_id");
        Rank {
            thread: siblings.range(..number).filter(|sibling| allowed.contains(sibling)).count(),
            slowness: slowness(files, number),
            package: files.number(package).unwrap_or(0),
            cache: last_cache(files, number).unwrap_or(0),
            core: siblings.first().copied().unwrap_or(number),
            number,
        }
    }
}

/// How much slower a processor's core is than the fastest, in steps that tell only kinds of cores apart.
///
/// Intel lists its kinds by name; others give each processor a capacity, 1024 for the fastest. A favoured core is faster by
/// a few per cent. It is no kind of its own, because that would separate cores that share a cache.
fn slowness(files: &SystemFiles, number: usize) -> u64 {
    let kinds = ["cpu_core", "cpu_atom", "cpu_lowpower"].map(|kind| files.list(format!("/sys/devices/{kind}/cpus")));
    if let Some(kind) = kinds.iter().position(|kind| kind.as_ref().is_some_and(|kind| kind.contains(&number))) {
        return kind as u64;
    }
    let capacity = files.number::<u64>(format!("/sys/devices/system/cpu/cpu{number}/cpu_capacity")).unwrap_or(1024);
    (1024 - capacity.min(1024)) / 128
}

/// The first processor that shares the highest-level cache of processor `number`.
fn last_cache(files: &SystemFiles, number: usize) -> Option<usize> {
    let caches = format!("/sys/devices/system/cpu/cpu{number}/cache");
    let indices = files.names(&caches).into_iter().filter(|name| name.starts_with("index"));
    let shared = indices.filter_map(|index| {
        let level: u32 = files.number(format!("{caches}/{index}/level"))?;
        Some((level, files.list(format!("{caches}/{index}/shared_cpu_list"))?))
    });
    shared.max_by_key(|(level, _)| *level)?.1.first().copied()
}
