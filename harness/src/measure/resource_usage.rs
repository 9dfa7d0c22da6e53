//! What a sample used: processor time, switches, faults, memory, counters, of this process and its worker processes.

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use perf_event::events::Hardware;
use perf_event::{Builder, Counter};
use procfs::process::Process;
use record::Times;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What has been used so far, since each process began.
#[derive(Debug, Clone, Default)]
pub struct Usage {
    user_ns: u64,
    system_ns: u64,
    voluntary_switches: u64,
    involuntary_switches: u64,
    minor_faults: u64,
    major_faults: u64,
}

impl Usage {
    /// What this process and `processes` have used so far.
    pub fn now(processes: &[u32]) -> Self {
        let mut usage = Usage::default();
        // Only a wrong argument makes it fail; then there is nothing to say.
        if let Ok(own) = getrusage(UsageWho::RUSAGE_SELF) {
            usage.user_ns = time(own.user_time());
            usage.system_ns = time(own.system_time());
            usage.voluntary_switches = own.voluntary_context_switches().unsigned_abs();
            usage.involuntary_switches = own.involuntary_context_switches().unsigned_abs();
            usage.minor_faults = own.minor_page_faults().unsigned_abs();
            usage.major_faults = own.major_page_faults().unsigned_abs();
        }
        let own = std::process::id();
        for process in processes.iter().filter(|process| **process != own) {
            // A worker that has just ended cannot be asked any more; its sample has failed anyway.
            let _ = usage.add_worker(*process);
        }
        usage
    }

    fn add_worker(&mut self, process: u32) -> procfs::ProcResult<()> {
        let process = Process::new(i32::try_from(process).unwrap_or(i32::MAX))?;
        let stat = process.stat()?;
        // The clock ticks tell user from system; how much it was in all is known to the nanosecond.
        let cpu_ns = process.schedstat()?.sum_exec_runtime;
        let ticks = (stat.utime + stat.stime).max(1);
        let system_ns = (u128::from(cpu_ns) * u128::from(stat.stime) / u128::from(ticks)) as u64;
        self.system_ns += system_ns;
        self.user_ns += cpu_ns - system_ns;
        self.minor_faults += stat.minflt;
        self.major_faults += stat.majflt;
        for thread in process.tasks()? {
            let status = thread?.status()?;
            self.voluntary_switches += status.voluntary_ctxt_switches.unwrap_or_default();
            self.involuntary_switches += status.nonvoluntary_ctxt_switches.unwrap_or_default();
        }
        Ok(())
    }

    /// Processor time in all, in nanoseconds.
    pub fn cpu_ns(&self) -> u64 {
        self.user_ns + self.system_ns
    }

    /// Notes in `times` what was used between `before` and now.
    pub fn since(&self, before: &Usage, times: &mut Times) {
        // A worker that was replaced takes what it had used with it.
        times.user_ns = self.user_ns.saturating_sub(before.user_ns);
        times.system_ns = self.system_ns.saturating_sub(before.system_ns);
        times.voluntary_switches = self.voluntary_switches.saturating_sub(before.voluntary_switches);
        times.involuntary_switches = self.involuntary_switches.saturating_sub(before.involuntary_switches);
        times.minor_faults = self.minor_faults.saturating_sub(before.minor_faults);
        times.major_faults = self.major_faults.saturating_sub(before.major_faults);
    }
}

fn time(value: TimeVal) -> u64 {
    (Duration::from_secs(value.tv_sec().unsigned_abs()) + Duration::from_micros(value.tv_usec().unsigned_abs()))
        .as_nanos() as u64
}

/// Makes the kernel forget the most memory that each process has held so far.
///
/// Where it cannot, the peak is that of the whole life of the process: too high, never too low.
pub fn forget_peak_memory(processes: &[u32]) {
    for process in processes {
        // 5 resets the peak; see proc(5), /proc/pid/clear_refs.
        let _ = std::fs::write(format!("/proc/{process}/clear_refs"), "5");
    }
}

/// The most memory that each process has held since then, added up, in bytes. They may have held it at different
/// moments, so this is what all of them together never exceeded.
pub fn peak_memory_bytes(processes: &[u32]) -> u64 {
    let peak = |process: &u32| {
        let status = Process::new(i32::try_from(*process).ok()?).and_then(|process| process.status());
        Some(status.ok()?.vmhwm? * 1024)
    };
    processes.iter().filter_map(peak).sum()
}

/// The processor's own counters, of this process and every thread and process that it starts from now on.
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
    /// Of each package.
    energy_uj: Option<Vec<u64>>,
}

struct Energy {
    file: PathBuf,
    /// Where the counter starts from 0 again.
    range: u64,
}

/// Where Linux shows the energy that each processor package has used.
const POWERCAP: &str = "/sys/class/powercap";

impl Counters {
    /// Opens what this machine has. To be called before any worker is started, for only later ones are counted.
    pub fn open() -> Self {
        let mut unmeasured = BTreeMap::new();
        // Where Linux shows the slower kind of cores of a processor that has two.
        let two_kinds = Path::new("/sys/devices/cpu_atom").exists();
        let mut open = |name: &str, event: Hardware| {
            if two_kinds {
                unmeasured.insert(
                    name.to_owned(),
                    "this processor has cores of two kinds, and a counter is of one".to_owned(),
                );
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
        let energy = packages(Path::new(POWERCAP)).unwrap_or_else(|reason| {
            unmeasured.insert("energy_uj".to_owned(), reason);
            Vec::new()
        });
        Counters { cycles, instructions, cache_misses, energy, unmeasured }
    }

    /// The figures that this machine does not give, and why.
    pub fn unmeasured(&self) -> &BTreeMap<String, String> {
        &self.unmeasured
    }

    /// Reads them.
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

    /// Notes in `times` what was counted between two readings.
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
        ErrorKind::NotFound => "this machine shows no performance counters; most virtual machines hide them".to_owned(),
        ErrorKind::PermissionDenied => {
            "the kernel forbids it; `sysctl kernel.perf_event_paranoid=2` or less allows it".to_owned()
        }
        _ => format!("the kernel refuses: {error}"),
    }
}

/// The packages whose zones are in a folder such as [`POWERCAP`].
fn packages(folder: &Path) -> Result<Vec<Energy>, String> {
    let shown = folder.display();
    let zones = std::fs::read_dir(folder);
    let zones = zones.map_err(|_| format!("there is no {shown}; virtual machines hide the energy used"))?;
    let mut packages = Vec::new();
    for zone in zones.flatten().map(|zone| zone.path()) {
        let text = |file: &str| std::fs::read_to_string(zone.join(file));
        // A package has a zone of that name. Other zones are parts of it, hold it (`psys`), or show it once more
        // (`intel-rapl-mmio`).
        let zone_name = zone.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !zone_name.starts_with("intel-rapl:") || !text("name").is_ok_and(|name| name.starts_with("package")) {
            continue;
        }
        let range = text("max_energy_range_uj").ok().and_then(|text| text.trim().parse().ok()).unwrap_or(u64::MAX);
        let package = Energy { file: zone.join("energy_uj"), range };
        if package.read().is_none() {
            return Err(format!("{} cannot be read; only root may on most systems", package.file.display()));
        }
        packages.push(package);
    }
    match packages.is_empty() {
        true => Err(format!("no processor package in {shown}; virtual machines hide the energy used")),
        false => Ok(packages),
    }
}

impl Energy {
    /// What was used between two readings, between which the counter has begun anew at most once.
    fn used(&self, before: u64, after: u64) -> u64 {
        if after >= before { after - before } else { after.saturating_add(self.range).saturating_sub(before) }
    }

    fn read(&self) -> Option<u64> {
        std::fs::read_to_string(&self.file).ok()?.trim().parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A laptop's zones: a package, a part of it, the whole platform, and the package once more.
    #[test]
    fn energy_is_that_of_packages_and_each_begins_anew_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let zones = [
            ("intel-rapl:0", "package-0", 900),
            ("intel-rapl:0:0", "core", 500),
            ("intel-rapl:1", "psys", 2000),
            ("intel-rapl:2", "package-1", 100),
            ("intel-rapl-mmio:0", "package-0", 900),
            ("dtpm", "dtpm", 1),
        ];
        for (zone, name, energy) in zones {
            let zone = folder.path().join(zone);
            std::fs::create_dir(&zone).unwrap();
            std::fs::write(zone.join("name"), format!("{name}\n")).unwrap();
            std::fs::write(zone.join("energy_uj"), format!("{energy}\n")).unwrap();
            std::fs::write(zone.join("max_energy_range_uj"), "1000\n").unwrap();
        }
        let mut packages = packages(folder.path()).unwrap();
        packages.sort_by_key(|package| package.file.clone());
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
        std::fs::write(folder.path().join("intel-rapl:0/energy_uj"), "50").unwrap();
        std::fs::write(folder.path().join("intel-rapl:2/energy_uj"), "130").unwrap();
        let (after, mut times) = (counters.read(), Times::default());
        counters.between(&before, &after, &mut times);
        assert_eq!(times.energy_uj, Some(150 + 30));
    }
}
