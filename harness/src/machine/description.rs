//! Describes this machine for the record, and lists the core counts that a sweep tries.

use crate::machine::topology::{Topology, online};
use record::{CLOCK, Machine, PHYSICAL_CORES};
use std::collections::{BTreeMap, BTreeSet};
use system::sysfs::SystemFiles;

/// Lists the processors that this process may use, in the order in which cells get them.
pub fn processors() -> Vec<usize> {
    Topology::here().processors
}

/// Returns the core counts that a sweep of this machine compares.
pub fn core_counts_here() -> Vec<usize> {
    let topology = Topology::here();
    core_counts(topology.processors.len(), topology.boundaries().iter().map(|boundary| boundary.cores))
}

/// Returns 1, 2, 4 and so on, the `boundaries` of the topology, and `available` last.
pub fn core_counts(available: usize, boundaries: impl IntoIterator<Item = usize>) -> Vec<usize> {
    let doubling = std::iter::successors(Some(1), |count| Some(count * 2));
    let below = doubling.take_while(|count| *count < available).chain(boundaries);
    below.filter(|count| *count < available).chain([available]).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Describes this machine for the record. `notes` come from the tasks. The doctor finds the nodes of the input.
pub fn describe(mut notes: BTreeMap<String, String>) -> Machine {
    let topology = Topology::here();
    // The report marks the core count beyond which a cell uses sibling hyperthreads.
    notes.insert(PHYSICAL_CORES.to_owned(), topology.physical.to_string());
    notes.insert(CLOCK.to_owned(), format!("{:.2} GHz", tasks::count::kernel::clock_ghz()));
    let files = SystemFiles::here();
    let processor = |name: &str| files.value("/proc/cpuinfo", name);
    let system = files.value("/etc/os-release", "PRETTY_NAME");
    let kernel = rustix::system::uname();
    let unknown = || "unknown".to_owned();
    Machine {
        processor: processor("model name").unwrap_or_else(|| {
            // ARM reports numbers for the implementer and the part instead, which distinguish models.
            let numbers = ["CPU implementer", "CPU part", "CPU variant"].map(processor);
            std::iter::once(std::env::consts::ARCH.to_owned())
                .chain(numbers.into_iter().flatten())
                .collect::<Vec<_>>()
                .join(" ")
        }),
        cores_available: u32::try_from(topology.processors.len()).unwrap_or(u32::MAX),
        cores_online: u32::try_from(online(&files).len().max(1)).unwrap_or(u32::MAX),
        memory_bytes: files.bytes("/proc/meminfo", "MemTotal").unwrap_or_default(),
        kernel: format!("{} {}", kernel.sysname().to_string_lossy(), kernel.release().to_string_lossy()),
        system: system.map_or_else(unknown, |name| name.trim_matches('"').to_owned()),
        compiler: env!("GOLDILOCKS_COMPILER").to_owned(),
        boundaries: topology.boundaries(),
        nodes: topology.nodes().into_iter().filter_map(|node| u32::try_from(node).ok()).collect(),
        input_nodes: Vec::new(),
        profile: if cfg!(debug_assertions) { "debug" } else { "release" }.to_owned(),
        notes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_counts_double_name_every_boundary_and_end_with_all() {
        assert_eq!(core_counts(1, []), [1]);
        assert_eq!(core_counts(2, []), [1, 2]);
        assert_eq!(core_counts(6, []), [1, 2, 4, 6]);
        assert_eq!(core_counts(24, [6, 12]), [1, 2, 4, 6, 8, 12, 16, 24]);
    }
}
