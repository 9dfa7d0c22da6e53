//! A worker process that answers one request at a time, driven by hand in the same way as in the strategy `processes`.

use std::io::BufReader;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use strategies::{Error, Result, WorkerCommand, wire};

pub(crate) struct WorkerProcess {
    process: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    answer: Vec<u8>,
}

impl WorkerProcess {
    pub(crate) fn start(command: &WorkerCommand) -> Result<Self> {
        let environment = command.environment.iter().map(|(name, value)| (name, value));
        let mut process = Command::new(&command.program);
        process.args(&command.arguments).envs(environment).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = process.spawn().map_err(Error::worker)?;
        let requests = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().ok_or_else(|| Error::worker("no pipe"))?);
        let mut worker = WorkerProcess { process, requests, answers, answer: Vec::new() };
        // Skips the greeting.
        worker.read()?;
        Ok(worker)
    }

    /// Sends one request, which has two parts, and returns the answer.
    pub(crate) fn request(&mut self, head: &[u8], body: &[u8]) -> Result<&[u8]> {
        let requests = self.requests.as_mut().ok_or_else(|| Error::worker("closed"))?;
        wire::write_frame(requests, head, body).map_err(Error::worker)?;
        self.read()?;
        Ok(&self.answer)
    }

    fn read(&mut self) -> Result<()> {
        wire::read_frame(&mut self.answers, &mut self.answer).map_err(Error::worker).map(drop)
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        drop(self.requests.take());
        let _ = self.process.wait();
    }
}
