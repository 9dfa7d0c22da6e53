//! Readings of the kernel's counters. The difference of two readings shows what happened between them.

use std::collections::BTreeMap;
use system::cgroup;
use system::process::Stat;
use system::sysfs::SystemFiles;

/// One reading of the kernel's counters. A counter that the kernel lacks is `None`, not zero.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// The number of watched processors.
    pub processors: usize,
    /// The total time of the watched processors, in ticks.
    pub ticks: u64,
    /// Ticks in which the watched processors worked for any process.
    pub busy: u64,
    /// Ticks that the hypervisor gave to other virtual machines although a watched processor had work.
    pub stolen: u64,
    /// Ticks in which any processor, watched or not, worked for this process or its descendants.
    pub own: u64,
    /// The other processes, by number: the program's name, and the ticks in which any processor worked for it.
    pub others: BTreeMap<u32, (String, u64)>,
    /// The number of times that a quota throttled our control groups.
    pub throttled: Option<u64>,
    /// The number of times that heat slowed the watched processors down.
    pub heat: Option<u64>,
    /// Pages written to swap or read from it.
    pub swapped: Option<u64>,
    /// The kernel's clock source.
    pub clock: Option<String>,
}

impl Counters {
    /// Reads the counters now. Processor times cover `processors` only, except `own`.
    pub fn now(files: &SystemFiles, processors: &[usize]) -> Self {
        let (own, others) = processes(files);
        let mut counters = Counters {
            processors: processors.len(),
            own,
            others,
            throttled: cgroup::throttled(files),
            heat: heat(files, processors),
            swapped: ["pswpin", "pswpout"].iter().map(|name| files.count("/proc/vmstat", name)).sum(),
            clock: files.text("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
            ..Counters::default()
        };
        let text = files.text("/proc/stat").unwrap_or_default();
        for processor in processors {
            let name = format!("cpu{processor} ");
            let Some(times) = text.lines().find_map(|line| line.strip_prefix(&name)) else { continue };
            let times: Vec<u64> = times.split_whitespace().filter_map(|ticks| ticks.parse().ok()).collect();
            // The fields after these are guest times, which `user` and `nice` already include.
            let [user, nice, system, idle, disk_wait, hard_interrupts, soft_interrupts, stolen, ..] = times[..] else {
                continue;
            };
            let busy = user + nice + system + hard_interrupts + soft_interrupts;
            counters.busy += busy;
            counters.stolen += stolen;
            counters.ticks += busy + idle + disk_wait + stolen;
        }
        counters
    }

    /// Returns the number of watched processors that other programs used on average since `before`. Returns `None` if
    /// no time has passed.
    ///
    /// The result can be too low if some processors are not watched, because our own processes may have used the
    /// unwatched ones.
    pub fn used_by_others(&self, before: &Counters) -> Option<f64> {
        let ticks = self.ticks.checked_sub(before.ticks).filter(|ticks| *ticks > 0)?;
        let busy = self.busy.saturating_sub(before.busy);
        let others = busy.saturating_sub(self.own.saturating_sub(before.own));
        Some(others as f64 / ticks as f64 * self.processors as f64)
    }

    /// Returns the names of the other programs that used most processor time since `before`: at most three, the busiest
    /// first, each with a tenth of the busiest one's time or more. Empty if the kernel reports no program, for example
    /// because it hides the processes of others.
    pub fn busiest(&self, before: &Counters) -> Vec<&str> {
        let mut used: BTreeMap<&str, u64> = BTreeMap::new();
        for (process, (name, ticks)) in &self.others {
            let earlier = before.others.get(process).filter(|(then, _)| then == name).map_or(0, |(_, ticks)| *ticks);
            *used.entry(name).or_default() += ticks.saturating_sub(earlier);
        }
        // The kernel's threads use a little all the time.
        let least = used.values().max().map_or(1, |most| most.div_ceil(10)).max(1);
        let mut busy: Vec<(&str, u64)> = used.into_iter().filter(|(_, ticks)| *ticks >= least).collect();
        busy.sort_by_key(|(_, ticks)| std::cmp::Reverse(*ticks));
        busy.into_iter().take(3).map(|(name, _)| name).collect()
    }

    /// Returns the share of the watched processors' time that the hypervisor gave to other virtual machines since
    /// `before`.
    pub fn stolen_share(&self, before: &Counters) -> Option<f64> {
        let ticks = self.ticks.checked_sub(before.ticks).filter(|ticks| *ticks > 0)?;
        Some(self.stolen.saturating_sub(before.stolen) as f64 / ticks as f64)
    }
}

/// Returns the increase of a counter, if both readings have it.
pub(super) fn risen(before: Option<u64>, after: Option<u64>) -> Option<u64> {
    Some(after?.saturating_sub(before?))
}

/// Returns the processor time of this process and its descendants in ticks, including descendants that have ended. Then
/// returns the name and the processor time of each other process.
fn processes(files: &SystemFiles) -> (u64, BTreeMap<u32, (String, u64)>) {
    let numbers =
        files.names("/proc").into_iter().filter(|name| name.starts_with(|first: char| first.is_ascii_digit()));
    let processes: BTreeMap<u32, Stat> =
        numbers.filter_map(|number| Stat::read(files, &number)).map(|stat| (stat.process, stat)).collect();
    let myself = Stat::read(files, "self").map(|stat| stat.process);
    // Follows the parents of a process. Process numbers may be reused during the scan and form a cycle, which the limit
    // ends.
    let is_own = |number: &u32| {
        std::iter::successors(Some(*number), |number| Some(processes.get(number)?.parent))
            .take(processes.len() + 1)
            .any(|number| Some(number) == myself)
    };
    let (own, others): (Vec<&Stat>, Vec<&Stat>) = processes.values().partition(|stat| is_own(&stat.process));
    let work = |stat: &Stat| stat.user_ticks + stat.system_ticks;
    let own = own.into_iter().map(|stat| work(stat) + stat.children_ticks).sum();
    (own, others.into_iter().map(|stat| (stat.process, (stat.name.clone(), work(stat)))).collect())
}

/// Adds up how often heat throttled the cores and packages of `processors`.
fn heat(files: &SystemFiles, processors: &[usize]) -> Option<u64> {
    let counts = processors.iter().flat_map(|number| {
        let folder = format!("/sys/devices/system/cpu/cpu{number}/thermal_throttle");
        ["core_throttle_count", "package_throttle_count"].map(|file| files.number::<u64>(format!("{folder}/{file}")))
    });
    counts.flatten().reduce(|a, b| a + b)
}
