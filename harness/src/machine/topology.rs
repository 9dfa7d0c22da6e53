//! The order in which cells get processors. A cell with `n` cores gets the first `n`.
//!
//! 1. One hardware thread of each physical core comes first, because sibling threads share the core's execution units.
//! 2. Fast kinds of cores come before slow ones.
//! 3. The cores of a socket stay together, within it those of a NUMA node, and within that those that share a last-level
//!    cache.
//! 4. The sibling hyperthreads follow in the same order.
//!
//! The core counts at which one of these changes are the *boundaries*. A sweep measures there, because the shape of a
//! curve may change there.
//!
//! Offline processors and those that the affinity mask forbids are left out. A CPU quota shortens the list.

use record::{Boundary, BoundaryKind};
use std::collections::{BTreeMap, BTreeSet};
use system::cgroup;
use system::sysfs::{SystemFiles, list};

/// The usable processors of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    /// The processors' numbers, as in an affinity mask, in the order in which cells get them. There is at least one.
    pub processors: Vec<usize>,
    /// The number of leading processors that are each on a separate physical core. The rest are sibling hyperthreads.
    pub physical: usize,
    /// The sort keys of `processors`.
    ranks: Vec<Rank>,
}

impl Topology {
    /// Reads the processors of this machine that this thread may use.
    pub fn here() -> Self {
        Topology::read(&SystemFiles::here())
    }

    /// Reads the usable processors of the machine that `files` describe.
    pub fn read(files: &SystemFiles) -> Self {
        let (allowed, nodes) = (allowed(files), nodes(files));
        let mut ranks: Vec<Rank> = allowed.iter().map(|number| Rank::read(files, *number, &allowed, &nodes)).collect();
        ranks.sort_unstable();
        // A quota of 1.5 processors allows one, because two busy processors would be throttled repeatedly.
        let paid = cgroup::quota(files).map_or(usize::MAX, |quota| quota.floor().max(1.0) as usize);
        ranks.truncate(paid);
        if ranks.is_empty() {
            ranks.push(Rank::default());
        }
        Topology {
            processors: ranks.iter().map(|rank| rank.number).collect(),
            physical: ranks.iter().filter(|rank| rank.thread == 0).count(),
            ranks,
        }
    }

    /// Returns the NUMA node of each processor, in the order of `processors`. A machine without NUMA has node 0 only.
    pub fn nodes(&self) -> Vec<usize> {
        self.ranks.iter().map(|rank| rank.node).collect()
    }

    /// Returns the core counts after which a cell gets another kind of processor, ascending. If several properties change
    /// at the same count, the boundary names the most important one.
    ///
    /// Sibling hyperthreads repeat the sockets and nodes of the physical cores, so there is no boundary among them. Of the
    /// boundaries between caches only the first is listed, because a large processor has a cache for every few cores.
    pub fn boundaries(&self) -> Vec<Boundary> {
        let steps = self.ranks.windows(2).zip(1..);
        let mut boundaries: Vec<Boundary> =
            steps.filter_map(|(pair, cores)| Some(Boundary { cores, kind: pair[0].change(&pair[1])? })).collect();
        let is_cache = |boundary: &Boundary| boundary.kind == BoundaryKind::Cache;
        let first = boundaries.iter().copied().find(is_cache);
        // A cache of one core is shared by nobody.
        boundaries.retain(|boundary| !is_cache(boundary) || boundary.cores > 1 && Some(*boundary) == first);
        boundaries
    }
}

/// Returns the processors of each NUMA node.
pub fn nodes(files: &SystemFiles) -> BTreeMap<usize, BTreeSet<usize>> {
    let folder = "/sys/devices/system/node";
    let online = files.list(format!("{folder}/online")).unwrap_or_default();
    online.into_iter().filter_map(|node| Some((node, files.list(format!("{folder}/node{node}/cpulist"))?))).collect()
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// The index of this hardware thread among the usable ones of its core, from 0.
    thread: usize,
    /// The kind of core: 0 for the fastest, higher for slower ones.
    slowness: u64,
    /// The socket.
    package: i64,
    /// The NUMA node.
    node: usize,
    /// The last-level cache, named by the first processor that shares the cache.
    cache: usize,
    /// The physical core, named by its first processor.
    core: usize,
    number: usize,
}

impl Rank {
    fn read(
        files: &SystemFiles,
        number: usize,
        allowed: &BTreeSet<usize>,
        nodes: &BTreeMap<usize, BTreeSet<usize>>,
    ) -> Self {
        let siblings = siblings(files, number);
        let package = format!("/sys/devices/system/cpu/cpu{number}/topology/physical_package_id");
        Rank {
            thread: siblings.range(..number).filter(|sibling| allowed.contains(sibling)).count(),
            slowness: slowness(files, number),
            package: files.number(package).unwrap_or(0),
            node: nodes.iter().find(|(_, processors)| processors.contains(&number)).map_or(0, |(node, _)| *node),
            cache: last_cache(files, number).unwrap_or(0),
            core: siblings.first().copied().unwrap_or(number),
            number,
        }
    }

    /// Returns what changes from this processor to the `next` one, unless it is just another core of the same kind.
    fn change(&self, next: &Rank) -> Option<BoundaryKind> {
        let changes = [
            (next.thread > 0, BoundaryKind::Physical),
            (next.slowness != self.slowness, BoundaryKind::FastCores),
            (next.package != self.package, BoundaryKind::Socket),
            (next.node != self.node, BoundaryKind::Node),
            (next.cache != self.cache, BoundaryKind::Cache),
        ];
        changes.into_iter().find_map(|(changed, kind)| (changed && self.thread == 0).then_some(kind))
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
