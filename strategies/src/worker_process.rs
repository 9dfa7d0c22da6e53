//! A worker process of this program that answers one request at a time over its pipes.

use crate::wire::{self, Reply};
use crate::{Error, Result, WorkerCommand};
use std::io::BufReader;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

/// A worker process that has loaded the task. It ends by itself when this is dropped.
pub struct WorkerProcess {
    process: Child,
    /// Dropping this closes the pipe, and the worker then ends by itself.
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    frame: Vec<u8>,
    is_dead: bool,
}

impl WorkerProcess {
    /// Starts a worker process and waits until it has loaded the task, so that loading is not part of a run.
    ///
    /// The kernel kills the process when the thread that called this ends. A thread that ends with the run must not call
    /// it.
    ///
    /// # Errors
    /// When the program cannot be started, or ends before it is ready.
    pub fn start(command: &WorkerCommand) -> Result<Self> {
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
        let (answers, frame) = (BufReader::new(answers), Vec::new());
        let mut worker = WorkerProcess { process, requests, answers, frame, is_dead: false };
        // The empty frame says that the task is loaded.
        match worker.read() {
            Ok(()) => Ok(worker),
            Err(reason) => Err(worker.reap(&reason)),
        }
    }

    /// Sends a request and waits for its answer. A partition that fails is an answer, too.
    ///
    /// # Errors
    /// When the process has died. No answer to this request can arrive any more, so it may be sent to another process.
    pub fn ask(&mut self, request: &[u8]) -> Result<Reply<'_>> {
        let sent = match &mut self.requests {
            Some(requests) => wire::write_frame(requests, &[], request).map_err(|error| error.to_string()),
            None => Err("its pipe is closed".to_owned()),
        };
        match sent.and_then(|()| self.read()) {
            Ok(()) => Ok(wire::reply(&self.frame).unwrap_or_else(Reply::failed)),
            Err(reason) => Err(self.reap(&reason)),
        }
    }

    /// Returns `true` if [`ask`](WorkerProcess::ask) has found that the process died.
    pub fn is_dead(&self) -> bool {
        self.is_dead
    }

    fn read(&mut self) -> std::result::Result<(), String> {
        match wire::read_frame(&mut self.answers, &mut self.frame) {
            Ok(true) => Ok(()),
            Ok(false) => Err("it closed its pipe".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Reaps the process and reports its number and exit status.
    fn reap(&mut self, reason: &str) -> Error {
        self.is_dead = true;
        // A process that only closed its pipe cannot work any more. It must not be left running.
        let _ = self.process.kill();
        let status = self.process.wait().ok();
        let how = status.map_or_else(String::new, |status| format!(" ({status})"));
        let sentence = format!("worker process {} died{how}: {reason}", self.process.id());
        // A program that fails ends in another way than by SIGKILL. The signal comes from the kernel, without memory, or
        // from a user.
        match status.and_then(|status: ExitStatus| status.signal()) {
            Some(9) => Error::Killed(sentence),
            _ => Error::Worker(sentence),
        }
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        // The pipe closes first, so that the worker ends by itself and its resource usage is counted.
        drop(self.requests.take());
        let _ = self.process.wait();
    }
}
