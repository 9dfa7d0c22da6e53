//! A thread pool by hand: a queue, a lock and condition variables, as in a textbook.
//!
//! Good when: one wants to know what a pool does, or may not use a library.
//! Bad when:  partitions are tiny, because each takes the lock three times and may wake two threads.
//! In the trace: lanes end together; gaps between spans are waits for the lock or for a wake-up.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use strategies::{Error, Job, Jobs, Result, Setup, Workers};

struct ThreadPool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// Tells threads that there is a job, or that the pool ends.
    work: Condvar,
    /// Tells the feeder that there is room in the queue, or that the last job has ended.
    progress: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    running: usize,
    ends: bool,
}

/// Starts the threads, which wait for jobs until the pool is dropped.
pub fn start(setup: &Setup) -> Result<Box<dyn Workers>> {
    let mut pool = ThreadPool { shared: Arc::default(), threads: Vec::new() };
    for _ in 0..setup.workers.get() {
        let shared = Arc::clone(&pool.shared);
        let thread = thread::Builder::new().spawn(move || shared.work());
        pool.threads.push(thread.map_err(|error| Error::worker(format!("cannot start a thread: {error}")))?);
    }
    Ok(Box::new(pool))
}

impl Workers for ThreadPool {
    fn run(&mut self, jobs: Jobs) -> Result<()> {
        let (shared, most) = (&self.shared, self.threads.len());
        for job in jobs {
            let mut state = shared.wait(&shared.progress, |state| state.queue.len() >= most);
            state.queue.push_back(job);
            shared.work.notify_one();
        }
        drop(shared.wait(&shared.progress, |state| state.running > 0 || !state.queue.is_empty()));
        Ok(())
    }
}

impl Shared {
    /// Runs jobs until the pool ends.
    fn work(&self) {
        while let Some(job) = self.next() {
            job.run();
            let mut state = self.lock();
            state.running -= 1;
            // Every wake-up costs the feeder a turn, so only the end of the last job wakes it here.
            if state.running == 0 && state.queue.is_empty() {
                self.progress.notify_one();
            }
        }
    }

    /// Takes the next job. `None` if the pool ends.
    fn next(&self) -> Option<Job> {
        let mut state = self.wait(&self.work, |state| state.queue.is_empty() && !state.ends);
        let job = state.queue.pop_front()?;
        state.running += 1;
        self.progress.notify_one();
        Some(job)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks the state as soon as `busy` no longer holds. A wake-up may be spurious, so the condition is tested each time.
    fn wait(&self, condition: &Condvar, busy: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        condition.wait_while(self.lock(), |state| busy(state)).unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        self.shared.lock().ends = true;
        self.shared.work.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
