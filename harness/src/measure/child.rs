//! Asking a child process to measure a cell, and listening to it: never longer than it is allowed, never after it died.

use crate::interrupt::Interrupt;
use crate::measure::protocol::{Message, Order};
use anyhow::{Context, Result};
use record::Fault;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How a child ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It said all that it was asked for.
    Done,
    /// It ended with an error of its own.
    Failed(Fault, String),
    /// It died.
    Crashed(String),
    /// It was stopped, because it took too long.
    Hung(String),
    /// It was stopped, because the user wants to stop.
    Interrupted,
}

/// Lets a child follow `order`, and hands on what it says, until it ends or `patience` is over.
///
/// # Errors
/// When no child can be started, or `hear` fails.
pub fn measure(
    order: &Order,
    patience: Duration,
    interrupt: &Interrupt,
    mut hear: impl FnMut(Message) -> Result<()>,
) -> Result<End> {
    let (child, mut orders) = start(order)?;
    let mut child = Guard(child);
    let deadline = Instant::now() + patience;
    let (lines, last_words) = listen(&mut child.0)?;
    loop {
        if interrupt.is_asked() {
            return Ok(End::Interrupted);
        }
        match lines.recv_timeout(Duration::from_millis(50)) {
            Ok(line) => match serde_json::from_str(&line) {
                Ok(Message::Failed { fault, reason }) => return Ok(End::Failed(fault, reason)),
                Ok(message) => {
                    hear(message)?;
                    // Heard and recorded: it may go on. If it is dead, its status will say so.
                    let _ = orders.write_all(b"\n");
                }
                Err(_) => return Ok(End::Crashed(format!("it said something that is no message: {line}"))),
            },
            Err(RecvTimeoutError::Timeout) if Instant::now() > deadline => {
                return Ok(End::Hung(format!("it had not ended after {} s and was stopped", patience.as_secs())));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let status = child.0.wait().context("cannot wait for the measuring process")?;
    if status.success() {
        return Ok(End::Done);
    }
    let last_words = last_words.recv_timeout(Duration::from_secs(1)).unwrap_or_default();
    Ok(End::Crashed(describe(status, &last_words)))
}

/// Kills the child when it is no longer listened to. Its worker processes go with it.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        // Either fails only when it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The child, and the pipe on which it got its order and waits to be told that it was heard.
fn start(order: &Order) -> Result<(Child, ChildStdin)> {
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let workers = order.workers.to_string();
    let mut child = Command::new(&program)
        .arg("cell")
        // These pools belong to the process and are told their size this way or not at all. async-std's executor has
        // nothing to do here but to exist: the work is on the pool for blocking.
        .env("ASYNC_STD_THREAD_COUNT", "1")
        .env("BLOCKING_MAX_THREADS", &workers)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A group of its own: Ctrl-C is for the sweep, which then decides what becomes of its child.
        .process_group(0)
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let mut orders = child.stdin.take().context("no input")?;
    let mut order = serde_json::to_vec(order).context("cannot write the order down")?;
    order.push(b'\n');
    // If the child is dead already, its status says more than the broken pipe.
    let _ = orders.write_all(&order);
    Ok((child, orders))
}

/// What the child prints, line by line, and in the end what it complained of.
fn listen(child: &mut Child) -> Result<(Receiver<String>, Receiver<String>)> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (stdout, mut stderr) = (stdout.context("no output")?, stderr.context("no output")?);
    let (line, lines) = channel();
    std::thread::spawn(move || {
        for said in BufReader::new(stdout).lines().map_while(Result::ok) {
            if line.send(said).is_err() {
                return;
            }
        }
    });
    let (words, last_words) = channel();
    std::thread::spawn(move || {
        let mut all = Vec::new();
        let _ = stderr.read_to_end(&mut all);
        let _ = words.send(String::from_utf8_lossy(&all).into_owned());
    });
    Ok((lines, last_words))
}

fn describe(status: ExitStatus, last_words: &str) -> String {
    let how = match (status.signal(), status.code()) {
        (Some(signal), _) => format!("the measuring process was killed by signal {signal}"),
        (_, Some(code)) => format!("the measuring process ended with code {code}"),
        _ => "the measuring process ended in an unknown way".to_owned(),
    };
    match last_words.lines().rfind(|line| !line.trim().is_empty() && !line.contains("RUST_BACKTRACE")) {
        Some(line) => format!("{how}; its last words: {}", line.trim()),
        None => how,
    }
}
