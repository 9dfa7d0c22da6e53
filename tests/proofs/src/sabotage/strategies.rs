//! Strategies that cheat, each in one way.

use crate::worker_process::WorkerProcess;
use rustix::thread::{CpuSet, sched_setaffinity};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use strategies::{Error, Job, Jobs, Result, Setup, Strategy, Workers, wire};

macro_rules! cheats {
    ($($name:ident),* $(,)?) => {
        /// Every strategy that cheats.
        pub const ALL: &[Strategy] = &[$(Strategy { name: stringify!($name), source: "//! Cheats.", start: $name }),*];
    };
}
cheats! {
    drops_the_last, repeats_one, swaps_two, keeps_answers, stops_early, returns_early, panics, kills_itself, deadlocks,
    ignores_cancel, leaks_threads, ignores_the_limit, takes_all_cores, forges_answers, twice_the_threads,
    half_the_workers, dies_in_the_third_run,
}

/// Workers whose `run` is a function.
struct By<F>(F);

impl<F: FnMut(Jobs) -> Result<()>> Workers for By<F> {
    fn run(&mut self, jobs: Jobs) -> Result<()> {
        (self.0)(jobs)
    }
}

fn by(run: impl FnMut(Jobs) -> Result<()> + 'static) -> Result<Box<dyn Workers>> {
    Ok(Box::new(By(run)))
}

/// Workers whose `run` is a function that cannot fail.
fn always(mut run: impl FnMut(Jobs) + 'static) -> Result<Box<dyn Workers>> {
    by(move |jobs| {
        run(jobs);
        Ok(())
    })
}

/// An honest strategy: `workers` threads take jobs from a shared iterator.
fn shared(jobs: Jobs, workers: usize) {
    let jobs = &Mutex::new(jobs);
    let next = || jobs.lock().unwrap_or_else(PoisonError::into_inner).next();
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(job) = next() {
                    job.run();
                }
            });
        }
    });
}

fn drops_the_last(setup: &Setup) -> Result<Box<dyn Workers>> {
    let workers = setup.workers.get();
    always(move |jobs| {
        let mut jobs: Vec<Job> = jobs.collect();
        drop(jobs.pop());
        shared(Jobs::new(jobs.into_iter()), workers);
    })
}

fn stops_early(_: &Setup) -> Result<Box<dyn Workers>> {
    always(|jobs| jobs.take(3).for_each(Job::run))
}

fn returns_early(_: &Setup) -> Result<Box<dyn Workers>> {
    always(|jobs| {
        let jobs: Vec<Job> = jobs.collect();
        thread::spawn(|| jobs.into_iter().for_each(Job::run));
    })
}

fn panics(_: &Setup) -> Result<Box<dyn Workers>> {
    by(|jobs| {
        jobs.for_each(Job::run);
        thread::spawn(|| panic!("a worker of the strategy panics"))
            .join()
            .map_err(|panic| std::panic::resume_unwind(panic))
    })
}

fn kills_itself(_: &Setup) -> Result<Box<dyn Workers>> {
    by(|_| std::process::abort())
}

fn deadlocks(_: &Setup) -> Result<Box<dyn Workers>> {
    by(|jobs| {
        jobs.for_each(Job::run);
        let (_sender, receiver) = std::sync::mpsc::channel::<()>();
        receiver.recv().map_err(Error::worker)
    })
}

fn ignores_cancel(setup: &Setup) -> Result<Box<dyn Workers>> {
    let workers = setup.workers.get();
    always(move |jobs| {
        let jobs: Vec<Job> = jobs.collect();
        shared(Jobs::new(jobs.into_iter()), workers);
    })
}

fn leaks_threads(setup: &Setup) -> Result<Box<dyn Workers>> {
    let workers = setup.workers.get();
    always(move |jobs| {
        shared(jobs, workers);
        thread::spawn(|| {
            loop {
                thread::park();
            }
        });
    })
}

fn ignores_the_limit(setup: &Setup) -> Result<Box<dyn Workers>> {
    let workers = 2 * setup.workers.get();
    always(move |jobs| shared(jobs, workers))
}

fn half_the_workers(setup: &Setup) -> Result<Box<dyn Workers>> {
    let workers = setup.workers.get().div_ceil(2);
    always(move |jobs| shared(jobs, workers))
}

fn takes_all_cores(setup: &Setup) -> Result<Box<dyn Workers>> {
    let workers = setup.workers.get();
    by(move |jobs| {
        let mut all = CpuSet::new();
        (0..CpuSet::MAX_CPU).for_each(|processor| all.set(processor));
        sched_setaffinity(None, &all).map_err(Error::worker)?;
        shared(jobs, workers);
        Ok(())
    })
}

fn twice_the_threads(setup: &Setup) -> Result<Box<dyn Workers>> {
    let workers = setup.workers.get();
    always(move |jobs| {
        let ended = &AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| {
                    while !ended.load(Ordering::Relaxed) {
                        std::hint::spin_loop();
                    }
                });
            }
            shared(jobs, workers);
            ended.store(true, Ordering::Relaxed);
        });
    })
}

fn worker(setup: &Setup) -> Result<WorkerProcess> {
    WorkerProcess::start(setup.worker.as_ref().ok_or_else(|| Error::worker("no worker"))?)
}

fn repeats_one(setup: &Setup) -> Result<Box<dyn Workers>> {
    let mut worker = worker(setup)?;
    by(move |jobs| {
        let mut last = Vec::new();
        for mut job in jobs {
            let request = job.pack()?;
            if job.number() != 3 {
                last = worker.request(&[], &request)?.to_vec();
            }
            job.finish(wire::reply(&last)?);
        }
        Ok(())
    })
}

fn swaps_two(setup: &Setup) -> Result<Box<dyn Workers>> {
    let mut worker = worker(setup)?;
    by(move |mut jobs| {
        if let (Some(mut first), Some(mut second)) = (jobs.next(), jobs.next()) {
            let one = worker.request(&[], &first.pack()?)?.to_vec();
            first.finish(wire::reply(worker.request(&[], &second.pack()?)?)?);
            second.finish(wire::reply(&one)?);
        }
        for mut job in jobs {
            let answer = wire::reply(worker.request(&[], &job.pack()?)?)?;
            job.finish(answer);
        }
        Ok(())
    })
}

/// Runs the jobs honestly once, and answers later runs from memory.
fn from_memory(setup: &Setup, forge: bool) -> Result<Box<dyn Workers>> {
    let mut worker = worker(setup)?;
    let mut kept: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
    by(move |jobs| {
        for mut job in jobs {
            let request = job.pack()?;
            let answer = match kept.remove(&job.number()) {
                Some(mut answer) => {
                    if forge {
                        answer[1..=wire::TICKET].copy_from_slice(&request[..wire::TICKET]);
                    }
                    answer
                }
                None => worker.request(&[], &request)?.to_vec(),
            };
            kept.insert(job.number(), answer.clone());
            job.finish(wire::reply(&answer)?);
        }
        Ok(())
    })
}

fn keeps_answers(setup: &Setup) -> Result<Box<dyn Workers>> {
    from_memory(setup, false)
}

fn forges_answers(setup: &Setup) -> Result<Box<dyn Workers>> {
    from_memory(setup, true)
}

/// Is honest in the first two runs with the same folder for temporary files, and dies in the third.
fn dies_in_the_third_run(setup: &Setup) -> Result<Box<dyn Workers>> {
    let workers = setup.workers.get();
    always(move |jobs| {
        let counter = std::env::temp_dir().join("runs");
        let earlier = std::fs::read(&counter).unwrap_or_default();
        if earlier.len() >= 2 {
            std::process::abort();
        }
        std::fs::write(&counter, [&earlier[..], b"."].concat()).expect("the folder for temporary files");
        shared(jobs, workers);
    })
}
