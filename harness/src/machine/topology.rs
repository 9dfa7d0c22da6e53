//! The order in which cells get processors. A cell with `n` cores gets the first `n`.
//!
//! 1. One hardware thread of each physical core comes first, because sibling threads share the core's execution units.
//! 2. Fast kinds of cores come before slow ones.
//! 3. Cores that share a last-level cache stay together. All caches of a socket come before the next socket.
//! 4. The sibling hyperthreads follow in the same order.
//!
//! Offline processors and those that the affinity mask forbids are left out. A CPU quota shortens the list.

use std::collections::BTreeSet;
use system::cgroup;
use system::sysfs::{SystemFiles, list};

/// The usable processors of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    /// The processors' numbers, as in an affinity mask, in the order in which cells get them. There is at least one.
    pub processors: Vec<usize>,
    /// The number of leading processors that are each on a separate physical core. The rest are sibling hyperthreads.
    pub physical: usize,
}

impl Topology {
    /// Reads the processors of this machine that this thread may use.
    pub fn here() -> Self {
        Topology::read(&SystemFiles::here())
    }

    /// Reads the usable processors of the machine that `files` describe.
    pub fn read(files: &SystemFiles) -> Self {
        let allowed = allowed(files);
        let mut ranks: Vec<Rank> = allowed.iter().map(|number| Rank::read(files, *number, &allowed)).collect();
        ranks.sort_unstable();
        // A quota of 1.5 processors allows one, because two busy processors would be throttled repeatedly.
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

/// Returns the processors that are online.
pub fn online(files: &SystemFiles) -> BTreeSet<usize> {
    files.list("/sys/devices/system/cpu/online").unwrap_or_default()
}

/// Returns the processors that are online and in this thread's affinity mask.
pub fn allowed(files: &SystemFiles) -> BTreeSet<usize> {
    let online = online(files);
    match files.value("/proc/thread-self/status", "Cpus_allowed_list").map(|text| list(&text)) {
        Some(mask) if online.is_empty() => mask,
        Some(mask) => &mask & &online,
        None => online,
    }
}

/// Returns the hardware threads of one physical core, namely processor `number` and its siblings.
pub fn siblings(files: &SystemFiles, number: usize) -> BTreeSet<usize> {
    let topology = format!("/sys/devices/system/cpu/cpu{number}/topology");
    // Older kernels have only the second name. Newer kernels may drop it.
    let lists = ["core_cpus_list", "thread_siblings_list"].map(|file| files.list(format!("{topology}/{file}")));
    lists.into_iter().flatten().next().unwrap_or_default().into_iter().chain([number]).collect()
}

/// The sort key of a processor. Earlier fields take precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// The index of this hardware thread among the usable ones of its core, from 0.
    thread: usize,
    /// The kind of core: 0 for the fastest, higher for slower ones.
    slowness: u64,
    /// The socket.
    package: i64,
    /// The last-level cache, named by the first processor that shares the cache.
    cache: usize,
    /// The physical core, named by its first processor.
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

/// Ranks the kind of core of a processor: 0 for the fastest. The steps are coarse, so that only kinds of cores differ.
///
/// On Intel, Linux lists the kinds by name. Elsewhere each processor has a capacity, which is 1024 for the fastest. A
/// favoured core is a few per cent faster than its peers. It gets the same rank, because a separate rank would separate
/// cores that share a cache.
fn slowness(files: &SystemFiles, number: usize) -> u64 {
    let kinds = ["cpu_core", "cpu_atom", "cpu_lowpower"].map(|kind| files.list(format!("/sys/devices/{kind}/cpus")));
    if let Some(kind) = kinds.iter().position(|kind| kind.as_ref().is_some_and(|kind| kind.contains(&number))) {
        return kind as u64;
    }
    let capacity = files.number::<u64>(format!("/sys/devices/system/cpu/cpu{number}/cpu_capacity")).unwrap_or(1024);
    (1024 - capacity.min(1024)) / 128
}

/// Returns the first processor that shares the last-level cache of processor `number`.
fn last_cache(files: &SystemFiles, number: usize) -> Option<usize> {
    let caches = format!("/sys/devices/system/cpu/cpu{number}/cache");
    let indices = files.names(&caches).into_iter().filter(|name| name.starts_with("index"));
    let shared = indices.filter_map(|index| {
        let level: u32 = files.number(format!("{caches}/{index}/level"))?;
        Some((level, files.list(format!("{caches}/{index}/shared_cpu_list"))?))
    });
    shared.max_by_key(|(level, _)| *level)?.1.first().copied()
}
