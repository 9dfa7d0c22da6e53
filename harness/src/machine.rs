//! The machine: which processors may be used, in which order, and what to write down about it.

use reports::record::Machine;
use rustix::thread::{CpuSet, sched_getaffinity};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::read_to_string;
use std::path::Path;

/// A logical processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Processor {
    /// The socket it is in.
    pub package: u32,
    /// The physical core it is part of.
    pub core: u32,
    /// Its number, as in an affinity mask.
    pub number: usize,
}

/// Processors in the order in which a sweep takes them: one of each physical core first, socket by socket, then the
/// second hardware threads in the same order.
pub fn order(mut processors: Vec<Processor>) -> Vec<usize> {
    processors.sort_unstable();
    let mut seen: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    let mut ranked: Vec<(u32, Processor)> = processors
        .into_iter()
        .map(|processor| {
            let threads = seen.entry((processor.package, processor.core)).or_default();
            *threads += 1;
            (*threads, processor)
        })
        .collect();
    ranked.sort_unstable();
    ranked.into_iter().map(|(_, processor)| processor.number).collect()
}

/// The processors that this process may use, in the order of [`order`], as many as its quota pays for.
pub fn processors() -> Vec<usize> {
    let allowed = sched_getaffinity(None).unwrap_or_else(|_| CpuSet::new());
    let topology = |number: usize, what: &str| {
        let path = format!("/sys/devices/system/cpu/cpu{number}/topology/{what}");
        read_to_string(path).ok().and_then(|text| text.trim().parse().ok())
    };
    let processors = (0..CpuSet::MAX_CPU).filter(|number| allowed.is_set(*number)).map(|number| Processor {
        package: topology(number, "physical_package_id").unwrap_or(0),
        // Without a topology every processor counts as a core.
        core: topology(number, "core_id").unwrap_or(u32::try_from(number).unwrap_or(u32::MAX)),
        number,
    });
    let mut ordered = order(processors.collect());
    // The standard library knows the affinity mask and the cgroup's quota, of either version.
    ordered.truncate(std::thread::available_parallelism().map_or(1, usize::from));
    if ordered.is_empty() {
        ordered.push(0);
    }
    ordered
}

/// 1, 2, 4 and so on up to all of `available`.
pub fn core_counts(available: usize) -> Vec<usize> {
    let doubling = std::iter::successors(Some(1), |count| Some(count * 2)).take_while(|count| *count < available);
    doubling.chain([available]).collect::<BTreeSet<_>>().into_iter().collect()
}

/// What to write down about this machine.
pub fn describe(notes: BTreeMap<String, String>) -> Machine {
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
        processor: value(&cpuinfo, "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
        cores_available: u32::try_from(processors().len()).unwrap_or(u32::MAX),
        cores_online: online(Path::new("/sys/devices/system/cpu/online")),
        memory_bytes: memory.unwrap_or_default() * 1024,
        kernel: format!("{} {}", kernel.sysname().to_string_lossy(), kernel.release().to_string_lossy()),
        system: value(&read_to_string("/etc/os-release").unwrap_or_default(), "PRETTY_NAME").unwrap_or_else(unknown),
        compiler: env!("GOLDILOCKS_COMPILER").to_owned(),
        profile: if cfg!(debug_assertions) { "debug" } else { "release" }.to_owned(),
        notes,
    }
}

/// How many processors a list such as `0-3,8` names.
fn online(list: &Path) -> u32 {
    let text = read_to_string(list).unwrap_or_default();
    let count = text.trim().split(',').filter_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(last.parse::<u32>().ok()? - first.parse::<u32>().ok()? + 1)
    });
    count.sum::<u32>().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(packages: u32, cores: u32, threads: u32) -> Vec<Processor> {
        // As Linux numbers them: all first hardware threads, then all second ones.
        let mut processors = Vec::new();
        for _ in 0..threads {
            for package in 0..packages {
                for core in 0..cores {
                    processors.push(Processor { package, core, number: processors.len() });
                }
            }
        }
        processors
    }

    #[test]
    fn physical_cores_come_before_their_second_threads() {
        assert_eq!(order(machine(1, 2, 1)), [0, 1]);
        assert_eq!(order(machine(2, 2, 2)), [0, 1, 2, 3, 4, 5, 6, 7]);
        // Numbered in pairs, as some machines do.
        let pairs = [(0, 0), (0, 1), (1, 2), (1, 3)].map(|(core, number)| Processor { package: 0, core, number });
        assert_eq!(order(pairs.to_vec()), [0, 2, 1, 3]);
    }

    #[test]
    fn core_counts_double_and_end_with_all() {
        assert_eq!(core_counts(1), [1]);
        assert_eq!(core_counts(2), [1, 2]);
        assert_eq!(core_counts(6), [1, 2, 4, 6]);
        assert_eq!(core_counts(32), [1, 2, 4, 8, 16, 32]);
    }
}
