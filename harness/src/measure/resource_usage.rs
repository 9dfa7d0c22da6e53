//! The resources that a sample used in this process and its worker processes: processor time, context switches, page
//! faults, memory and hardware counters.

use perf_event::events::Hardware;
use perf_event::{Builder, Counter};
use record::Times;
use std::collections::BTreeMap;
use std::time::Duration;
use system::sysfs::SystemFiles;
use system::usage::Usage;

/// Returns the resources that this process and `processes` have used since each of them began.
pub fn used_so_far(processes: &[u32]) -> Usage {
    let own = std::process::id();
    // A worker process that has just ended cannot be read, but its sample has failed anyway.
    let workers = processes.iter().filter(|process| **process != own).filter_map(|process| Usage::of_process(*process));
    workers.fold(Usage::of_this_process(), Usage::plus)
}

/// Writes `used` into `times`.
pub fn note(used: Usage, times: &mut Times) {
    let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    times.user_ns = nanoseconds(used.user);
    times.system_ns = nanoseconds(used.system);
    times.voluntary_switches = used.voluntary_switches;
    times.involuntary_switches = used.involuntary_switches;
    times.minor_faults = used.minor_faults;
    times.major_faults = used.major_faults;
}

/// Adds up the peak memory of the processes since the peaks were reset, in bytes. The sum is an upper bound of the
/// memory that the processes held together, because the peaks may occur at different moments.
pub fn peak_memory_bytes(processes: &[u32]) -> u64 {
    processes.iter().filter_map(|process| system::process::peak_memory(*process)).sum()
}

/// The processor's performance counters for this process and for every thread and process that it starts later.
pub struct Counters {
    cycles: Option<Counter>,
    instructions: Option<Counter>,
    cache_misses: Option<Counter>,
    energy: Vec<Energy>,
    unmeasured: BTreeMap<String, String>,
}

/// One reading of the counters.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    cycles: Option<u64>,
    instructions: Option<u64>,
    cache_misses: Option<u64>,
    /// The energy counters, one value for each package.
    energy_uj: Option<Vec<u64>>,
}

/// The energy counter of a processor package.
struct Energy {
    files: SystemFiles,
    file: String,
    /// The value at which the counter wraps to 0.
    range: u64,
}

/// The folder in which Linux reports the energy that each processor package has used.
const POWERCAP: &str = "/sys/class/powercap";

impl Counters {
    /// Opens the counters that this machine has. Call this function before any worker starts, because the counters
    /// include only threads and processes that start later.
    pub fn open() -> Self {
        let mut unmeasured = BTreeMap::new();
        let files = SystemFiles::here();
        // The slower cores of a processor with two kinds of cores.
        let two_kinds = files.exists("/sys/devices/cpu_atom");
        let mut open = |name: &str, event: Hardware| {
            if two_kinds {
                let reason = "this processor has two kinds of cores, and a counter covers only one";
                unmeasured.insert(name.to_owned(), reason.to_owned());
                return None;
            }
            let counter = Builder::new(event).inherit(true).build().and_then(|mut counter| {
                counter.enable()?;
                Ok(counter)
            });
            counter.map_err(|error| unmeasured.insert(name.to_owned(), why_not(&error))).ok()
        };
        let (cycles, instructions, cache_misses) = (
            open("cycles", Hardware::CPU_CYCLES),
            open("instructions", Hardware::INSTRUCTIONS),
            open("cache_misses", Hardware::CACHE_MISSES),
        );
        let energy = packages(&files).unwrap_or_else(|reason| {
            unmeasured.insert("energy_uj".to_owned(), reason);
            Vec::new()
        });
        Counters { cycles, instructions, cache_misses, energy, unmeasured }
    }

    /// Lists the figures that this machine does not provide, each with the reason.
    pub fn unmeasured(&self) -> &BTreeMap<String, String> {
        &self.unmeasured
    }

    /// Reads the counters.
    pub fn read(&mut self) -> Reading {
        let read = |counter: &mut Option<Counter>| counter.as_mut().and_then(|counter| counter.read().ok());
        let energy: Option<Vec<u64>> = self.energy.iter().map(Energy::read).collect();
        Reading {
            cycles: read(&mut self.cycles),
            instructions: read(&mut self.instructions),
            cache_misses: read(&mut self.cache_misses),
            energy_uj: energy.filter(|_| !self.energy.is_empty()),
        }
    }

    /// Writes the differences of two readings into `times`.
    pub fn between(&self, before: &Reading, after: &Reading, times: &mut Times) {
        let difference = |before: Option<u64>, after: Option<u64>| Some(after?.saturating_sub(before?));
        times.cycles = difference(before.cycles, after.cycles);
        times.instructions = difference(before.instructions, after.instructions);
        times.cache_misses = difference(before.cache_misses, after.cache_misses);
        times.energy_uj = before.energy_uj.as_ref().zip(after.energy_uj.as_ref()).map(|(before, after)| {
            self.energy
                .iter()
                .zip(before.iter().zip(after))
                .map(|(package, (before, after))| package.used(*before, *after))
                .sum()
        });
    }
}

fn why_not(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => "this machine has no performance counters; most virtual machines hide them".to_owned(),
        ErrorKind::PermissionDenied => {
            "the kernel forbids it; `sysctl kernel.perf_event_paranoid=2` or less allows it".to_owned()
        }
        _ => format!("the kernel refuses: {error}"),
    }
}

/// Finds the processor packages in [`POWERCAP`].
fn packages(files: &SystemFiles) -> Result<Vec<Energy>, String> {
    let hidden = "virtual machines hide the energy used";
    if !files.exists(POWERCAP) {
        return Err(format!("there is no {POWERCAP}; {hidden}"));
    }
    let mut packages = Vec::new();
    for zone in files.names(POWERCAP) {
        let path = |file: &str| format!("{POWERCAP}/{zone}/{file}");
        // Each package has one zone named `package-…` whose folder begins with `intel-rapl:`. Other zones are a part of
        // a package, contain it (`psys`), or repeat it (`intel-rapl-mmio`).
        if !zone.starts_with("intel-rapl:") || !files.text(path("name")).is_some_and(|name| name.starts_with("package"))
        {
            continue;
        }
        let range = files.number(path("max_energy_range_uj")).unwrap_or(u64::MAX);
        let package = Energy { files: files.clone(), file: path("energy_uj"), range };
        if package.read().is_none() {
            return Err(format!("{} cannot be read; only root may on most systems", package.file));
        }
        packages.push(package);
    }
    match packages.is_empty() {
        true => Err(format!("no processor package in {POWERCAP}; {hidden}")),
        false => Ok(packages),
    }
}

impl Energy {
    /// Returns the energy between two readings. The counter may have wrapped at most once.
    fn used(&self, before: u64, after: u64) -> u64 {
        if after >= before { after - before } else { after.saturating_add(self.range).saturating_sub(before) }
    }

    fn read(&self) -> Option<u64> {
        self.files.number(&self.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The zones of a laptop: a package, a part of the package, the platform, and the package a second time.
    #[test]
    fn energy_sums_packages_and_each_counter_wraps_separately() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join(&POWERCAP[1..]);
        let zones = [
            ("intel-rapl:0", "package-0", 900),
            ("intel-rapl:0:0", "core", 500),
            ("intel-rapl:1", "psys", 2000),
            ("intel-rapl:2", "package-1", 100),
            ("intel-rapl-mmio:0", "package-0", 900),
            ("dtpm", "dtpm", 1),
        ];
        for (zone, name, energy) in zones {
            let zone = folder.join(zone);
            std::fs::create_dir_all(&zone).unwrap();
            std::fs::write(zone.join("name"), format!("{name}\n")).unwrap();
            std::fs::write(zone.join("energy_uj"), format!("{energy}\n")).unwrap();
            std::fs::write(zone.join("max_energy_range_uj"), "1000\n").unwrap();
        }
        let packages = packages(&SystemFiles::below(root.path())).unwrap();
        let read: Vec<_> = packages.iter().map(Energy::read).collect();
        assert_eq!(read, [Some(900), Some(100)]);
        let mut counters = Counters {
            cycles: None,
            instructions: None,
            cache_misses: None,
            energy: packages,
            unmeasured: BTreeMap::new(),
        };
        let before = counters.read();
        std::fs::write(folder.join("intel-rapl:0/energy_uj"), "50").unwrap();
        std::fs::write(folder.join("intel-rapl:2/energy_uj"), "130").unwrap();
        let (after, mut times) = (counters.read(), Times::default());
        counters.between(&before, &after, &mut times);
        assert_eq!(times.energy_uj, Some(150 + 30));
    }
}
