//! The protocol of workers that share no memory. `worker_loop.rs` is the other end.
//!
//! A frame is a length (four bytes) and that number of bytes. A worker that is ready sends an empty frame. All numbers
//! are little-endian.
//! - A request is a ticket (eight bytes for the run, eight for the job's number), then the packed partition.
//! - An answer is one status byte, the same ticket, the process (four bytes) and the duration (eight bytes), then the
//!   partial or a message. The process is the number of the answering process. The duration is that of the task in
//!   nanoseconds.

use crate::error::Error;
use crate::{Result, Wire};
use std::io::{ErrorKind, Read, Write};

/// The size limit of a frame in bytes, so that a corrupt length is detected.
const LARGEST_FRAME: usize = 1 << 31;

/// The number of bytes of a frame's length.
const LENGTH: usize = 4;

pub(crate) const DONE: u8 = 0;
pub(crate) const FAILED: u8 = 1;
pub(crate) const PANICKED: u8 = 2;

/// The run and the job of a request. The answer carries the same ticket, so it can only count for that job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) run: u64,
    pub(crate) number: u64,
}

/// The bytes of a request.
pub(crate) fn request<V: Wire>(ticket: Ticket, partition: &V) -> Result<Vec<u8>> {
    // Enough for a small partition. Growing step by step would cost two more allocations a job.
    let mut bytes = Vec::with_capacity(4 * TICKET);
    bytes.extend(ticket.run.to_le_bytes());
    bytes.extend(ticket.number.to_le_bytes());
    let bytes =
        postcard::to_extend(partition, bytes).map_err(|error| Error::Wire(format!("cannot encode: {error}")))?;
    match bytes.len() {
        length if length > LARGEST_FRAME => {
            Err(Error::Wire(format!("a request of {length} bytes is too large; use smaller partitions")))
        }
        _ => Ok(bytes),
    }
}

/// What the jobs of a run shipped to workers that share no memory, and the time for it, summed over all jobs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shipped {
    /// The time to encode requests. It includes reading the input if requests contain it.
    pub packing_ns: u64,
    /// The rest of the time from the first request to the answer, without the task itself: the pipe, the wake-up of the
    /// worker, and its decoding and encoding.
    pub transfer_ns: u64,
    /// The time to decode partials, and to add them to an accumulator if the worker's slot has one.
    pub unpacking_ns: u64,
    /// The bytes of all requests, with their frames.
    pub sent_bytes: u64,
    /// The bytes of all answers, with their frames.
    pub received_bytes: u64,
    /// The jobs that were run again, each with the error of a worker that died on it.
    pub repeated: Vec<(u64, Error)>,
}

impl Shipped {
    /// Adds what another job shipped.
    pub(crate) fn add(&mut self, other: Shipped) {
        self.packing_ns += other.packing_ns;
        self.transfer_ns += other.transfer_ns;
        self.unpacking_ns += other.unpacking_ns;
        self.sent_bytes += other.sent_bytes;
        self.received_bytes += other.received_bytes;
        self.repeated.extend(other.repeated);
    }
}

/// Encodes a value.
///
/// # Errors
/// When the value's `Serialize` fails.
pub fn encode<V: Wire>(value: &V) -> Result<Vec<u8>> {
    postcard::to_allocvec(value).map_err(|error| Error::Wire(format!("cannot encode: {error}")))
}

/// Decodes a value from exactly these bytes.
///
/// # Errors
/// When the bytes do not encode a value of this type, or when bytes are missing or left over.
pub fn decode<V: Wire>(bytes: &[u8]) -> Result<V> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(Error::Wire(format!("{} bytes too many", rest.len()))),
        Err(error) => Err(Error::Wire(format!("cannot decode {} bytes: {error}", bytes.len()))),
    }
}

/// Writes one frame of `head` and `body` with a single write.
///
/// # Errors
/// When the other end has closed, or the frame is too large.
pub fn write_frame(out: &mut impl Write, head: &[u8], body: &[u8]) -> std::io::Result<()> {
    let length = head.len() + body.len();
    if length > LARGEST_FRAME {
        return Err(std::io::Error::new(ErrorKind::InvalidInput, format!("a frame of {length} bytes is too large")));
    }
    let mut frame = Vec::with_capacity(LENGTH + length);
    frame.extend_from_slice(&(length as u32).to_le_bytes());
    frame.extend_from_slice(head);
    frame.extend_from_slice(body);
    out.write_all(&frame)?;
    out.flush()
}

/// Reads one frame into `frame`. Returns `false` when the other end has closed between frames.
///
/// # Errors
/// When the other end closed inside a frame, or sent an impossible length.
pub fn read_frame(from: &mut impl Read, frame: &mut Vec<u8>) -> std::io::Result<bool> {
    let mut length = [0u8; LENGTH];
    let mut have = 0;
    while have < LENGTH {
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
        return Err(std::io::Error::new(ErrorKind::InvalidData, format!("{length} is not the length of a frame")));
    }
    frame.clear();
    // Does not call `resize`, because a wrong length must not allocate that much memory.
    let read = from.take(length as u64).read_to_end(frame)?;
    if read < length {
        let reason = format!("the frame ends after {read} of {length} bytes");
        return Err(std::io::Error::new(ErrorKind::UnexpectedEof, reason));
    }
    Ok(true)
}

/// The number of bytes in an answer before the partial or the message.
pub const HEAD: usize = 1 + TICKET + 4 + 8;

/// The number of bytes in a request before the partition.
pub const TICKET: usize = 16;

/// The answer of a worker that shares no memory; [`reply`] decodes it from a frame.
pub struct Reply<'a> {
    /// The ticket of the request. `None` if no answer came.
    pub(crate) ticket: Option<Ticket>,
    /// The process that answered.
    pub(crate) process: u32,
    /// The duration of the task itself in that process, in nanoseconds.
    pub(crate) busy_ns: u64,
    /// The packed partial, or the error that replaces it.
    pub(crate) outcome: Result<&'a [u8]>,
    /// The bytes of the answer, with its frame.
    pub(crate) bytes: u64,
    /// The errors of the processes that died on this job before another one answered.
    pub(crate) deaths: Vec<Error>,
}

impl Reply<'_> {
    /// Makes the reply for an answer that did not come.
    pub fn failed(error: Error) -> Self {
        Reply { ticket: None, process: 0, busy_ns: 0, outcome: Err(error), bytes: 0, deaths: Vec::new() }
    }

    /// Adds the errors of the processes that died on this job before. The run then succeeds, but its time is that of a
    /// disturbed run.
    #[must_use]
    pub fn after(self, deaths: Vec<Error>) -> Self {
        Reply { deaths, ..self }
    }
}

/// Decodes a worker's answer.
///
/// # Errors
/// When the frame is not an answer of [`worker_loop::serve`](crate::worker_loop::serve).
pub fn reply(frame: &[u8]) -> Result<Reply<'_>> {
    let mut rest = frame;
    let (Some([status]), Some(run), Some(number), Some(process), Some(busy)) =
        (take(&mut rest), take(&mut rest), take(&mut rest), take(&mut rest), take(&mut rest))
    else {
        return Err(Error::Wire(format!("an answer of {} bytes is too short", frame.len())));
    };
    let outcome = match status {
        DONE => Ok(rest),
        FAILED => Err(Error::Task(String::from_utf8_lossy(rest).into_owned())),
        PANICKED => Err(Error::Panicked(String::from_utf8_lossy(rest).into_owned())),
        _ => return Err(Error::Wire(format!("an answer has the unknown status {status}"))),
    };
    Ok(Reply {
        ticket: Some(Ticket { run: u64::from_le_bytes(run), number: u64::from_le_bytes(number) }),
        process: u32::from_le_bytes(process),
        busy_ns: u64::from_le_bytes(busy),
        outcome,
        bytes: framed(frame),
        deaths: Vec::new(),
    })
}

/// Returns the number of bytes in the pipe for this content of a frame.
pub(crate) fn framed(content: &[u8]) -> u64 {
    LENGTH as u64 + content.len() as u64
}

/// Takes the next `N` bytes of a frame. `None` if the frame is too short.
fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, others) = rest.split_first_chunk()?;
    *rest = others;
    Some(*first)
}
