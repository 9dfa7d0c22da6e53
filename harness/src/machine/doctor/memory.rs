//! What may happen to memory: too little of it, swapped out, moved or merged behind our back.

use super::counters::{Counters, risen};
use super::{Observations, counted, found};
use record::{Check, Verdict};
use system::{cgroup, memory};

/// What a measuring process and a small server need beside their data, in bytes.
const BESIDE: u64 = 256 << 20;

/// Bytes as a reader wants them.
fn shown(bytes: u64) -> String {
    match bytes >> 20 {
        mebibytes if mebibytes < 10_240 => format!("{mebibytes} MiB"),
        mebibytes => format!("{} GiB", mebibytes >> 10),
    }
}

fn size(observations: &Observations, name: &str) -> Option<u64> {
    observations.sight.bytes("/proc/meminfo", name)
}

/// Whether the data fits.
pub(super) fn limit(observations: &Observations) -> Check {
    // As much again for what is made of the data.
    let need = observations.data_bytes.saturating_mul(2).saturating_add(BESIDE);
    let limits = [
        ("of memory are what the control group may hold", cgroup::memory_limit(&observations.sight)),
        ("of memory are available", memory::available(&observations.sight)),
    ];
    let Some((whose, bytes)) =
        limits.into_iter().filter_map(|(whose, bytes)| Some((whose, bytes?))).min_by_key(|(_, bytes)| *bytes)
    else {
        return found("memory", Verdict::Unknown, "the system does not say how much memory there is");
    };
    let seen = format!("{} {whose}, and about {} are needed", shown(bytes), shown(need));
    if bytes < need {
        let cure = "it would be swapped or killed; allow more memory, or use a smaller input";
        return found("memory", Verdict::Warn, format!("{seen}: {cure}"));
    }
    found("memory", Verdict::Ok, seen)
}

/// Whether the input is in memory already.
pub(super) fn page_cache(observations: &Observations) -> Check {
    let Some(part) = observations.resident else {
        let seen = "there is no input file yet, or the system does not say whether it is in memory";
        return found("page_cache", Verdict::Unknown, seen);
    };
    let seen = format!("{:.0} % of the input file is in memory", part * 100.0);
    if part < 0.95 {
        let cure =
            "the disk would be measured too; `cat` the file to /dev/null, and if that does not help, free memory";
        return found("page_cache", Verdict::Warn, format!("{seen}: {cure}"));
    }
    found("page_cache", Verdict::Ok, seen)
}

/// Whether much has been swapped out already.
pub(super) fn swap(observations: &Observations) -> Check {
    let sizes = ["SwapTotal", "SwapFree", "MemTotal"].map(|name| size(observations, name));
    let [Some(total), Some(free), Some(memory)] = sizes else {
        return found("swap", Verdict::Unknown, "the system does not say whether it swaps");
    };
    if total == 0 {
        return found("swap", Verdict::Ok, "there is no swap");
    }
    let used = total.saturating_sub(free);
    let seen = format!("{} of swap are in use", shown(used));
    // Some is swapped out on every machine that has been up for long, and harms nobody.
    if used > memory / 10 {
        let cure = "memory is short; end what is not needed, then `swapoff -a && swapon -a` brings it back";
        return found("swap", Verdict::Warn, format!("{seen}: {cure}"));
    }
    found("swap", Verdict::Ok, seen)
}

/// Whether pages come and go right now.
pub(super) fn swapping(observations: &Observations) -> Check {
    swapped(&observations.calibration.before, &observations.calibration.worked, "in half a second")
}

/// The same during the run.
pub(super) fn swapping_between(before: &Counters, after: &Counters) -> Check {
    swapped(before, after, "while it was measured")
}

fn swapped(before: &Counters, after: &Counters, when: &str) -> Check {
    let pages = risen(before.swapped, after.swapped);
    counted("swapping", pages, "the system does not count the pages it swaps", &|pages| match pages {
        0 => format!("nothing was swapped {when}"),
        _ => format!("{pages} pages went to swap or came from it {when}: memory is short; end what is not needed"),
    })
}

/// Whether the kernel gives huge pages to whoever happens to fit.
pub(super) fn huge_pages(observations: &Observations) -> Check {
    let file = "/sys/kernel/mm/transparent_hugepage/enabled";
    let text = observations.sight.text(file).unwrap_or_default();
    // Such as `always [madvise] never`.
    let chosen = text.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map(|(chosen, _)| chosen);
    match chosen {
        None => found("huge_pages", Verdict::Unknown, "the system does not say who gets huge pages"),
        Some("always") => found(
            "huge_pages",
            Verdict::Warn,
            format!(
                "the kernel gives huge pages whenever some are free, so the same process is quick or slow by chance: \
                 `echo madvise > {file}`"
            ),
        ),
        Some(chosen) => found("huge_pages", Verdict::Ok, format!("huge pages by chance are off ({chosen})")),
    }
}

/// Whether the kernel moves memory between sockets to see who uses it.
pub(super) fn numa(observations: &Observations) -> Check {
    let file = "/proc/sys/kernel/numa_balancing";
    let nodes = observations.sight.list("/sys/devices/system/node/online").map_or(1, |nodes| nodes.len());
    if nodes < 2 {
        return found("numa", Verdict::Ok, "all memory is equally near");
    }
    match observations.sight.number::<u32>(file) {
        None => found("numa", Verdict::Unknown, format!("memory is in {nodes} places, and who moves it is not known")),
        Some(0) => found("numa", Verdict::Ok, format!("memory is in {nodes} places, and stays where it is")),
        Some(_) => found(
            "numa",
            Verdict::Warn,
            format!("memory is in {nodes} places, and the kernel moves it while we measure: `echo 0 > {file}`"),
        ),
    }
}
