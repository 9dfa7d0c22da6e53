//! Where the time went while rows were read: the consumer, the client, the server, or round trips.
//!
//! How it works:
//! 1. A [`Meter`] reads the clock and the processor time of this thread and of the server process, before and after.
//! 2. A thread that waits for a core counts as busy, so that another program does not turn work into waiting.
//! 3. Client and server work at the same time. A side that is busy for most of the wall time is the cause. If no side is,
//!    they took turns, and the remaining time is spent on the way between them.

use super::rows::explained;
use anyhow::{Context, Result};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Instant;
use system::process::{self, Scheduled};
use system::usage::Usage;
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config};

/// A side that is busy for this share of the wall time is the cause.
const MOST: f64 = 0.75;

/// How long threads were busy, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Busy {
    /// On a core.
    pub running: f64,
    /// Ready to run, without a core to run on.
    pub ready: f64,
}

impl Busy {
    /// This thread, since it began.
    pub fn of_thread() -> Result<Self> {
        let now = clock_gettime(ClockId::ThreadCPUTime);
        let scheduled = Scheduled::this_thread().context("the kernel does not count this thread's time")?;
        // The scheduler's figure may be one clock tick old.
        Ok(Busy { running: now.tv_sec as f64 * 1e9 + now.tv_nsec as f64, ..Self::from(scheduled) })
    }

    /// All threads that this process has now, since each began.
    pub fn of_threads() -> Result<Self> {
        let own = std::process::id();
        // A thread may end while the others are read.
        let mut each = process::threads(own).filter_map(|thread| Scheduled::of_thread(own, thread)).map(Busy::from);
        let first = each.next().context("cannot list this process's threads")?;
        Ok(each.fold(first, Busy::and))
    }

    /// A process of one thread, since it began. The figure is exact while the process sleeps.
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

/// The server process behind a connection, if it is a visible process of this machine.
pub async fn backend(url: &str, client: &Client) -> Result<Option<u32>> {
    let config: Config = url.parse()?;
    let row = client.query_one("SELECT pg_backend_pid()", &[]).await.map_err(explained)?;
    let process: i32 = row.try_get(0).map_err(explained)?;
    let process = u32::try_from(process)?;
    // Behind a network socket the same number may belong to an unrelated process here.
    let near = matches!(config.get_hosts().first(), Some(Host::Unix(_)));
    let is_server = process::name(process).is_some_and(|name| name.starts_with("postgres"));
    Ok((near && is_server && Scheduled::of_first_thread(process).is_some()).then_some(process))
}

/// What reading cost, in nanoseconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Cost {
    /// From the query to the last row.
    pub wall: f64,
    /// All threads of the client, without the consumer.
    pub client: Busy,
    /// The server processes, where they are visible.
    pub server: Option<Busy>,
    /// The consumer's work on the rows, where it is metered.
    pub consumer: f64,
    /// Number of threads and connections of the client.
    pub connections: usize,
    /// How often the consumer waited for a row, where that is counted.
    pub waits: Option<u64>,
    /// How often a thread of this process went to sleep.
    pub sleeps: u64,
    /// How often the kernel reported that the socket is writable, where that is counted.
    pub write_events: Option<u64>,
    /// How often another thread took over, reading or moving the connection's bytes.
    pub hand_overs: u64,
}

impl Cost {
    /// A run observed from outside: its time, and the processor time of the whole process.
    pub(super) fn from_outside(wall: f64, cpu: f64, server: Option<Busy>) -> Self {
        let client = Busy { running: cpu, ready: 0.0 };
        let (waits, write_events, sleeps, hand_overs) = (None, None, 0, 0);
        Cost { wall, client, server, consumer: 0.0, connections: 1, waits, sleeps, write_events, hand_overs }
    }
}

/// How often a thread of this process has gone to sleep.
pub(super) fn sleeps() -> u64 {
    Usage::of_this_process().voluntary_switches
}

/// Meters the reader on this thread.
pub struct Meter {
    began: Instant,
    client: Busy,
    server: Option<(u32, Busy)>,
    consumer: f64,
    consumed: Busy,
    sleeps: u64,
}

impl Meter {
    /// Starts, with the server process behind the connection if it is visible.
    pub fn start(backend: Option<u32>) -> Result<Self> {
        let server = backend.map(|process| anyhow::Ok((process, Busy::of_process(process)?))).transpose()?;
        let client = Busy::of_thread()?;
        let (consumer, consumed, sleeps) = (0.0, Busy::default(), sleeps());
        Ok(Meter { began: Instant::now(), client, server, consumer, consumed, sleeps })
    }

    /// Does the consumer's work on rows and meters it.
    pub fn consume<T>(&mut self, work: impl FnOnce() -> T) -> Result<T> {
        let (began, before) = (Instant::now(), Busy::of_thread()?);
        let done = work();
        self.consumed = self.consumed.and(Busy::of_thread()?.since(before));
        self.consumer += began.elapsed().as_nanos() as f64;
        Ok(done)
    }

    /// Stops. The server must have sent its last message before, because later work is missed.
    pub fn stop(self) -> Result<Cost> {
        let wall = self.began.elapsed().as_nanos() as f64;
        let client = Busy::of_thread()?.since(self.client).since(self.consumed);
        let server = self.server.map(|(process, before)| anyhow::Ok(Busy::of_process(process)?.since(before)));
        let (consumer, sleeps) = (self.consumer, sleeps() - self.sleeps);
        Ok(Cost { client, consumer, sleeps, ..Cost::from_outside(wall, 0.0, server.transpose()?) })
    }
}

/// What took the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The code that uses the rows.
    Consumer,
    /// The client: moving bytes, decoding rows.
    Client,
    /// The server: finding and sending rows.
    Server,
    /// The way between them: they took turns.
    RoundTrips,
    /// Not the client, and the server is not visible.
    Unseen,
}

/// How much of the wall time a side was busy, from 0 to 1; the mean over several connections.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Share {
    /// Of the wall time.
    pub busy: f64,
    /// The share of `busy` without a core.
    pub ready: f64,
}

/// Shares of the wall time; they overlap.
#[derive(Clone, Copy, Debug)]
pub struct TimeBreakdown {
    /// The consumer's, where it is metered.
    pub consumer: f64,
    /// The client's.
    pub client: Share,
    /// The server's, where it is visible.
    pub server: Option<Share>,
    wall: f64,
    waits: Option<u64>,
}

impl TimeBreakdown {
    /// The shares of a measured cost.
    pub fn of(cost: &Cost) -> Self {
        let whole = cost.wall * cost.connections as f64;
        let share = |busy: Busy| Share { busy: busy.total() / whole, ready: busy.ready / busy.total().max(1.0) };
        let (client, server) = (share(cost.client), cost.server.map(share));
        TimeBreakdown { consumer: cost.consumer / cost.wall, client, server, wall: cost.wall, waits: cost.waits }
    }

    /// The side with the greatest share, if that is [`MOST`] of the time.
    pub fn cause(&self) -> Cause {
        let (client, server) = (self.client.busy, self.server.unwrap_or_default().busy);
        let greatest = self.consumer.max(client).max(server);
        match greatest {
            _ if greatest < MOST && self.server.is_none() => Cause::Unseen,
            _ if greatest < MOST => Cause::RoundTrips,
            _ if greatest == self.consumer => Cause::Consumer,
            _ if greatest == client => Cause::Client,
            _ => Cause::Server,
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:.0} % of the wall time", 100.0 * self.busy)?;
        // Every system shows less now and then.
        if self.ready < 0.1 { Ok(()) } else { write!(out, ", {:.0} % of that waiting for a core", 100.0 * self.ready) }
    }
}

impl fmt::Display for TimeBreakdown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (client, server) = (self.client, self.server.unwrap_or_default());
        match self.cause() {
            Cause::Consumer => write!(out, "the consumer: {:.0} % of the wall time", 100.0 * self.consumer),
            Cause::Client => write!(out, "the client's decoding: {client}"),
            Cause::Server => write!(out, "the server: {server}"),
            Cause::RoundTrips => {
                write!(out, "round trips: the client is busy for {client}, the server for {server}")?;
                match self.waits {
                    Some(waits) if waits > 0 => {
                        write!(out, "; {waits} waits, one in {:.0} µs", self.wall / waits as f64 / 1e3)
                    }
                    _ => Ok(()),
                }
            }
            Cause::Unseen => {
                write!(out, "not the client, which is busy for {client}; the server is not visible from here")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run of 100 ns, with so much time on a core for client and server, and for a consumer.
    fn cost(client: f64, server: Option<f64>, consumer: f64) -> Cost {
        let busy = |running| Busy { running, ready: 0.0 };
        Cost { consumer, waits: Some(4), ..Cost::from_outside(100.0, client, server.map(busy)) }
    }

    #[test]
    fn the_sentence_names_the_cause_and_its_share() {
        let ready = Some(Busy { running: 57.0, ready: 38.0 });
        for (cost, cause, sentence) in [
            (cost(98.0, Some(91.0), 0.0), Cause::Client, "the client's decoding: 98 % of the wall time"),
            (cost(77.0, Some(99.0), 0.0), Cause::Server, "the server: 99 % of the wall time"),
            (cost(10.0, Some(20.0), 85.0), Cause::Consumer, "the consumer: 85 % of the wall time"),
            (
                cost(46.0, Some(43.0), 0.0),
                Cause::RoundTrips,
                "round trips: the client is busy for 46 % of the wall time, the server for 43 % of the wall time; 4 waits",
            ),
            (
                Cost { server: ready, ..cost(20.0, None, 0.0) },
                Cause::Server,
                "the server: 95 % of the wall time, 40 % of that waiting for a core",
            ),
            // Nothing accuses a server that is not visible.
            (
                cost(46.0, None, 0.0),
                Cause::Unseen,
                "not the client, which is busy for 46 % of the wall time; the server",
            ),
            (cost(96.0, None, 0.0), Cause::Client, "the client's decoding"),
            // The mean over connections counts.
            (
                Cost { connections: 8, ..cost(80.0, Some(80.0), 0.0) },
                Cause::RoundTrips,
                "round trips: the client is busy for 10 % of the wall time",
            ),
        ] {
            let breakdown = TimeBreakdown::of(&cost);
            assert_eq!(breakdown.cause(), cause, "{sentence}");
            assert!(breakdown.to_string().starts_with(sentence), "{breakdown}");
        }
    }
}
