//! The loop of a worker process: it maps the partitions that arrive as requests and sends the partials back.

use crate::AnyTask;
use crate::error::{Error, catch};
use crate::wire::{DONE, FAILED, HEAD, PANICKED, TICKET, read_frame, write_frame};
use std::io::{Read, Write};
use std::time::Duration;

/// Serves partitions of a task until the other end closes. A worker process does nothing else.
///
/// # Errors
/// When the pipe breaks. A failed partition is an answer, not an error.
pub fn serve(task: &dyn AnyTask, requests: &mut impl Read, answers: &mut impl Write) -> std::io::Result<()> {
    // The empty frame says that the task is loaded.
    write_frame(answers, &[], &[])?;
    let mut frame = Vec::new();
    while read_frame(requests, &mut frame)? {
        let (head, body) = answer(task, &frame);
        write_frame(answers, &head, &body)?;
    }
    Ok(())
}

/// Maps the partition of one request and returns the head and the body of the answer.
pub fn answer(task: &dyn AnyTask, request: &[u8]) -> ([u8; HEAD], Vec<u8>) {
    let (ticket, partition) = request.split_at_checked(TICKET).unwrap_or((&[0; TICKET], request));
    let served = catch(|| task.serve(partition));
    let (status, body, busy) = match served {
        Ok((partial, busy)) => (DONE, partial, busy),
        Err(Error::Panicked(message)) => (PANICKED, message.into_bytes(), Duration::ZERO),
        Err(error) => (FAILED, error.to_string().into_bytes(), Duration::ZERO),
    };
    let busy_ns = u64::try_from(busy.as_nanos()).unwrap_or(u64::MAX);
    let mut head = [status; HEAD];
    head[1..17].copy_from_slice(ticket);
    head[17..21].copy_from_slice(&std::process::id().to_le_bytes());
    head[21..].copy_from_slice(&busy_ns.to_le_bytes());
    (head, body)
}
