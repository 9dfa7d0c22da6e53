//! The program itself, and what is around it.

use super::{Observations, found};
use record::{Check, Verdict};
use std::path::Path;
use system::process::Stat;

/// Whether the compiler has optimised.
pub(super) fn build(observations: &Observations) -> Check {
    if observations.debug {
        let seen = "this is a debug build, many times slower than what would be used, and not evenly so";
        return found("build", Verdict::Refuse, format!("{seen}: build it with `cargo build --release`"));
    }
    found("build", Verdict::Ok, "this is a release build")
}

/// Whether a debugger or `strace` looks over our shoulder.
pub(super) fn tracer(observations: &Observations) -> Check {
    match observations.sight.count("/proc/self/status", "TracerPid") {
        None => found("tracer", Verdict::Unknown, "the system does not say whether this process is traced"),
        Some(0) => found("tracer", Verdict::Ok, "nobody traces this process"),
        Some(number) => found(
            "tracer",
            Verdict::Warn,
            format!("process {number} traces this one and stops it at system calls: start it without a debugger"),
        ),
    }
}

/// Whether this process gives way to others.
pub(super) fn priority(observations: &Observations) -> Check {
    match Stat::read(&observations.sight, "self").map(|stat| stat.nice) {
        None => found("priority", Verdict::Unknown, "the system does not say with which priority this process runs"),
        Some(nice) if nice > 0 => found(
            "priority",
            Verdict::Warn,
            format!("this process gives way to others, at nice {nice}: start it without `nice`"),
        ),
        Some(nice) => found("priority", Verdict::Ok, format!("this process gives way to nobody, at nice {nice}")),
    }
}

/// Whether each process lies elsewhere in memory.
pub(super) fn address_layout(observations: &Observations) -> Check {
    let file = "/proc/sys/kernel/randomize_va_space";
    match observations.sight.number::<u8>(file) {
        None => found("address_layout", Verdict::Unknown, "the system does not say whether it shuffles addresses"),
        Some(0) => found(
            "address_layout",
            Verdict::Warn,
            format!(
                "every process has the same addresses, so luck with them is in every sample and shows in no interval: \
                 `echo 2 > {file}`"
            ),
        ),
        Some(_) => {
            found("address_layout", Verdict::Ok, "every process has other addresses, so luck with them averages out")
        }
    }
}

/// Whether cycles and cache misses can be counted. Without them no figure is wrong, only fewer are there.
pub(super) fn counters(observations: &Observations) -> Check {
    let units = observations.sight.names("/sys/bus/event_source/devices");
    // `cpu`, `cpu_core` and `cpu_atom` on x86, `armv8_pmuv3_0` and the like on ARM.
    if !units.iter().any(|unit| unit == "cpu" || unit.starts_with("cpu_") || unit.starts_with("armv")) {
        let seen =
            "the machine shows no performance counters, as most virtual ones, so cycles and cache misses are missing";
        return found("counters", Verdict::Unknown, seen);
    }
    match observations.sight.number::<i32>("/proc/sys/kernel/perf_event_paranoid") {
        Some(level) if level > 2 => found(
            "counters",
            Verdict::Unknown,
            format!(
                "perf_event_paranoid is {level}, so cycles and cache misses are missing unless this runs as root: \
                 `sysctl kernel.perf_event_paranoid=2`"
            ),
        ),
        Some(level) => found("counters", Verdict::Ok, format!("performance counters may be read (paranoid {level})")),
        None => found("counters", Verdict::Unknown, "the kernel was built without performance counters"),
    }
}

/// What a long run with many cells takes.
const RECORD: u64 = 100 << 20;

/// Whether the record fits on the disk.
pub(super) fn room_for_record(observations: &Observations) -> Check {
    match observations.room_bytes {
        None => found("room", Verdict::Unknown, "how much room there is for the record is not known"),
        Some(bytes) if bytes < RECORD => found(
            "room",
            Verdict::Warn,
            format!(
                "there are {} MiB left where the record is written: make room, or name another --runs",
                bytes >> 20
            ),
        ),
        Some(bytes) => found("room", Verdict::Ok, format!("there are {} MiB left for the record", bytes >> 20)),
    }
}

/// Free bytes where `folder` is, or will be made.
pub(super) fn room(folder: &Path) -> Option<u64> {
    let folder = std::path::absolute(folder).ok()?;
    let disk = rustix::fs::statvfs(folder.ancestors().find(|folder| folder.exists())?).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}
