//! Checks memory: its size, the page cache, swapping, huge pages and NUMA balancing.

use super::finding::{CALIBRATION, Finding, RUN, counted, ok, unknown, warn};
use crate::machine::doctor::counters::{Counters, risen};
use crate::machine::doctor::observations::Observations;
use crate::machine::topology;
use system::{cgroup, memory};

/// The bytes that a measuring process and a small server need in addition to their data.
const BESIDE: u64 = 256 << 20;

/// Writes a size in a readable unit.
fn shown(bytes: u64) -> String {
    match bytes >> 20 {
        mebibytes if mebibytes < 10_240 => format!("{mebibytes} MiB"),
        mebibytes => format!("{} GiB", mebibytes >> 10),
    }
}

/// Checks that the data fits into memory.
pub(super) fn limit(observations: &Observations) -> Finding {
    // Results computed from the data may need as much memory again.
    let need = observations.data_bytes.saturating_mul(2).saturating_add(BESIDE);
    let limits = [
        ("the control group may hold", cgroup::memory_limit(&observations.files)),
        ("the machine has available", memory::available(&observations.files)),
    ];
    let limits = limits.into_iter().filter_map(|(limit, bytes)| Some((limit, bytes?)));
    let Some((limit, bytes)) = limits.min_by_key(|(_, bytes)| *bytes) else {
        return unknown("the kernel does not report how much memory there is");
    };
    let seen = format!("{limit} {} of memory, and the tasks need about {}", shown(bytes), shown(need));
    match bytes < need {
        true => warn(format!("{seen}, so they would be swapped or killed: allow more memory, or use a smaller input")),
        false => ok(seen),
    }
}

/// Checks that the input file is in memory.
pub(super) fn page_cache(observations: &Observations) -> Finding {
    let Some(share) = observations.resident else {
        return unknown("there is no input file yet, or the kernel does not report whether it is in memory");
    };
    let seen = format!("{:.0} % of the input file is in memory", share * 100.0);
    match share < 0.95 {
        true => warn(format!(
            "{seen}, so the disk would be measured too: `cat` the file to /dev/null; if that does not help, free memory"
        )),
        false => ok(seen),
    }
}

/// Checks that little memory has been swapped out.
pub(super) fn swap(observations: &Observations) -> Finding {
    let sizes = ["SwapTotal", "SwapFree", "MemTotal"].map(|name| observations.files.bytes("/proc/meminfo", name));
    let [Some(total), Some(free), Some(memory)] = sizes else {
        return unknown("the kernel does not report whether it swaps");
    };
    if total == 0 {
        return ok("there is no swap");
    }
    let used = total.saturating_sub(free);
    let seen = format!("{} of swap are in use", shown(used));
    // A machine that has been up for a long time has swapped out some memory, which is harmless.
    match used > memory / 10 {
        true => warn(format!(
            "{seen}, so memory is short: stop other programs, then `swapoff -a && swapon -a` brings it back"
        )),
        false => ok(seen),
    }
}

/// Checks that the kernel did not swap during the calibration.
pub(super) fn swapping(observations: &Observations) -> Finding {
    swapped(&observations.calibration.before, &observations.calibration.worked, CALIBRATION)
}

/// Checks that the kernel did not swap during the run.
pub(super) fn swapping_between(before: &Counters, after: &Counters) -> Finding {
    swapped(before, after, RUN)
}

fn swapped(before: &Counters, after: &Counters, when: &str) -> Finding {
    let silent = "the kernel does not count the pages that it swaps";
    counted(risen(before.swapped, after.swapped), silent, format!("nothing was swapped {when}"), |pages| {
        format!("{pages} pages went to swap or came from it {when}, so memory is short: stop other programs")
    })
}

/// Checks that the kernel gives huge pages only on request.
pub(super) fn huge_pages(observations: &Observations) -> Finding {
    let file = "/sys/kernel/mm/transparent_hugepage/enabled";
    let text = observations.files.text(file).unwrap_or_default();
    // The text is, for example, `always [madvise] never`.
    let chosen = text.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map(|(chosen, _)| chosen);
    match chosen {
        None => unknown("the kernel does not report which processes get huge pages"),
        Some("always") => warn(format!(
            "the kernel gives huge pages whenever some are free, so the same process is fast or slow by chance: \
             `echo madvise > {file}`"
        )),
        Some("never") => ok("the kernel gives no huge pages (never)"),
        Some(chosen) => ok(format!("the kernel gives huge pages only on request ({chosen})")),
    }
}

const ONE_NODE: &str = "all memory is equally near";

/// The share of a file on one NUMA node from which on the file counts as being on that node only.
const ON_ONE_NODE: f64 = 0.95;

/// Checks that the input file is not on one NUMA node while cells use several.
pub(super) fn input_nodes(observations: &Observations) -> Finding {
    let nodes = topology::nodes(&observations.files);
    if nodes.len() < 2 {
        return ok(ONE_NODE);
    }
    let most = observations.input_nodes.iter().enumerate().max_by(|one, other| one.1.total_cmp(other.1));
    let Some((node, share)) = most else {
        return unknown("there is no input file yet, or the kernel does not report on which NUMA nodes it is");
    };
    let seen = format!("{:.0} % of the input file is in the memory of NUMA node {node}", share * 100.0);
    let here = nodes.get(&node);
    let far = |number: &usize| here.is_none_or(|here| !here.contains(number));
    match *share >= ON_ONE_NODE && observations.processors.iter().any(far) {
        true => warn(format!(
            "{seen}, so cells on other nodes read all of it from there: copy the file by `numactl --interleave=all cp`, and \
             name the copy by `--input`"
        )),
        false => ok(seen),
    }
}

/// Checks that the kernel does not move memory between NUMA nodes.
pub(super) fn numa(observations: &Observations) -> Finding {
    let file = "/proc/sys/kernel/numa_balancing";
    let nodes = topology::nodes(&observations.files).len();
    if nodes < 2 {
        return ok(ONE_NODE);
    }
    match observations.files.number::<u32>(file) {
        None => {
            unknown(format!("memory is on {nodes} NUMA nodes, and the kernel does not report whether it moves any"))
        }
        Some(0) => ok(format!("memory is on {nodes} NUMA nodes and stays where it is")),
        Some(_) => {
            warn(format!("memory is on {nodes} NUMA nodes, and the kernel moves it during the run: `echo 0 > {file}`"))
        }
    }
}
