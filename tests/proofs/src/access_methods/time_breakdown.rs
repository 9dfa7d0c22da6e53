//! Where the time went while rows were read: the consumer, the client, the server, or round trips.
//!
//! How it works:
//! 1. A [`Watch`] looks at the clock, at this thread and at the server's process before and after.
//! 2. A thread that waits for a processor is as busy as one that has it, so that a strange program beside this one does
//!    not turn work into waiting.
//! 3. Client and server work at the same time. So the time is theirs whose part of the wall is nearly all of it; and if
//!    nobody's is, each was waiting for the other: they took turns, and what is left is on the way between them.

use super::explained;
use anyhow::{Context, Result};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Instant;
use system::process::{self, Scheduled};
use system::usage::Usage;
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config};

/// Who is busy for so much of the wall is what it waits for.
const NEARLY_ALL: f64 = 0.75;

/// How busy a thread was, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Busy {
    /// On a processor.
    pub running: f64,
    /// Ready to run, with no processor to run on.
    pub ready: f64,
}

impl Busy {
    /// This thread, since it began.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn of_thread() -> Result<Self> {
        let now = clock_gettime(ClockId::ThreadCPUTime);
        let scheduled = Scheduled::this_thread().context("the kernel does not count this thread's time")?;
        // The scheduler's figure of the time on a processor may be one clock tick old.
        Ok(Busy { running: now.tv_sec as f64 * 1e9 + now.tv_nsec as f64, ..Self::from(scheduled) })
    }

    /// All threads that this process has now, since each began.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn of_threads() -> Result<Self> {
        let own = std::process::id();
        // A thread may end while the others are read.
        let mut each = process::threads(own).filter_map(|thread| Scheduled::of_thread(own, thread)).map(Busy::from);
        let first = each.next().context("cannot see this process's threads")?;
        Ok(each.fold(first, Busy::and))
    }

    /// A process of one thread, since it began. It is exact while the process sleeps.
    ///
    /// # Errors
    /// When it has ended.
    pub fn of_process(process: u32) -> Result<Self> {
        let scheduled = Scheduled::of_first_thread(process);
        Ok(scheduled.with_context(|| format!("process {process} has ended"))?.into())
    }

    /// What came after `before`.
    #[must_use]
    pub fn since(self, before: Busy) -> Busy {
        Busy { running: self.running - before.running, ready: self.ready - before.ready }
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Busy) -> Busy {
        Busy { running: self.running + other.running, ready: self.ready + other.ready }
    }

    fn total(self) -> f64 {
        self.running + self.ready
    }
}

impl From<Scheduled> for Busy {
    fn from(scheduled: Scheduled) -> Self {
        Busy { running: scheduled.running_ns as f64, ready: scheduled.ready_ns as f64 }
    }
}

/// The server's process behind a connection, if it is a process of this machine that can be looked at.
///
/// # Errors
/// What the server says.
pub async fn backend(url: &str, client: &Client) -> Result<Option<u32>> {
    let config: Config = url.parse()?;
    let row = client.query_one("SELECT pg_backend_pid()", &[]).await.map_err(explained)?;
    let process: i32 = row.try_get(0).map_err(explained)?;
    let process = u32::try_from(process)?;
    // Behind a socket of the network the number may be a stranger's here.
    let near = matches!(config.get_hosts().first(), Some(Host::Unix(_)));
    let is_server = process::name(process).is_some_and(|name| name.starts_with("postgres"));
    Ok((near && is_server && Scheduled::of_first_thread(process).is_some()).then_some(process))
}

/// What reading took, in nanoseconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Took {
    /// From the query to the last row.
    pub wall: f64,
    /// The client, the consumer not among it: all of its threads.
    pub client: Busy,
    /// The server's processes, where they can be seen.
    pub server: Option<Busy>,
    /// What the consumer did with the rows, as far as it was watched.
    pub consumer: f64,
    /// How many threads and connections the client had.
    pub connections: usize,
    /// How often the consumer came to a row that was not there yet, where that is counted.
    pub waits: Option<u64>,
    /// How often a thread of this process went to sleep.
    pub sleeps: u64,
    /// How often the client was told that there is room to write again, where that is counted.
    pub told_of_room: Option<u64>,
    /// How often one thread went on where another had been, reading or moving the connection's bytes.
    pub hand_overs: u64,
}

impl Took {
    /// What nobody watched from within: time, and the processor time of a process as a whole.
    pub(super) fn from_outside(wall: f64, cpu: f64, server: Option<Busy>) -> Self {
        let client = Busy { running: cpu, ready: 0.0 };
        Took {
            wall,
            client,
            server,
            consumer: 0.0,
            connections: 1,
            waits: None,
            sleeps: 0,
            told_of_room: None,
            hand_overs: 0,
        }
    }
}

/// How often a thread of this process has gone to sleep.
pub(super) fn sleeps() -> u64 {
    Usage::of_this_process().voluntary_switches
}

/// Looks at whoever reads on this thread.
pub struct Watch {
    began: Instant,
    client: Busy,
    server: Option<(u32, Busy)>,
    consumer: f64,
    consumed: Busy,
    sleeps: u64,
}

impl Watch {
    /// Begins, with the server's process behind the connection if it can be seen.
    ///
    /// # Errors
    /// When the system does not tell how busy it is.
    pub fn begin(backend: Option<u32>) -> Result<Self> {
        let server = backend.map(|process| anyhow::Ok((process, Busy::of_process(process)?))).transpose()?;
        let client = Busy::of_thread()?;
        let (consumer, consumed, sleeps) = (0.0, Busy::default(), sleeps());
        Ok(Watch { began: Instant::now(), client, server, consumer, consumed, sleeps })
    }

    /// Does what the consumer does with rows.
    ///
    /// # Errors
    /// As [`begin`](Watch::begin).
    pub fn consume<T>(&mut self, work: impl FnOnce() -> T) -> Result<T> {
        let (began, before) = (Instant::now(), Busy::of_thread()?);
        let done = work();
        self.consumed = self.consumed.and(Busy::of_thread()?.since(before));
        self.consumer += began.elapsed().as_nanos() as f64;
        Ok(done)
    }

    /// Ends. The server must have said its last word, or what it did last is missed.
    ///
    /// # Errors
    /// As [`begin`](Watch::begin).
    pub fn end(self) -> Result<Took> {
        let wall = self.began.elapsed().as_nanos() as f64;
        let client = Busy::of_thread()?.since(self.client).since(self.consumed);
        let server =
            self.server.map(|(process, before)| anyhow::Ok(Busy::of_process(process)?.since(before))).transpose()?;
        let (consumer, sleeps) = (self.consumer, sleeps() - self.sleeps);
        Ok(Took { client, consumer, sleeps, ..Took::from_outside(wall, 0.0, server) })
    }
}

/// What it was that the time went into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Whoever uses the rows.
    Consumer,
    /// The client: moving bytes, taking rows apart.
    Client,
    /// The server: finding rows, sending them.
    Server,
    /// Nobody: they took turns.
    RoundTrips,
    /// Not the client, and the server cannot be seen.
    Unseen,
}

/// How much of the wall a side was busy, from 0 to 1; with several connections, the mean of them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Part {
    /// Of the wall.
    pub busy: f64,
    /// How much of `busy` it had no processor to run on.
    pub ready: f64,
}

/// Parts of the wall; they overlap.
#[derive(Clone, Copy, Debug)]
pub struct Account {
    /// The consumer's, as far as it was watched.
    pub consumer: f64,
    /// The client's.
    pub client: Part,
    /// The server's, where it can be seen.
    pub server: Option<Part>,
    wall: f64,
    waits: Option<u64>,
}

impl Account {
    /// The account of what was measured.
    pub fn of(took: &Took) -> Self {
        let whole = took.wall * took.connections as f64;
        let part = |busy: Busy| Part { busy: busy.total() / whole, ready: busy.ready / busy.total().max(1.0) };
        let (client, server) = (part(took.client), took.server.map(part));
        Account { consumer: took.consumer / took.wall, client, server, wall: took.wall, waits: took.waits }
    }

    /// The greatest part, if it is nearly all.
    pub fn cause(&self) -> Cause {
        let (client, server) = (self.client.busy, self.server.unwrap_or_default().busy);
        let most = self.consumer.max(client).max(server);
        match most {
            _ if most < NEARLY_ALL && self.server.is_none() => Cause::Unseen,
            _ if most < NEARLY_ALL => Cause::RoundTrips,
            _ if most == self.consumer => Cause::Consumer,
            _ if most == client => Cause::Client,
            _ => Cause::Server,
        }
    }
}

fn percent(part: f64) -> String {
    format!("{:.0} %", 100.0 * part)
}

impl fmt::Display for Part {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} of the wall", percent(self.busy))?;
        // Less is what every system has now and then.
        if self.ready < 0.1 { Ok(()) } else { write!(out, ", {} of that waiting for a processor", percent(self.ready)) }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (client, server) = (self.client, self.server.unwrap_or_default());
        match self.cause() {
            Cause::Consumer => write!(out, "the consumer: {} of the wall", percent(self.consumer)),
            Cause::Client => write!(out, "the client's decoding: {client}"),
            Cause::Server => write!(out, "the server: {server}"),
            Cause::RoundTrips => {
                write!(out, "waiting for round trips: the client is busy for {client}, the server for {server}")?;
                match self.waits {
                    Some(waits) if waits > 0 => {
                        write!(out, "; {waits} waits, one in {:.0} µs", self.wall / waits as f64 / 1e3)
                    }
                    _ => Ok(()),
                }
            }
            Cause::Unseen => {
                write!(out, "not the client, which is busy for {client}; the server cannot be seen from here")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What took 100 ns, with so many on a processor for client and server, and for a consumer.
    fn took(client: f64, server: Option<f64>, consumer: f64) -> Took {
        let busy = |running| Busy { running, ready: 0.0 };
        Took { consumer, waits: Some(4), ..Took::from_outside(100.0, client, server.map(busy)) }
    }

    fn sentence(took: &Took) -> String {
        Account::of(took).to_string()
    }

    #[test]
    fn whoever_is_busy_nearly_all_the_time_is_named_with_its_part() {
        assert_eq!(sentence(&took(98.0, Some(91.0), 0.0)), "the client's decoding: 98 % of the wall");
        assert_eq!(sentence(&took(77.0, Some(99.0), 0.0)), "the server: 99 % of the wall");
        assert_eq!(sentence(&took(10.0, Some(20.0), 85.0)), "the consumer: 85 % of the wall");
    }

    #[test]
    fn two_who_are_busy_by_turns_wait_for_round_trips() {
        let said = sentence(&took(46.0, Some(43.0), 0.0));
        assert!(
            said.starts_with("waiting for round trips: the client is busy for 46 % of the wall, the server for 43 %")
        );
    }

    #[test]
    fn a_server_that_cannot_be_seen_is_not_accused() {
        assert_eq!(Account::of(&took(46.0, None, 0.0)).cause(), Cause::Unseen);
        assert_eq!(Account::of(&took(96.0, None, 0.0)).cause(), Cause::Client);
    }

    #[test]
    fn who_had_to_wait_for_a_processor_was_busy_and_that_is_said() {
        let pushed_aside = Busy { running: 57.0, ready: 38.0 };
        let took = Took { server: Some(pushed_aside), ..took(20.0, None, 0.0) };
        assert_eq!(sentence(&took), "the server: 95 % of the wall, 40 % of that waiting for a processor");
    }

    #[test]
    fn of_several_connections_the_mean_counts() {
        let eight = Busy { running: 80.0, ready: 0.0 };
        let took = Took { client: eight, server: Some(eight), connections: 8, ..took(0.0, None, 0.0) };
        assert_eq!(Account::of(&took).client, Part { busy: 0.1, ready: 0.0 });
        assert_eq!(Account::of(&took).cause(), Cause::RoundTrips);
    }
}
