//! The census lists the threads of a process and its worker processes while a sample runs, and their activity.
//!
//! A sampling thread reads `/proc` at intervals. The census detects strategies that use more threads than they may.
//! Pools can hide such threads, which take processor time from the workers.

use record::{Census, Pool};
use rustix::time::{ClockId, clock_gettime};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use system::process::{self, OpenThread, Scheduled};

/// The minimum time between two looks. A run of 200 ms gets ten looks, and a run of 30 ms at least one.
const PAUSE: Duration = Duration::from_millis(20);

/// Looks use at most 1/`SHARE` of a processor, regardless of the number of threads.
const SHARE: u32 = 200;

/// Watches the threads of this process and its worker processes, from [`begin`](Sampler::begin) to [`end`](Sampler::end).
pub struct Sampler {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// The number of the sampling thread, which the census leaves out.
    own: AtomicU32,
}

/// The results of the looks since the sample began.
#[derive(Default)]
struct State {
    /// Whether a sample is running.
    on: bool,
    ended: bool,
    looks: u32,
    alive: u32,
    runnable: u32,
    /// This process and its worker processes.
    processes: Vec<u32>,
    /// The processors that threads may use.
    allowed: BTreeSet<usize>,
    threads: BTreeMap<u32, Watched>,
    /// The processor time of the sampling thread when the sample began.
    cost_before: u64,
}

/// A thread that the census watches.
struct Watched {
    process: u32,
    name: String,
    /// `None` once the thread has ended.
    open: Option<OpenThread>,
    used_before: Scheduled,
    used: Scheduled,
    migrations_before: Option<u64>,
    migrations: Option<u64>,
    /// A processor that the thread may use although the cell does not have it.
    foreign: Option<usize>,
    runnable: bool,
    gone: bool,
}

/// A thread that the census saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// The thread's number in the kernel.
    pub number: u32,
    /// The process of the thread.
    pub process: u32,
    /// The thread's name.
    pub name: String,
    /// The thread's processor time during the sample, in nanoseconds.
    pub cpu_ns: u64,
    /// The time during which the thread was ready to run but had no processor, in nanoseconds.
    pub ready_ns: u64,
    /// A processor that the thread may use although the cell does not have it.
    pub foreign: Option<usize>,
}

/// The census of one sample.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The number of looks.
    pub looks: u32,
    /// The maximum number of threads alive at one look.
    pub alive: u32,
    /// The maximum number of threads running or ready to run at one look.
    pub runnable: u32,
    /// Every thread that a look saw.
    pub threads: Vec<Thread>,
    /// The processor time of the sampling thread, in nanoseconds.
    pub cost_ns: u64,
    /// The number of times that threads moved to a different processor. `None` if the kernel does not count migrations.
    pub migrations: Option<u64>,
}

impl Sampler {
    /// Starts the sampling thread, which waits for [`begin`](Sampler::begin). `allowed` are the cell's processors.
    ///
    /// # Errors
    /// When the kernel cannot start a thread.
    pub fn start(allowed: BTreeSet<usize>) -> std::io::Result<Self> {
        let state = Mutex::new(State { allowed, ..State::default() });
        let shared = Arc::new(Shared { state, changed: Condvar::new(), own: AtomicU32::new(0) });
        let watching = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("census".to_owned()).spawn(move || watching.watch())?;
        Ok(Sampler { shared, thread: Some(thread) })
    }

    /// Begins a sample and discards the previous one.
    pub fn begin(&self) {
        let mut state = self.shared.lock();
        state.processes = process::family();
        (state.looks, state.alive, state.runnable) = (0, 0, 0);
        state.threads.retain(|_, thread| !thread.gone);
        let own = self.shared.own.load(Ordering::Relaxed);
        state.look(own);
        for thread in state.threads.values_mut() {
            (thread.used_before, thread.migrations_before) = (thread.used, thread.migrations);
        }
        state.cost_before = own_cpu(own);
        state.on = true;
        self.shared.changed.notify_all();
    }

    /// Ends the sample and returns its census.
    pub fn end(&self) -> Snapshot {
        let own = self.shared.own.load(Ordering::Relaxed);
        let mut state = self.shared.lock();
        state.on = false;
        // In a sample shorter than `PAUSE` this is the only look, and only the calling thread is running.
        state.look(own);
        let alive = state.threads.values().filter(|thread| !thread.gone).count();
        state.alive = state.alive.max(u32::try_from(alive).unwrap_or(u32::MAX));
        Snapshot { cost_ns: own_cpu(own).saturating_sub(state.cost_before), ..state.seen() }
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.shared.lock().ended = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // Joining fails only if the sampling thread panicked. Then there is nothing left to stop.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self) {
        let own = rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs();
        self.own.store(own, Ordering::Relaxed);
        let mut state = self.lock();
        let mut pause = PAUSE;
        while !state.ended {
            if !state.on {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let (woken, timeout) = self.changed.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            if state.on && timeout.timed_out() {
                let used = thread_time();
                state.look(own);
                state.count();
                // Not the time that went by, because a look that lost its processor would blind the next samples.
                pause = PAUSE.max(thread_time().saturating_sub(used) * SHARE);
            }
        }
    }
}

impl State {
    fn look(&mut self, own: u32) {
        for thread in self.threads.values_mut() {
            thread.gone = true;
        }
        for process in self.processes.clone() {
            for number in process::threads(process).filter(|number| *number != own) {
                // The kernel may reuse a number for a thread of another process.
                if self.threads.get(&number).is_none_or(|thread| thread.process != process) {
                    let Some(thread) = Watched::open(process, number) else { continue };
                    self.threads.insert(number, thread);
                }
                if let Some(thread) = self.threads.get_mut(&number) {
                    thread.look(&self.allowed);
                }
            }
        }
        // Close the files of ended threads at once, because open files are limited and a strategy may start a thread
        // for each job.
        self.threads.values_mut().filter(|thread| thread.gone).for_each(|thread| thread.open = None);
    }

    /// Counts the threads of this look. The looks of `begin` and `end` are not counted, because they would count the
    /// calling thread as running.
    fn count(&mut self) {
        let there = self.threads.values().filter(|thread| !thread.gone);
        let (alive, runnable) =
            there.fold((0, 0), |(alive, runnable), thread| (alive + 1, runnable + u32::from(thread.runnable)));
        self.looks += 1;
        self.alive = self.alive.max(alive);
        self.runnable = self.runnable.max(runnable);
    }

    fn seen(&self) -> Snapshot {
        let threads = self.threads.iter().map(|(number, thread)| Thread {
            number: *number,
            process: thread.process,
            name: thread.name.clone(),
            cpu_ns: thread.used.running_ns.saturating_sub(thread.used_before.running_ns),
            ready_ns: thread.used.ready_ns.saturating_sub(thread.used_before.ready_ns),
            foreign: thread.foreign,
        });
        let moved = |thread: &Watched| Some(thread.migrations? - thread.migrations_before.unwrap_or_default());
        Snapshot {
            looks: self.looks,
            alive: self.alive,
            runnable: self.runnable,
            threads: threads.collect(),
            cost_ns: 0,
            // The sum is unknown if one thread's count is unknown.
            migrations: self.threads.values().map(moved).sum(),
        }
    }
}

impl Watched {
    fn open(process: u32, number: u32) -> Option<Self> {
        Some(Watched {
            process,
            name: process::thread_name(process, number)?,
            open: Some(OpenThread::open(process, number)?),
            used_before: Scheduled::default(),
            used: Scheduled::default(),
            migrations_before: None,
            migrations: None,
            foreign: None,
            runnable: false,
            gone: false,
        })
    }

    fn look(&mut self, allowed: &BTreeSet<usize>) {
        // A thread that has ended keeps the figures of the last look.
        let Some(open) = &self.open else { return };
        let Some(now) = open.read() else { return };
        self.gone = false;
        self.runnable = now.runnable;
        self.used = now.scheduled;
        self.migrations = now.migrations.or(self.migrations);
        self.foreign = open.foreign_processor(allowed).or(self.foreign);
    }
}

/// Returns the processor time of this thread.
fn thread_time() -> Duration {
    let used = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(used.tv_sec).unwrap_or_default(), u32::try_from(used.tv_nsec).unwrap_or_default())
}

/// Returns the processor time of a thread of this process, in nanoseconds. Returns 0 if the kernel does not count it.
fn own_cpu(thread: u32) -> u64 {
    Scheduled::of_thread(std::process::id(), thread).unwrap_or_default().running_ns
}

impl Snapshot {
    /// Returns the census for the record, with threads grouped by name. `working` lists the threads that ran a job.
    pub fn census(&self, working: &BTreeSet<u32>) -> Census {
        let mut pools: BTreeMap<String, Pool> = BTreeMap::new();
        for thread in &self.threads {
            let name = Snapshot::pool(thread);
            let pool = pools.entry(name.clone()).or_insert_with(|| Pool { name, ..Pool::default() });
            pool.threads += 1;
            pool.working += u32::from(working.contains(&thread.number));
            pool.cpu_ns += thread.cpu_ns;
        }
        let mut pools: Vec<Pool> = pools.into_values().collect();
        pools.sort_by_key(|pool| std::cmp::Reverse(pool.cpu_ns));
        Census { looks: self.looks, alive: self.alive, runnable: self.runnable, cost_ns: self.cost_ns, pools }
    }

    /// Returns the pool of a thread, which is the thread's name without its final number.
    fn pool(thread: &Thread) -> String {
        let name = thread.name.trim_end_matches(|last: char| last.is_ascii_digit() || last == '-');
        let name = if name.is_empty() { &thread.name } else { name };
        match thread.process == std::process::id() {
            true => name.to_owned(),
            false => format!("worker process: {name}"),
        }
    }
}
