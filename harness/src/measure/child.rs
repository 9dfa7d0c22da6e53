//! The harness's side of a measurement. Starts the measuring process, reads its messages, and kills it after a timeout.

use crate::interrupt::Interrupt;
use crate::measure::last_words::{self, MemoryKills};
use crate::measure::protocol::{Message, Order};
use crate::measure::{image, limits};
use anyhow::{Context, Result, anyhow, bail};
use record::{Fault, Status, TracedRun};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The end of a measuring process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The process did everything that the order asked for.
    Done,
    /// The process did not do what the order asked for.
    Failed(Failure),
    /// The process was killed because the user interrupted the harness.
    Interrupted,
}

/// Why a measuring process did not do what the order asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Failed if the process reported an error, crashed if it died, hung if it took too long and was killed.
    pub status: Status,
    /// The kind of failure.
    pub fault: Fault,
    /// A sentence with the reason.
    pub reason: String,
    /// Whether the reason lies outside the program, so that a later attempt may succeed.
    pub outside: bool,
}

impl Failure {
    /// Returns a failure of the program itself.
    pub fn of(status: Status, fault: Fault, reason: String) -> Self {
        Failure { status, fault, reason, outside: false }
    }
}

/// Runs an order that asks for the spans of its last run. The inner error is the reason why there is no trace: the process
/// failed, or a run was unfair or `wrong`, which looks at the digest and the answer. `None` if the user interrupted.
///
/// # Errors
/// When the process cannot be started.
pub fn trace(
    order: &Order,
    patience: Duration,
    interrupt: &Interrupt,
    wrong: impl Fn(&str, &[(String, String)]) -> Option<Failure>,
) -> Result<Option<std::result::Result<TracedRun, Failure>>> {
    let (mut run, mut refused) = (None, None);
    let unfair = |(fault, reason)| Failure::of(Status::Unfair, fault, reason);
    let end = measure(order, patience, interrupt, |message| {
        let found = match message {
            Message::WarmedUp { digest, figures, .. } => wrong(&digest, &figures),
            Message::Sample { digest, figures, unfair: broken, traced, .. } => {
                run = traced;
                wrong(&digest, &figures).or(broken.map(unfair))
            }
            Message::Unfair { fault, reason } => Some(unfair((fault, reason))),
            Message::Started { .. } | Message::Failed { .. } => None,
        };
        refused = refused.take().or(found);
        Ok(())
    })?;
    Ok(match end {
        End::Interrupted => None,
        End::Failed(failure) => Some(Err(failure)),
        End::Done => Some(match (refused, run) {
            (None, Some(run)) => Ok(*run),
            (refused, _) => Err(refused.unwrap_or_else(|| crashed("it reported no spans".to_owned(), false))),
        }),
    })
}

/// Starts a measuring process for `order` and passes its messages to `on_message`. Kills the process after `patience`.
///
/// # Errors
/// When the process cannot be started, or `on_message` fails.
pub fn measure(
    order: &Order,
    patience: Duration,
    interrupt: &Interrupt,
    mut on_message: impl FnMut(Message) -> Result<()>,
) -> Result<End> {
    let memory = MemoryKills::now();
    let mut process = Process::start(order)?;
    let deadline = Instant::now() + patience;
    let end = loop {
        if interrupt.is_asked() {
            return Ok(End::Interrupted);
        }
        if let Some(line) = process.line() {
            match serde_json::from_str(&line) {
                Ok(Message::Failed { fault, reason, outside }) => {
                    let reason = process.with_words(fault, reason)?;
                    break Failure { status: Status::Failed, fault, reason, outside };
                }
                Ok(message) => {
                    on_message(message)?;
                    // The acknowledgement. If the process is dead, its exit status will show it.
                    let _ = process.input.write_all(b"\n");
                }
                Err(_) => {
                    let line = last_words::shortened(&line);
                    break crashed(format!("it printed a line that is not a message: {line}"), false);
                }
            }
        } else if let Some(status) = process.ended()? {
            if status.success() {
                return Ok(End::Done);
            }
            let how = format!("the measuring process {}", last_words::manner(status));
            let is_from_outside = last_words::is_from_outside(status);
            break match last_words::of(&process.errors()) {
                Some(words) => crashed(format!("{how}; its last message: {words}"), is_from_outside),
                None => crashed(how, is_from_outside),
            };
        } else if Instant::now() > deadline {
            let reason = format!("it did not end within {} s and was stopped", patience.as_secs());
            break Failure { status: Status::Hung, fault: Fault::Hung, reason, outside: false };
        } else {
            process.read(Duration::from_millis(50))?;
        }
    };
    Ok(End::Failed(explained(end, &memory)))
}

fn crashed(reason: String, outside: bool) -> Failure {
    Failure { status: Status::Crashed, fault: Fault::Crashed, reason, outside }
}

/// Completes a failure for which this machine had too little memory or too few threads.
fn explained(failure: Failure, memory: &MemoryKills) -> Failure {
    let (ran_out, refused) = (memory.explain(), limits::is_refusal(&failure.reason));
    let outside = failure.outside || ran_out.is_some() || refused;
    let reason = match ran_out {
        Some(clause) => format!("{}; {clause}", failure.reason),
        None => limits::explain(failure.reason),
    };
    Failure { outside, reason, ..failure }
}

/// A measuring process. Dropping it kills the process, and the kernel then kills the worker processes.
struct Process {
    child: Child,
    /// The pipe that carries the order and then the acknowledgements.
    input: ChildStdin,
    /// The other pipes, until the process closes them. They are polled here and not read by threads, because the kernel
    /// may refuse threads.
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    /// The part of the output that is not yet handled.
    printed: Vec<u8>,
    /// The end of standard error.
    errors: Vec<u8>,
}

/// The bytes of standard error that are kept, and the bytes that one call reads.
const KEPT: usize = 1 << 16;

impl Process {
    fn start(order: &Order) -> Result<Self> {
        let mut child = Command::new(image::PROGRAM)
            .arg0(image::name())
            .arg("cell")
            // Only environment variables set the sizes of these process-wide pools. The jobs run on the pool for blocking
            // calls. async-std's executor must exist but has no work.
            .env("ASYNC_STD_THREAD_COUNT", "1")
            .env("BLOCKING_MAX_THREADS", order.workers.to_string())
            // A backtrace would follow the reason, and nobody sees it.
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // With a separate process group, Ctrl-C reaches only the harness, which then kills the process.
            .process_group(0)
            .spawn()
            .map_err(|error| anyhow!(limits::explain(format!("cannot start a measuring process: {error}"))))?;
        let Some(input) = child.stdin.take() else { bail!("a measuring process has no input") };
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let mut process = Process { child, input, stdout, stderr, printed: Vec::new(), errors: Vec::new() };
        let mut order = serde_json::to_vec(order).context("cannot serialise the order")?;
        order.push(b'\n');
        // If the process is already dead, its exit status is more informative than the broken pipe.
        let _ = process.input.write_all(&order);
        Ok(process)
    }

    /// Returns the next line that the process has printed.
    fn line(&mut self) -> Option<String> {
        let end = self.printed.iter().position(|byte| *byte == b'\n')?;
        let line: Vec<u8> = self.printed.drain(..=end).collect();
        Some(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    fn errors(&self) -> String {
        String::from_utf8_lossy(&self.errors).into_owned()
    }

    /// Adds the last message of a worker process to the reason that the measuring process gives. Only the standard error
    /// that both share has it.
    fn with_words(&mut self, fault: Fault, reason: String) -> Result<String> {
        self.read_rest()?;
        let words = last_words::of(&self.errors()).filter(|words| fault == Fault::Error && !reason.contains(words));
        Ok(match words {
            Some(words) => format!("{reason}; its last message: {words}"),
            None => reason,
        })
    }

    /// Returns the exit status if the process has ended. Everything that it has printed is then read.
    fn ended(&mut self) -> Result<Option<ExitStatus>> {
        let status = self.child.try_wait().context("cannot wait for the measuring process")?;
        if status.is_some() {
            self.read_rest()?;
        }
        Ok(status.filter(|_| !self.printed.contains(&b'\n')))
    }

    /// Reads what is already in the pipes.
    fn read_rest(&mut self) -> Result<()> {
        // The limit matters if a process that outlives the measuring process prints without end.
        (0..64).try_fold(true, |more, _| if more { self.read(Duration::ZERO) } else { Ok(false) }).map(drop)
    }

    /// Waits until the process prints, but at most `limit`, and reads. Returns whether there was something to read.
    fn read(&mut self, limit: Duration) -> Result<bool> {
        // A process that has closed its output is about to end.
        let limit = if self.stdout.is_none() { limit.min(Duration::from_millis(2)) } else { limit };
        let limit = Timespec::try_from(limit).context("a pause is too long")?;
        let pipes = [self.stdout.as_ref().map(AsFd::as_fd), self.stderr.as_ref().map(AsFd::as_fd)];
        let polled = pipes.iter().flatten().map(|pipe| PollFd::from_borrowed_fd(*pipe, PollFlags::IN));
        let mut polled: Vec<PollFd<'_>> = polled.collect();
        match poll(&mut polled, Some(&limit)) {
            // The caller looks whether the signal that ended the wait is a request to stop.
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error).context("cannot wait for a measuring process"),
        }
        let mut ready = polled.iter().map(|pipe| !pipe.revents().is_empty());
        let stdout_ready = self.stdout.is_some() && ready.next().unwrap_or(false);
        let stderr_ready = self.stderr.is_some() && ready.next().unwrap_or(false);
        drop(polled);
        if stdout_ready && !read_some(self.stdout.as_mut(), &mut self.printed)? {
            self.stdout = None;
        }
        if stderr_ready && !read_some(self.stderr.as_mut(), &mut self.errors)? {
            self.stderr = None;
        }
        self.errors.drain(..self.errors.len().saturating_sub(KEPT));
        Ok(stdout_ready || stderr_ready)
    }
}

/// Appends to `read` what is in a pipe. Returns `false` at the end of the pipe.
fn read_some(pipe: Option<&mut impl Read>, read: &mut Vec<u8>) -> Result<bool> {
    let Some(pipe) = pipe else { return Ok(false) };
    let mut bytes = [0; KEPT];
    match pipe.read(&mut bytes) {
        Ok(count) => {
            read.extend_from_slice(&bytes[..count]);
            Ok(count > 0)
        }
        Err(error) if error.kind() == ErrorKind::Interrupted => Ok(true),
        Err(error) => Err(error).context("cannot read what a measuring process prints"),
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both calls fail only if the process has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
