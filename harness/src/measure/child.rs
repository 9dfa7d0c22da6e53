//! The harness's side of a measurement. Starts the measuring process, reads its messages, and kills it after a timeout.

use crate::interrupt::Interrupt;
use crate::measure::protocol::{Message, Order};
use anyhow::{Context, Result};
use record::Fault;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// The end of a measuring process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The process did everything that the order asked for.
    Done,
    /// The process reported an error.
    Failed(Fault, String),
    /// The process died.
    Crashed(String),
    /// The process took too long and was killed.
    Hung(String),
    /// The process was killed because the user interrupted the harness.
    Interrupted,
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
    let (child, mut input) = start(order)?;
    let mut child = KillOnDrop(child);
    let deadline = Instant::now() + patience;
    let (lines, errors) = listen(&mut child.0)?;
    loop {
        if interrupt.is_asked() {
            return Ok(End::Interrupted);
        }
        match lines.recv_timeout(Duration::from_millis(50)) {
            Ok(line) => match serde_json::from_str(&line) {
                Ok(Message::Failed { fault, reason }) => return Ok(End::Failed(fault, reason)),
                Ok(message) => {
                    on_message(message)?;
                    // The acknowledgement. If the process is dead, its exit status will show it.
                    let _ = input.write_all(b"\n");
                }
                Err(_) => return Ok(End::Crashed(format!("it printed a line that is not a message: {line}"))),
            },
            Err(RecvTimeoutError::Timeout) if Instant::now() > deadline => {
                return Ok(End::Hung(format!("it did not end within {} s and was stopped", patience.as_secs())));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let status = child.0.wait().context("cannot wait for the measuring process")?;
    if status.success() {
        return Ok(End::Done);
    }
    let errors = errors.recv_timeout(Duration::from_secs(1)).unwrap_or_default();
    Ok(End::Crashed(describe(status, &errors)))
}

/// Kills the measuring process when the harness stops reading its messages. The kernel then kills the worker processes.
struct KillOnDrop(Child);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        // Both calls fail only if the process has already ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the measuring process. The returned pipe carries the order and then the acknowledgements.
fn start(order: &Order) -> Result<(Child, ChildStdin)> {
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let mut child = Command::new(&program)
        .arg("cell")
        // Only environment variables set the sizes of these process-wide pools. The jobs run on the pool for blocking
        // calls. async-std's executor must exist but has no work.
        .env("ASYNC_STD_THREAD_COUNT", "1")
        .env("BLOCKING_MAX_THREADS", order.workers.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // With a separate process group, Ctrl-C reaches only the harness, which then kills the process.
        .process_group(0)
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let mut input = child.stdin.take().context("the measuring process has no input")?;
    let mut order = serde_json::to_vec(order).context("cannot serialise the order")?;
    order.push(b'\n');
    // If the process is already dead, its exit status is more informative than the broken pipe.
    let _ = input.write_all(&order);
    Ok((child, input))
}

/// Returns two channels: one for the lines that the process prints, one for its whole standard error after it ends.
fn listen(child: &mut Child) -> Result<(Receiver<String>, Receiver<String>)> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let no_output = "the measuring process has no output";
    let (stdout, mut stderr) = (stdout.context(no_output)?, stderr.context(no_output)?);
    let (line, lines) = channel();
    std::thread::spawn(move || {
        let _ = BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|text| line.send(text));
    });
    let (error, errors) = channel();
    std::thread::spawn(move || {
        let mut all = Vec::new();
        let _ = stderr.read_to_end(&mut all);
        let _ = error.send(String::from_utf8_lossy(&all).into_owned());
    });
    Ok((lines, errors))
}

fn describe(status: ExitStatus, errors: &str) -> String {
    let how = match (status.signal(), status.code()) {
        (Some(signal), _) => format!("the measuring process was killed by signal {signal}"),
        (_, Some(code)) => format!("the measuring process ended with exit status {code}"),
        _ => "the measuring process ended in an unknown way".to_owned(),
    };
    match errors.lines().rfind(|line| !line.trim().is_empty() && !line.contains("RUST_BACKTRACE")) {
        Some(line) => format!("{how}; its last message: {}", line.trim()),
        None => how,
    }
}
