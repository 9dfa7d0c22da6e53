//! Worker processes of the same program, fed over pipes; a request names a part of the input, such as a range of a file.
//!
//! Good when: the work must not share memory: a crash, a leak or a lock stays in its process.
//! Bad when:  partitions are small or partials large, because both are encoded, copied and decoded.
//! In the trace: spans are longer than the work inside them; the difference is the transfer.

use std::sync::mpsc::{self, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread;
use strategies::{Error, Job, Jobs, Reply, Result, Setup, WorkerCommand, WorkerProcess, Workers};

/// The most processes that may die on one partition. Perhaps it is the partition that kills them.
const TRIES: usize = 3;

/// How a job becomes a request.
pub type Pack = fn(&mut Job) -> Result<Vec<u8>>;

/// Starts the worker processes. Each loads the task and waits for its first partition.
pub fn start(setup: &Setup) -> Result<Box<dyn Workers>> {
    start_with(setup, Job::pack)
}

/// Starts worker processes that get requests made by `pack`.
pub fn start_with(setup: &Setup, pack: Pack) -> Result<Box<dyn Workers>> {
    let command = setup.worker.clone().ok_or_else(|| Error::worker("no command starts a worker process"))?;
    let workers = (0..setup.workers.get()).map(|_| WorkerProcess::start(&command)).collect::<Result<_>>()?;
    Ok(Box::new(Processes { command, workers, pack }))
}

struct Processes {
    command: WorkerCommand,
    workers: Vec<WorkerProcess>,
    pack: Pack,
}

/// A thread that feeds one process.
struct Feeder<'a> {
    worker: &'a mut WorkerProcess,
    jobs: &'a Mutex<Jobs>,
    pack: Pack,
    lost: Sender<Lost<'a>>,
}

/// A feeder whose process died, its job, and the errors of all processes that died on this job.
struct Lost<'a>(Feeder<'a>, Job, Vec<Error>);

impl Workers for Processes {
    fn run(&mut self, jobs: Jobs) -> Result<()> {
        let Processes { command, workers, pack } = self;
        for worker in workers.iter_mut().filter(|worker| worker.is_dead()) {
            *worker = WorkerProcess::start(command)?;
        }
        let (jobs, (sender, lost)) = (&Mutex::new(jobs), mpsc::channel());
        let reason = thread::scope(|scope| {
            for worker in workers {
                let feeder = Feeder { worker, jobs, pack: *pack, lost: sender.clone() };
                scope.spawn(|| feeder.feed(None));
            }
            drop(sender);
            let mut reason = Error::Dropped;
            // This thread replaces processes, because the kernel kills a process when the thread that started it ends.
            for Lost(feeder, job, mut deaths) in lost {
                if deaths.len() < TRIES {
                    match WorkerProcess::start(command) {
                        Ok(worker) => {
                            *feeder.worker = worker;
                            scope.spawn(|| feeder.feed(Some((job, deaths))));
                            continue;
                        }
                        Err(error) => deaths.push(error),
                    }
                }
                reason = Error::lost(&deaths);
                job.finish(Reply::failed(reason.clone()));
            }
            reason
        });
        // Jobs are left only if every feeder has given up.
        while let Some(job) = take(jobs) {
            job.finish(Reply::failed(reason.clone()));
        }
        Ok(())
    }
}

impl Feeder<'_> {
    fn feed(self, mut again: Option<(Job, Vec<Error>)>) {
        while let Some((mut job, mut deaths)) = again.take().or_else(|| Some((take(self.jobs)?, Vec::new()))) {
            match (self.pack)(&mut job).map(|request| self.worker.ask(&request)) {
                Err(error) => job.finish(Reply::failed(error)),
                Ok(Ok(reply)) => job.finish(reply.after(deaths)),
                Ok(Err(death)) => {
                    deaths.push(death);
                    let lost = self.lost.clone();
                    return drop(lost.send(Lost(self, job, deaths)));
                }
            }
        }
    }
}

fn take(jobs: &Mutex<Jobs>) -> Option<Job> {
    jobs.lock().unwrap_or_else(PoisonError::into_inner).next()
}
