//! Checks the build, this process, the kernel's settings and the disk of the record.

use super::finding::{Finding, ok, refuse, unknown, warn};
use crate::machine::doctor::observations::Observations;
use system::process::Stat;

/// Checks that the compiler has optimised.
pub(super) fn build(observations: &Observations) -> Finding {
    match observations.debug {
        true => refuse(
            "this is a debug build, many times slower than a release build, and not evenly so: build it with \
             `cargo build --release`",
        ),
        false => ok("this is a release build"),
    }
}

/// Checks that no debugger or `strace` is attached.
pub(super) fn tracer(observations: &Observations) -> Finding {
    match observations.files.count("/proc/self/status", "TracerPid") {
        None => unknown("the kernel does not report whether this process is traced"),
        Some(0) => ok("no process traces this one"),
        Some(number) => {
            warn(format!("process {number} traces this one and stops it at system calls: start it without a debugger"))
        }
    }
}

/// Checks that this process does not run at a low priority.
pub(super) fn priority(observations: &Observations) -> Finding {
    match Stat::read(&observations.files, "self").map(|stat| stat.nice) {
        None => unknown("the kernel does not report the priority of this process"),
        Some(nice) if nice > 0 => {
            warn(format!("this process runs at low priority (nice {nice}): start it without `nice`"))
        }
        Some(0) => ok("this process runs at normal priority (nice 0)"),
        Some(nice) => ok(format!("this process runs at high priority (nice {nice})")),
    }
}

/// Checks that the kernel randomises the addresses of each process.
pub(super) fn address_layout(observations: &Observations) -> Finding {
    let file = "/proc/sys/kernel/randomize_va_space";
    match observations.files.number::<u8>(file) {
        None => unknown("the kernel does not report whether it randomises addresses"),
        Some(0) => warn(format!(
            "addresses are the same in every process, so layout effects are in every sample and no interval shows them: \
             `echo 2 > {file}`"
        )),
        Some(_) => ok("addresses are randomised for each process, so layout effects average out"),
    }
}

/// Checks whether cycles and cache misses can be counted. Without these counters some figures are missing, but none is
/// wrong.
pub(super) fn counters(observations: &Observations) -> Finding {
    let units = observations.files.names("/sys/bus/event_source/devices");
    // The units are `cpu`, `cpu_core` or `cpu_atom` on x86, and for example `armv8_pmuv3_0` on ARM.
    if !units.iter().any(|unit| unit == "cpu" || unit.starts_with("cpu_") || unit.starts_with("armv")) {
        return unknown(
            "like most virtual machines, this one has no performance counters, so cycles and cache misses are missing",
        );
    }
    match observations.files.number::<i32>("/proc/sys/kernel/perf_event_paranoid") {
        Some(level) if level > 2 => unknown(format!(
            "perf_event_paranoid is {level}, so cycles and cache misses are missing unless this runs as root: \
             `sysctl kernel.perf_event_paranoid=2`"
        )),
        Some(level) => ok(format!("performance counters can be read (perf_event_paranoid is {level})")),
        None => unknown("the kernel was built without performance counters"),
    }
}

/// The size in bytes of the record of a long run with many cells.
const RECORD: u64 = 100 << 20;

/// Checks that the record fits on the disk.
pub(super) fn room(observations: &Observations) -> Finding {
    match observations.free_bytes {
        None => unknown("the free space for the record is not known"),
        Some(bytes) if bytes < RECORD => warn(format!(
            "the disk of the record has {} MiB left: free some space, or name another folder with --runs",
            bytes >> 20
        )),
        Some(bytes) => ok(format!("the disk of the record has {} MiB left", bytes >> 20)),
    }
}
