//! Worker processes of the same program, fed over pipes, like Python's process pool.
//!
//! Good when: the work must not share memory: a crash, a leak or a lock stays in its process.
//! Bad when:  partitions or partials are large, because both are encoded, copied and decoded.
//! In the trace: spans are longer than the work inside them; the difference is the transfer.

use std::io::BufReader;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use strategies::{Error, Job, Jobs, Reply, Result, Setup, WorkerCommand, Workers, wire};

struct Processes {
    command: WorkerCommand,
    workers: Vec<Worker>,
}

/// Starts the worker processes. Each loads the task and waits for its first partition.
pub fn start(setup: &Setup) -> Result<Box<dyn Workers>> {
    let command = setup.worker.clone();
    let command = command.ok_or_else(|| Error::worker("`processes` needs a command that starts a worker process"))?;
    let workers = (0..setup.workers.get()).map(|_| Worker::start(&command)).collect::<Result<_>>()?;
    Ok(Box::new(Processes { command, workers }))
}

impl Workers for Processes {
    fn run(&mut self, jobs: Jobs) -> Result<()> {
        // Workers that died in an earlier run are replaced here, not by the threads that feed them. The kernel kills a
        // worker when the thread that started it ends.
        for worker in self.workers.iter_mut().filter(|worker| worker.dead.is_some()) {
            *worker = Worker::start(&self.command)?;
        }
        let jobs = &Mutex::new(jobs);
        thread::scope(|scope| {
            for worker in &mut self.workers {
                scope.spawn(move || {
                    while let Some(job) = take(jobs) {
                        worker.run(job);
                        if worker.dead.is_some() {
                            return;
                        }
                    }
                });
            }
        });
        // Jobs are left only if every worker died. They fail with the reason for which a worker died.
        let reason = self.workers.iter().find_map(|worker| worker.dead.clone());
        while let Some(job) = take(jobs) {
            job.finish(Reply::failed(reason.clone().unwrap_or(Error::Dropped)));
        }
        Ok(())
    }
}

fn take(jobs: &Mutex<Jobs>) -> Option<Job> {
    jobs.lock().unwrap_or_else(PoisonError::into_inner).next()
}

struct Worker {
    process: Child,
    /// Dropping this closes the pipe, and the worker then ends by itself.
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    frame: Vec<u8>,
    dead: Option<Error>,
}

impl Worker {
    fn start(command: &WorkerCommand) -> Result<Self> {
        let failed = |reason: &str| Error::worker(format!("cannot start a worker process: {reason}"));
        let mut process = Command::new(&command.program)
            .arg0(&command.name)
            .args(&command.arguments)
            .envs(command.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| failed(&error.to_string()))?;
        let requests = process.stdin.take();
        let answers = process.stdout.take().ok_or_else(|| failed("it has no output"))?;
        let mut worker = Worker { process, requests, answers: BufReader::new(answers), frame: Vec::new(), dead: None };
        // Waits for the empty frame that says that the task is loaded, so that loading is not part of a run.
        match worker.read() {
            Ok(()) => Ok(worker),
            Err(reason) => Err(worker.reap(&reason)),
        }
    }

    fn run(&mut self, mut job: Job) {
        let outcome = job.pack().and_then(|request| self.ask(&request));
        job.finish(outcome.unwrap_or_else(Reply::failed));
    }

    fn ask(&mut self, request: &[u8]) -> Result<Reply> {
        let sent = match &mut self.requests {
            Some(requests) => wire::write_frame(requests, &[], request).map_err(|error| error.to_string()),
            None => Err("its pipe is closed".to_owned()),
        };
        match sent.and_then(|()| self.read()) {
            Ok(()) => wire::reply(&self.frame),
            Err(reason) => {
                let error = self.reap(&reason);
                self.dead = Some(error.clone());
                Err(error)
            }
        }
    }

    fn read(&mut self) -> std::result::Result<(), String> {
        match wire::read_frame(&mut self.answers, &mut self.frame) {
            Ok(true) => Ok(()),
            Ok(false) => Err("it closed its pipe".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Reaps the worker and reports its pid and exit status.
    fn reap(&mut self, reason: &str) -> Error {
        let _ = self.process.kill();
        let status = self.process.wait().ok();
        let how = status.map_or_else(String::new, |status| format!(" ({status})"));
        let sentence = format!("worker process {} died{how}: {reason}", self.process.id());
        // A program that fails ends in another way than by SIGKILL. The signal comes from the kernel, without memory, or
        // from a user.
        match status.and_then(|status| status.signal()) {
            Some(9) => Error::Killed(sentence),
            _ => Error::Worker(sentence),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // The pipe closes first, so that the worker ends by itself and its resource usage is counted.
        drop(self.requests.take());
        let _ = self.process.wait();
    }
}
