//! The way to workers that share no memory: bytes, frames, and the loop that serves them.
//!
//! A worker that is ready greets with an empty frame. A frame is its length as four bytes, then that many bytes. A
//! request's bytes are a ticket, which is eight bytes for the run and eight for the job's number, then the packed
//! partition. An answer's are one byte that says how it went, the same ticket, four for the process that answers, eight
//! for the nanoseconds the task took, then the partial or a message. Numbers have their little end first.

use crate::error::{Error, panic_message};
use crate::{AnyTask, Reply, Result, Wire};
use std::io::{ErrorKind, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

/// No partition or partial may be larger, so that a corrupt length is not taken for a huge frame.
const LARGEST_FRAME: usize = 1 << 31;

const DONE: u8 = 0;
const FAILED: u8 = 1;
const PANICKED: u8 = 2;

/// Which job of which run a request belongs to. Its answer carries it back, so that it can only count for that job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) run: u64,
    pub(crate) number: u64,
}

/// The bytes of a request.
pub(crate) fn request<V: Wire>(ticket: Ticket, partition: &V) -> Result<Vec<u8>> {
    let mut bytes = Vec::from(ticket.run.to_le_bytes());
    bytes.extend(ticket.number.to_le_bytes());
    postcard::to_extend(partition, bytes).map_err(|error| Error::Wire(format!("cannot encode: {error}")))
}

/// Anything as bytes.
///
/// # Errors
/// When its `Serialize` fails.
pub fn encode<V: Wire>(value: &V) -> Result<Vec<u8>> {
    postcard::to_allocvec(value).map_err(|error| Error::Wire(format!("cannot encode: {error}")))
}

/// Bytes as what they were.
///
/// # Errors
/// When the bytes are something else, or more or less of it.
pub fn decode<V: Wire>(bytes: &[u8]) -> Result<V> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(Error::Wire(format!("{} bytes too many", rest.len()))),
        Err(error) => Err(Error::Wire(format!("cannot decode {} bytes: {error}", bytes.len()))),
    }
}

/// Writes one frame in one go.
///
/// # Errors
/// When the other end is gone, or the frame is too large.
pub fn write_frame(out: &mut impl Write, head: &[u8], body: &[u8]) -> std::io::Result<()> {
    let length = head.len() + body.len();
    if length > LARGEST_FRAME {
        return Err(std::io::Error::new(ErrorKind::InvalidInput, format!("a frame of {length} bytes is too large")));
    }
    let mut frame = Vec::with_capacity(4 + length);
    frame.extend_from_slice(&(length as u32).to_le_bytes());
    frame.extend_from_slice(head);
    frame.extend_from_slice(body);
    out.write_all(&frame)?;
    out.flush()
}

/// Reads one frame into `frame`; `false` when the other end has closed between frames.
///
/// # Errors
/// When the other end closed inside a frame, or sent a length that no frame has.
pub fn read_frame(from: &mut impl Read, frame: &mut Vec<u8>) -> std::io::Result<bool> {
    let mut length = [0u8; 4];
    let mut have = 0;
    while have < 4 {
        match from.read(&mut length[have..]) {
            Ok(0) if have == 0 => return Ok(false),
            Ok(0) => return Err(std::io::Error::new(ErrorKind::UnexpectedEof, "the frame's length is cut off")),
            Ok(read) => have += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > LARGEST_FRAME {
        return Err(std::io::Error::new(ErrorKind::InvalidData, format!("a frame of {length} bytes is not ours")));
    }
    frame.clear();
    // Not `resize` to the announced length: a lying length must not cost its memory.
    let read = from.take(length as u64).read_to_end(frame)?;
    if read < length {
        let reason = format!("the frame ends after {read} of {length} bytes");
        return Err(std::io::Error::new(ErrorKind::UnexpectedEof, reason));
    }
    Ok(true)
}

/// Serves a task's partitions until the other end closes: all that a worker process does.
///
/// # Errors
/// When the pipe breaks. What goes wrong with a partition is an answer, not an error.
pub fn serve(task: &dyn AnyTask, requests: &mut impl Read, answers: &mut impl Write) -> std::io::Result<()> {
    // The greeting: the task is loaded, the first partition may come.
    write_frame(answers, &[], &[])?;
    let mut frame = Vec::new();
    while read_frame(requests, &mut frame)? {
        let (head, body) = answer(task, &frame);
        write_frame(answers, &head, &body)?;
    }
    Ok(())
}

/// Bytes in an answer before the partial or the message.
pub const HEAD: usize = 1 + TICKET + 4 + 8;

/// Bytes in a request before the partition.
pub const TICKET: usize = 16;

/// Does what one request asks for: the head and the body of its answer.
pub fn answer(task: &dyn AnyTask, request: &[u8]) -> ([u8; HEAD], Vec<u8>) {
    let began = Instant::now();
    let (ticket, partition) = request.split_at_checked(TICKET).unwrap_or((&[0; TICKET], request));
    let served = catch_unwind(AssertUnwindSafe(|| task.serve(partition)))
        .unwrap_or_else(|panic| Err(Error::Panicked(panic_message(&*panic))));
    let busy_ns = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
    let (how, body) = match served {
        Ok(partial) => (DONE, partial),
        Err(Error::Panicked(message)) => (PANICKED, message.into_bytes()),
        Err(error) => (FAILED, error.to_string().into_bytes()),
    };
    let mut head = [how; HEAD];
    head[1..17].copy_from_slice(ticket);
    head[17..21].copy_from_slice(&std::process::id().to_le_bytes());
    head[21..].copy_from_slice(&busy_ns.to_le_bytes());
    (head, body)
}

/// Takes a worker's answer apart.
///
/// # Errors
/// When it is no answer of [`serve`].
pub fn reply(frame: &[u8]) -> Result<Reply> {
    let mut rest = frame;
    let (Some([how]), Some(run), Some(number), Some(process), Some(busy)) =
        (take(&mut rest), take(&mut rest), take(&mut rest), take(&mut rest), take(&mut rest))
    else {
        return Err(Error::Wire(format!("an answer of {} bytes is too short", frame.len())));
    };
    let outcome = match how {
        DONE => Ok(rest.to_vec()),
        FAILED => Err(Error::Task(String::from_utf8_lossy(rest).into_owned())),
        PANICKED => Err(Error::Panicked(String::from_utf8_lossy(rest).into_owned())),
        _ => return Err(Error::Wire(format!("an answer begins with {how}, which means nothing"))),
    };
    Ok(Reply {
        ticket: Some(Ticket { run: u64::from_le_bytes(run), number: u64::from_le_bytes(number) }),
        process: u32::from_le_bytes(process),
        busy_ns: u64::from_le_bytes(busy),
        outcome,
    })
}

/// The next bytes of a frame, if there are so many.
fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, others) = rest.split_first_chunk()?;
    *rest = others;
    Some(*first)
}
