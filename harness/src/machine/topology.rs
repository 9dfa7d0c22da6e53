//! Which processors cells get, and in which order: a cell with `n` cores gets the first `n`.
//!
//! Physical cores come first, for two hardware threads of one core share its units. Among them fast cores come before
//! slow ones, and then those that share a last-level cache stay together: first that cache, then the next of the same
//! socket, then the next socket. The second hardware threads follow in the same order. Processors that are offline, that
//! the affinity mask forbids or that the quota does not pay for are not among them.

use std::collections::BTreeSet;
use system::cgroup;
use system::sysfs::{SystemFiles, list};

/// The processors of a machine that may be used, in the order in which cells get them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    /// Their numbers, as in an affinity mask. There is at least one.
    pub processors: Vec<usize>,
    /// How many of them, from the first, are a physical core of their own. Those behind are second hardware threads.
    pub physical: usize,
}

impl Topology {
    /// What this thread may use of this machine.
    pub fn here() -> Self {
        Topology::seen(&SystemFiles::here())
    }

    /// What the process may use that `sight` shows.
    pub fn seen(sight: &SystemFiles) -> Self {
        let allowed = allowed(sight);
        let mut places: Vec<Place> = allowed.iter().map(|number| Place::seen(sight, *number, &allowed)).collect();
        places.sort_unstable();
        // Of one and a half processors' time one is used: two would both be stopped again and again.
        let paid = cgroup::quota(sight).map_or(usize::MAX, |quota| quota.floor().max(1.0) as usize);
        places.truncate(paid);
        if places.is_empty() {
            return Topology { processors: vec![0], physical: 1 };
        }
        Topology {
            physical: places.iter().filter(|place| place.thread == 0).count(),
            processors: places.into_iter().map(|place| place.number).collect(),
        }
    }
}

/// The processors that are online.
pub fn online(sight: &SystemFiles) -> BTreeSet<usize> {
    sight.list("/sys/devices/system/cpu/online").unwrap_or_default()
}

/// The processors that are online and in this thread's affinity mask.
pub fn allowed(sight: &SystemFiles) -> BTreeSet<usize> {
    let online = online(sight);
    match sight.value("/proc/thread-self/status", "Cpus_allowed_list").map(|text| list(&text)) {
        Some(mask) if online.is_empty() => mask,
        Some(mask) => &mask & &online,
        None => online,
    }
}

/// The hardware threads of the physical core that a processor is part of, itself among them.
pub fn siblings(sight: &SystemFiles, number: usize) -> BTreeSet<usize> {
    let topology = format!("/sys/devices/system/cpu/cpu{number}/topology");
    // The older name is still there, but kernels that only have the newer one may come.
    let listed = ["core_cpus_list", "thread_siblings_list"].map(|file| sight.list(format!("{topology}/{file}")));
    listed.into_iter().flatten().next().unwrap_or_default().into_iter().chain([number]).collect()
}

/// Where a processor is. The order of the fields is the order in which processors are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// Which of its core's usable hardware threads it is, from 0.
    thread: usize,
    /// 0 for the fastest kind of core.
    slowness: u64,
    /// Its socket.
    package: i64,
    /// Its last-level cache, by the first processor that has it too.
    cache: usize,
    /// Its physical core, by that core's first processor.
    core: usize,
    number: usize,
}

impl Place {
    fn seen(sight: &SystemFiles, number: usize, allowed: &BTreeSet<usize>) -> Self {
        let siblings = siblings(sight, number);
        let package = format!("/sys/devices/system/cpu/cpu{number}/topology/physical_package_id");
        Place {
            thread: siblings.range(..number).filter(|sibling| allowed.contains(sibling)).count(),
            slowness: slowness(sight, number),
            package: sight.number(package).unwrap_or(0),
            cache: last_cache(sight, number).unwrap_or(0),
            core: siblings.first().copied().unwrap_or(number),
            number,
        }
    }
}

/// How much slower a processor's core is than the fastest, in steps that only order kinds of cores.
///
/// Intel lists its kinds by name; others give each processor a capacity, 1024 for the fastest. A favoured core's
/// advantage of a few per cent is no other kind: it would tear apart those that share a cache.
fn slowness(sight: &SystemFiles, number: usize) -> u64 {
    let kinds = ["cpu_core", "cpu_atom", "cpu_lowpower"].map(|kind| sight.list(format!("/sys/devices/{kind}/cpus")));
    if let Some(kind) = kinds.iter().position(|kind| kind.as_ref().is_some_and(|kind| kind.contains(&number))) {
        return kind as u64;
    }
    let capacity = sight.number::<u64>(format!("/sys/devices/system/cpu/cpu{number}/cpu_capacity")).unwrap_or(1024);
    (1024 - capacity.min(1024)) / 128
}

/// The first processor that shares the cache of the highest level with processor `number`.
fn last_cache(sight: &SystemFiles, number: usize) -> Option<usize> {
    let caches = format!("/sys/devices/system/cpu/cpu{number}/cache");
    let indices = sight.names(&caches).into_iter().filter(|name| name.starts_with("index"));
    let shared = indices.filter_map(|index| {
        let level: u32 = sight.number(format!("{caches}/{index}/level"))?;
        Some((level, sight.list(format!("{caches}/{index}/shared_cpu_list"))?))
    });
    shared.max_by_key(|(level, _)| *level)?.1.first().copied()
}
