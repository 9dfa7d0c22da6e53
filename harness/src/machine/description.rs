//! The machine: which core counts are tried on it, and what to write down about it.

use crate::machine::topology::{Topology, online};
use record::{CLOCK, Machine};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::read_to_string;
use system::sysfs::SystemFiles;

/// The processors that this process may use, in the order in which cells get them.
pub fn processors() -> Vec<usize> {
    Topology::here().processors
}

/// 1, 2, 4 and so on up to all of `available`.
pub fn core_counts(available: usize) -> Vec<usize> {
    let doubling = std::iter::successors(Some(1), |count| Some(count * 2)).take_while(|count| *count < available);
    doubling.chain([available]).collect::<BTreeSet<_>>().into_iter().collect()
}

/// The note that says how many of the processors available are a physical core of their own.
pub const PHYSICAL: &str = record::PHYSICAL_CORES;

/// What to write down about this machine.
pub fn describe(mut notes: BTreeMap<String, String>) -> Machine {
    let topology = Topology::here();
    // The report marks where a cell begins to share physical cores with itself.
    notes.insert(PHYSICAL.to_owned(), topology.physical.to_string());
    notes.insert(CLOCK.to_owned(), format!("{:.2} GHz", tasks::count::kernel::clock_ghz()));
    let cpuinfo = read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line[name.len()..].trim_matches([' ', '\t', ':', '=', '"']).to_owned())
    };
    let meminfo = read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = value(&meminfo, "MemTotal").and_then(|kib| kib.split(' ').next()?.parse::<u64>().ok());
    let kernel = rustix::system::uname();
    let unknown = || "unknown".to_owned();
    Machine {
        processor: value(&cpuinfo, "model name").unwrap_or_else(|| {
            // ARM has numbers for makers and models instead. Two models must not pass for one.
            let numbers = ["CPU implementer", "CPU part", "CPU variant"].map(|name| value(&cpuinfo, name));
            std::iter::once(std::env::consts::ARCH.to_owned())
                .chain(numbers.into_iter().flatten())
                .collect::<Vec<_>>()
                .join(" ")
        }),
        cores_available: u32::try_from(topology.processors.len()).unwrap_or(u32::MAX),
        cores_online: u32::try_from(online(&SystemFiles::here()).len().max(1)).unwrap_or(u32::MAX),
        memory_bytes: memory.unwrap_or_default() * 1024,
        kernel: format!("{} {}", kernel.sysname().to_string_lossy(), kernel.release().to_string_lossy()),
        system: value(&read_to_string("/etc/os-release").unwrap_or_default(), "PRETTY_NAME").unwrap_or_else(unknown),
        compiler: env!("GOLDILOCKS_COMPILER").to_owned(),
        profile: if cfg!(debug_assertions) { "debug" } else { "release" }.to_owned(),
        notes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_counts_double_and_end_with_all() {
        assert_eq!(core_counts(1), [1]);
        assert_eq!(core_counts(2), [1, 2]);
        assert_eq!(core_counts(6), [1, 2, 4, 6]);
        assert_eq!(core_counts(32), [1, 2, 4, 8, 16, 32]);
    }
}
