//! Why a process died, in one sentence: its last message, the signal, and whether memory or threads were missing.

use std::os::unix::process::ExitStatusExt;
use std::panic::PanicHookInfo;
use std::process::ExitStatus;
use std::sync::OnceLock;
use system::cgroup;
use system::sysfs::SystemFiles;

/// The first panic of this process.
static PANIC: OnceLock<String> = OnceLock::new();

/// Makes a panic print one line. With a backtrace after it, the last line of the output would not be the reason.
pub fn keep_short() {
    std::panic::set_hook(Box::new(|panic: &PanicHookInfo<'_>| {
        let line = panic.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        // If nobody reads standard error, the panic still has its effect.
        let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("{line}\n").as_bytes());
        // Later panics are usually consequences of the first.
        let _ = PANIC.set(line);
    }));
}

/// Returns the first panic of this process, if [`keep_short`] was called before it.
pub fn panic() -> Option<&'static str> {
    PANIC.get().map(String::as_str)
}

/// Returns the line of a process's standard error that says why the process died.
pub fn of(errors: &str) -> Option<String> {
    // These lines follow the reason.
    let is_epilogue = |line: &str| {
        ["RUST_BACKTRACE", "a scoped thread panicked", "non-unwinding panic"].iter().any(|part| line.contains(part))
    };
    let lines = errors.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.clone().rfind(|line| !is_epilogue(line)).or_else(|| lines.clone().next_back()).map(shortened)
}

/// Returns the beginning of a line that may be very long.
pub fn shortened(line: &str) -> String {
    const LONGEST: usize = 500;
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// Returns how a process ended: `was killed by signal 9 (SIGKILL)`.
pub fn manner(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => {
            let name = signal_hook::low_level::signal_name(signal).map(|name| format!(" ({name})"));
            format!("was killed by signal {signal}{}", name.unwrap_or_default())
        }
        (_, Some(code)) => format!("ended with exit status {code}"),
        _ => "ended in an unknown way".to_owned(),
    }
}

/// Whether a process ended by a signal that programs get from outside. A program that fails ends by another signal.
pub fn is_from_outside(status: ExitStatus) -> bool {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGKILL, SIGTERM};
    status.signal().is_some_and(|signal| [SIGHUP, SIGINT, SIGKILL, SIGTERM].contains(&signal))
}

/// The number of processes of our memory group that the kernel had killed at one moment because memory ran out.
pub struct MemoryKills {
    files: SystemFiles,
    before: Option<u64>,
}

impl MemoryKills {
    /// Counts them now.
    pub fn now() -> Self {
        let files = SystemFiles::here();
        MemoryKills { before: cgroup::memory_kills(&files), files }
    }

    /// Returns a clause with the cure if the kernel has killed another process since.
    pub fn explain(&self) -> Option<String> {
        if cgroup::memory_kills(&self.files)? <= self.before? {
            return None;
        }
        let limit = cgroup::memory_limit(&self.files).map(|bytes| format!(" (the limit is {} MiB)", bytes >> 20));
        Some(format!(
            "memory ran out{}, so the kernel killed a process: raise the limit, or measure with fewer --workers or less data",
            limit.unwrap_or_default()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_found_before_what_follows_it() {
        let reason = "panicked at src/a.rs:1:2: no luck";
        for after in [
            "",
            "\n\n",
            "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n",
            "panicked at library/std/src/thread/scoped.rs:1:2: a scoped thread panicked\n",
            "thread caused non-unwinding panic. aborting.\n",
        ] {
            assert_eq!(of(&format!("something before\n{reason}\n{after}")).as_deref(), Some(reason), "{after}");
        }
        assert_eq!(of("a scoped thread panicked\n").as_deref(), Some("a scoped thread panicked"));
        assert_eq!(of(" \n"), None);
        assert_eq!(of(&"ä".repeat(501)), Some(format!("{}…", "ä".repeat(500))));
    }
}
