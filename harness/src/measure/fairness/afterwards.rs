//! Rules about the workers of a cell, checked once after the cell's samples.

use record::Times;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};
use strategies::{AnyTask, Cancel, Choice, Error, Result, Workers};
use system::process;

/// Cancels a run after a fifth of its expected time. Returns a sentence if the workers then start more jobs than a
/// bounded queue holds.
///
/// Skips runs that are too short to cancel, and strategies that hand out all jobs before the first one starts.
///
/// # Errors
/// When the run fails for another reason.
pub fn ignored_cancel(
    task: &dyn AnyTask,
    workers: &mut dyn Workers,
    choice: Choice,
    limit: NonZeroUsize,
    last: &Times,
) -> Result<Option<String>> {
    let queue = 2 * limit.get() as u64 + 2;
    if workers.splits_in_advance() || last.partitions < 4 * queue || last.wall_ns < 5_000_000 {
        return Ok(None);
    }
    // Five attempts, because on a busy machine the run may end before the timer fires. Such a run shows nothing.
    for _ in 0..5 {
        let cancel = Cancel::default();
        let ended = std::thread::scope(|scope| {
            let (timer, part) = (cancel.clone(), Duration::from_nanos(last.wall_ns / 5));
            let cancelling = std::thread::Builder::new().spawn_scoped(scope, move || {
                std::thread::sleep(part);
                timer.cancel();
            });
            cancelling.map_err(|error| Error::worker(format!("cannot start a thread that cancels a run: {error}")))?;
            strategies::run(task, workers, choice, &cancel)
        });
        match ended {
            Ok(_) => {}
            Err(Error::Cancelled { late, .. }) if late > queue => {
                return Ok(Some(format!("{late} jobs started after the run was cancelled; a queue may hold {queue}")));
            }
            Err(Error::Cancelled { .. }) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// The thread names of process-wide pools, which stay until the process ends.
const PROCESS_WIDE: [&str; 4] = ["async-std", "async-io", "blocking", "smol"];

/// The time that threads may take to end after their workers.
const GRACE: Duration = Duration::from_secs(2);

/// Returns a sentence about threads that outlive their workers, if there are any. `before` is the number of threads
/// before the workers started.
pub fn leaked_threads(before: u32) -> Option<String> {
    let deadline = Instant::now() + GRACE;
    loop {
        let own = std::process::id();
        let names = process::threads(own).filter_map(|thread| process::thread_name(own, thread));
        let mut names: Vec<String> =
            names.filter(|name| !PROCESS_WIDE.iter().any(|pool| name.starts_with(pool))).collect();
        let leaked = names.len().saturating_sub(before as usize);
        if leaked == 0 {
            return None;
        }
        if Instant::now() > deadline {
            names.sort_unstable();
            names.dedup();
            let names = names.join(", ");
            return Some(format!("{leaked} threads still run {GRACE:?} after the workers ended; all threads: {names}"));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
