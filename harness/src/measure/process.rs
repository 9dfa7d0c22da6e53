//! Requests of a measuring process to the kernel: an affinity mask, enough open files, and death with its parent.

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use strategies::{Error, Result};

/// Asks the kernel to kill this process when `parent` dies, and checks that `parent` is still alive.
///
/// # Errors
/// When the parent has ended.
pub fn die_with(parent: u32) -> Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(Error::task)?;
    let is_parent = rustix::process::getppid().map(Pid::as_raw_nonzero).map(std::num::NonZeroI32::get);
    if is_parent.and_then(|pid| u32::try_from(pid).ok()) == Some(parent) {
        Ok(())
    } else {
        Err(Error::worker("the process that started this measurement has ended"))
    }
}

/// Raises the limit of open files to the maximum. The default is often 1,024, but each worker process needs two pipes
/// and the census keeps three files open for each thread.
pub fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    // If the kernel refuses, a later error reports the file that cannot be opened.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

/// Restricts this thread and the threads that it starts later to `processors`. Returns the mask that the kernel then
/// reports.
///
/// # Errors
/// When the kernel refuses, or grants only some of the processors.
pub fn pin(processors: &[usize]) -> Result<Vec<usize>> {
    let mut set = CpuSet::new();
    for processor in processors {
        set.set(*processor);
    }
    sched_setaffinity(None, &set).map_err(|error| {
        Error::worker(format!("cannot restrict this process to processors {processors:?}: {error}"))
    })?;
    let granted = sched_getaffinity(None).map_err(Error::worker)?;
    // The kernel accepts a mask even if it can grant only one of its processors.
    let missing: Vec<usize> = processors.iter().copied().filter(|number| !granted.is_set(*number)).collect();
    if !missing.is_empty() {
        return Err(Error::worker(format!(
            "processors {missing:?} are no longer available to this process, so the cell would run on fewer cores than \
             the record says: begin a new run"
        )));
    }
    Ok((0..CpuSet::MAX_CPU).filter(|number| granted.is_set(*number)).collect())
}

/// Counts the threads of this process.
pub fn threads() -> u32 {
    u32::try_from(system::process::threads(std::process::id()).count()).unwrap_or(u32::MAX)
}
