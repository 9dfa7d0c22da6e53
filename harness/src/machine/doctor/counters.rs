//! What the system has counted so far. Two readings show what happened between them.

use std::collections::BTreeMap;
use system::cgroup;
use system::process::Stat;
use system::sysfs::SystemFiles;

/// One reading of the system's counters. What the system does not count is nothing, not zero.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// How many processors are watched.
    pub processors: usize,
    /// All their time, in ticks.
    pub ticks: u64,
    /// Ticks in which they worked, for whomever.
    pub busy: u64,
    /// Ticks that the hypervisor gave to others while there was work.
    pub stolen: u64,
    /// Ticks in which any processor worked for this process or one below it.
    pub own: u64,
    /// How often our groups were stopped by their quota.
    pub throttled: Option<u64>,
    /// How often the watched processors slowed down because of heat.
    pub heat: Option<u64>,
    /// Pages written to swap or read from it.
    pub swapped: Option<u64>,
    /// The clock that the system uses.
    pub clock: Option<String>,
}

impl Counters {
    /// Reads them now, those of the system for `processors` only.
    pub fn now(sight: &SystemFiles, processors: &[usize]) -> Self {
        let mut counters = Counters {
            processors: processors.len(),
            own: own(sight),
            throttled: cgroup::throttled(sight),
            heat: heat(sight, processors),
            swapped: ["pswpin", "pswpout"].iter().map(|name| sight.count("/proc/vmstat", name)).sum(),
            clock: sight.text("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
            ..Counters::default()
        };
        let text = sight.text("/proc/stat").unwrap_or_default();
        for processor in processors {
            let name = format!("cpu{processor} ");
            let Some(times) = text.lines().find_map(|line| line.strip_prefix(&name)) else { continue };
            let times: Vec<u64> = times.split_whitespace().filter_map(|ticks| ticks.parse().ok()).collect();
            // In order: user, nice, system, idle, waiting for a disk, two kinds of interrupts, stolen. What follows, the
            // time of guests, is part of the first two.
            let [user, nice, system, idle, waiting, hard, soft, stolen, ..] = times[..] else { continue };
            let busy = user + nice + system + hard + soft;
            counters.busy += busy;
            counters.stolen += stolen;
            counters.ticks += busy + idle + waiting + stolen;
        }
        counters
    }

    /// How many of the watched processors others used on average since `before`; nothing if no time has passed.
    ///
    /// Our own processes may have worked on other processors too: if not all are watched, it can be too low.
    pub fn used_by_others(&self, before: &Counters) -> Option<f64> {
        let ticks = self.ticks.checked_sub(before.ticks).filter(|ticks| *ticks > 0)?;
        let busy = self.busy.saturating_sub(before.busy);
        let others = busy.saturating_sub(self.own.saturating_sub(before.own));
        Some(others as f64 / ticks as f64 * self.processors as f64)
    }

    /// Which part of the watched processors' time the hypervisor gave to others since `before`.
    pub fn stolen_share(&self, before: &Counters) -> Option<f64> {
        let ticks = self.ticks.checked_sub(before.ticks).filter(|ticks| *ticks > 0)?;
        Some(self.stolen.saturating_sub(before.stolen) as f64 / ticks as f64)
    }
}

/// By how much a counter has risen, if both readings have it.
pub(super) fn risen(before: Option<u64>, after: Option<u64>) -> Option<u64> {
    Some(after?.saturating_sub(before?))
}

/// The processor time of this process and all below it, those that have ended among them, in ticks.
fn own(sight: &SystemFiles) -> u64 {
    let stats = sight.names("/proc").into_iter().filter(|name| name.starts_with(|first: char| first.is_ascii_digit()));
    let processes: BTreeMap<u32, Stat> =
        stats.filter_map(|number| Stat::read(sight, &number)).map(|stat| (stat.process, stat)).collect();
    let myself = Stat::read(sight, "self").map(|stat| stat.process);
    // Up from each process; a chain cannot be longer than there are processes, even if numbers changed meanwhile.
    let mine = |number: &u32| {
        std::iter::successors(Some(*number), |number| Some(processes.get(number)?.parent))
            .take(processes.len() + 1)
            .any(|number| Some(number) == myself)
    };
    let ticks = |stat: &Stat| stat.user_ticks + stat.system_ticks + stat.children_ticks;
    processes.iter().filter(|(number, _)| mine(number)).map(|(_, stat)| ticks(stat)).sum()
}

/// How often the cores and packages of `processors` were too hot.
fn heat(sight: &SystemFiles, processors: &[usize]) -> Option<u64> {
    let counts = processors.iter().flat_map(|number| {
        let folder = format!("/sys/devices/system/cpu/cpu{number}/thermal_throttle");
        ["core_throttle_count", "package_throttle_count"].map(|file| sight.number::<u64>(format!("{folder}/{file}")))
    });
    counts.flatten().reduce(|a, b| a + b)
}
