//! The census: which threads a process and its worker processes have while a sample runs, and what they do.
//!
//! A thread of its own looks at `/proc` again and again. What a strategy says it uses and what it uses are two things:
//! pools hide threads, and threads that nobody asked for take processor time from those that were.

use record::{Census, Pool};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use system::process::{self, OpenThread, Scheduled};

/// Between two looks, at least: ten looks in a run of 200 ms.
const PAUSE: Duration = Duration::from_millis(20);

/// A look may take at most one part in so many of the time, however many threads there are.
const SHARE: u32 = 200;

/// Looks at the threads of this process and its worker processes, from [`begin`](Sampler::begin) to
/// [`end`](Sampler::end).
pub struct Sampler {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    looks: Mutex<Looks>,
    changed: Condvar,
    /// The sampler's own thread, which is not part of the census.
    own: AtomicU32,
}

/// What has been seen since the sample began.
#[derive(Default)]
struct Looks {
    on: bool,
    ended: bool,
    count: u32,
    alive: u32,
    runnable: u32,
    /// Processes to look at: this one and its workers.
    processes: Vec<u32>,
    /// The processors that threads may use.
    allowed: BTreeSet<usize>,
    threads: BTreeMap<u32, Watched>,
    /// Processor time of the sampler when the sample began.
    cost_before: u64,
}

/// A thread that the census watches.
struct Watched {
    process: u32,
    name: String,
    /// Absent once the thread has ended.
    open: Option<OpenThread>,
    used_before: Scheduled,
    used: Scheduled,
    migrations_before: Option<u64>,
    migrations: Option<u64>,
    /// A processor it may use and should not.
    foreign: Option<usize>,
    runnable: bool,
    gone: bool,
}

/// A thread as the census saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// Its number, as the system counts.
    pub number: u32,
    /// The process it belongs to.
    pub process: u32,
    /// Its name.
    pub name: String,
    /// Processor time during the sample, in nanoseconds.
    pub cpu_ns: u64,
    /// How long it was ready to run and others had the processors, in nanoseconds.
    pub ready_ns: u64,
    /// A processor that it may use and should not.
    pub foreign: Option<usize>,
}

/// What was seen during one sample.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// How often it was looked.
    pub looks: u32,
    /// The most threads alive at one look.
    pub alive: u32,
    /// The most threads running or ready to run at one look.
    pub runnable: u32,
    /// Every thread that was seen.
    pub threads: Vec<Thread>,
    /// What the looking itself took, in nanoseconds.
    pub cost_ns: u64,
    /// How often threads were moved to another processor, where the kernel says so.
    pub migrations: Option<u64>,
}

impl Sampler {
    /// Starts the thread that looks; it does nothing yet. `allowed` are the processors that threads may use.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(allowed: BTreeSet<usize>) -> std::io::Result<Self> {
        let looks = Looks { allowed, ..Looks::default() };
        let shared = Arc::new(Shared { looks: Mutex::new(looks), changed: Condvar::new(), own: AtomicU32::new(0) });
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("census".to_owned()).spawn(move || theirs.watch())?;
        Ok(Sampler { shared, thread: Some(thread) })
    }

    /// A sample begins: forgets what was seen before.
    pub fn begin(&self) {
        let mut looks = self.shared.lock();
        looks.processes = process::family();
        (looks.count, looks.alive, looks.runnable) = (0, 0, 0);
        looks.threads.retain(|_, thread| !thread.gone);
        let own = self.shared.own.load(Ordering::Relaxed);
        looks.look(own);
        for thread in looks.threads.values_mut() {
            (thread.used_before, thread.migrations_before) = (thread.used, thread.migrations);
        }
        looks.cost_before = own_cpu(own);
        looks.on = true;
        self.shared.changed.notify_all();
    }

    /// The sample has ended: what was seen.
    pub fn end(&self) -> Snapshot {
        let own = self.shared.own.load(Ordering::Relaxed);
        let mut looks = self.shared.lock();
        looks.on = false;
        // A sample too short for the sampler has this one look, at which nobody but the caller runs.
        looks.look(own);
        let alive = looks.threads.values().filter(|thread| !thread.gone).count();
        looks.alive = looks.alive.max(u32::try_from(alive).unwrap_or(u32::MAX));
        Snapshot { cost_ns: own_cpu(own).saturating_sub(looks.cost_before), ..looks.seen() }
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.shared.lock().ended = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // It only fails if the sampler panicked, and then there is nothing left to stop.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Looks> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self) {
        let own = rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs();
        self.own.store(own, Ordering::Relaxed);
        let mut looks = self.lock();
        let mut pause = PAUSE;
        while !looks.ended {
            if !looks.on {
                looks = self.changed.wait(looks).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let (woken, timeout) = self.changed.wait_timeout(looks, pause).unwrap_or_else(PoisonError::into_inner);
            looks = woken;
            if looks.on && timeout.timed_out() {
                let began = Instant::now();
                looks.look(own);
                looks.count();
                pause = PAUSE.max(began.elapsed() * SHARE);
            }
        }
    }
}

impl Looks {
    fn look(&mut self, own: u32) {
        for thread in self.threads.values_mut() {
            thread.gone = true;
        }
        for process in self.processes.clone() {
            for number in process::threads(process).filter(|number| *number != own) {
                // A number may be given again to a thread of another process.
                if self.threads.get(&number).is_none_or(|thread| thread.process != process) {
                    let Some(thread) = Watched::open(process, number) else { continue };
                    self.threads.insert(number, thread);
                }
                if let Some(thread) = self.threads.get_mut(&number) {
                    thread.look(&self.allowed);
                }
            }
        }
        // Open files are limited, and a strategy may have a thread for each job.
        self.threads.values_mut().filter(|thread| thread.gone).for_each(|thread| thread.open = None);
    }

    /// Counts who is there. Not done when the caller of `begin` or `end` looks, who would count itself.
    fn count(&mut self) {
        let there = self.threads.values().filter(|thread| !thread.gone);
        let (alive, runnable) =
            there.fold((0, 0), |(alive, runnable), thread| (alive + 1, runnable + u32::from(thread.runnable)));
        self.count += 1;
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
            looks: self.count,
            alive: self.alive,
            runnable: self.runnable,
            threads: threads.collect(),
            cost_ns: 0,
            // Not known of one thread is not known at all.
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
        // What was seen last of a thread that has ended stays.
        let Some(open) = &self.open else { return };
        let Some(now) = open.read() else { return };
        self.gone = false;
        self.runnable = now.runnable;
        self.used = now.scheduled;
        self.migrations = now.migrations.or(self.migrations);
        self.foreign = open.foreign_processor(allowed).or(self.foreign);
    }
}

/// The processor time of a thread of this process, in nanoseconds; 0 if the kernel does not count it.
fn own_cpu(thread: u32) -> u64 {
    Scheduled::of_thread(std::process::id(), thread).unwrap_or_default().running_ns
}

impl Snapshot {
    /// For the record: threads by name. `working` are those that ran a job.
    pub fn census(&self, working: &BTreeSet<u32>) -> Census {
        let mut pools: BTreeMap<String, Pool> = BTreeMap::new();
        for thread in &self.threads {
            let name = self.pool(thread);
            let pool = pools.entry(name.clone()).or_insert_with(|| Pool { name, ..Pool::default() });
            pool.threads += 1;
            pool.working += u32::from(working.contains(&thread.number));
            pool.cpu_ns += thread.cpu_ns;
        }
        let mut pools: Vec<Pool> = pools.into_values().collect();
        pools.sort_by_key(|pool| std::cmp::Reverse(pool.cpu_ns));
        Census { looks: self.looks, alive: self.alive, runnable: self.runnable, cost_ns: self.cost_ns, pools }
    }

    /// The name under which a thread is counted: its own without the number at its end.
    fn pool(&self, thread: &Thread) -> String {
        let name = thread.name.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '-');
        let name = if name.is_empty() { &thread.name } else { name };
        match thread.process == std::process::id() {
            true => name.to_owned(),
            false => format!("worker process: {name}"),
        }
    }
}
