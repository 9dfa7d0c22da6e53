//! The limits that stop the kernel from starting a thread or a process.

use rustix::process::{Resource, geteuid, getrlimit};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use strategies::{Error, Result};
use system::cgroup;
use system::sysfs::SystemFiles;

/// Whether an error text says that the kernel refused a thread or a process: EAGAIN, as Rust's library shows it.
pub fn is_refusal(reason: &str) -> bool {
    reason.contains("(os error 11)") || reason.contains("code: 11,")
}

/// Adds the limits and the cure to the reason of a failure, if the kernel refused a thread or a process.
pub fn explain(reason: String) -> String {
    match is_refusal(&reason) {
        true => format!("{reason}; {}, or measure with fewer --workers", clause(&SystemFiles::here())),
        false => reason,
    }
}

/// Names the limits that hold here, and the cure.
fn clause(files: &SystemFiles) -> String {
    let soft = |resource| getrlimit(resource).current;
    // The kernel lets root start any number of processes.
    let user = soft(Resource::Nproc).filter(|_| !geteuid().is_root());
    let user = user.map(|limit| format!("this user may have {limit} threads and processes (`ulimit -u`)"));
    let group = cgroup::process_limit(files);
    let group = group.map(|limit| format!("the control group may have {limit} threads and processes (`pids.max`)"));
    let memory = soft(Resource::As);
    let memory = memory.map(|limit| format!("a process may have {} MiB of addresses (`ulimit -v`)", limit >> 20));
    let limits: Vec<String> = [user, group, memory].into_iter().flatten().collect();
    match limits.is_empty() {
        true => "the machine has no more threads (`kernel.threads-max`): end other programs".to_owned(),
        false => format!("{}: raise the limit", limits.join(", and ")),
    }
}

/// Checks that the kernel lets this process have `count` more threads at the same time.
///
/// Some libraries say nothing if the kernel refuses a thread: they go on with fewer, or wait for ever.
///
/// # Errors
/// When the kernel refuses one of the threads.
pub fn check_threads(count: usize) -> Result<()> {
    let threads = || system::process::threads(std::process::id()).count();
    let before = threads();
    let gate = Mutex::new(());
    let started = thread::scope(|scope| {
        let _held = gate.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = || drop(gate.lock().unwrap_or_else(PoisonError::into_inner));
        (0..count).try_for_each(|_| thread::Builder::new().spawn_scoped(scope, wait).map(drop))
    });
    // A thread counts until the kernel has removed it, which is a little later than its end.
    let until = Instant::now() + Duration::from_secs(1);
    while threads() > before && Instant::now() < until {
        thread::yield_now();
    }
    started.map_err(|error| Error::worker(format!("cannot start {count} threads at the same time: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_thread_names_a_limit_and_other_errors_do_not() {
        let refused = std::io::Error::from_raw_os_error(11);
        for reason in [format!("cannot start: {refused}"), format!("failed to spawn thread: {refused:?}")] {
            let explained = explain(reason.clone());
            assert!(explained.starts_with(&reason) && explained.contains("fewer --workers"), "{explained}");
        }
        let other = std::io::Error::from_raw_os_error(12).to_string();
        assert_eq!(explain(other.clone()), other);
    }

    #[test]
    fn threads_that_the_kernel_allows_are_started_and_have_ended() {
        let threads = || system::process::threads(std::process::id()).count();
        check_threads(20).unwrap();
        assert!(threads() < 20, "{}", threads());
    }
}
