//! Attributes the time of reading rows to the consumer, the client, the server or round trips.
//!
//! How it works:
//! 1. A [`Meter`] reads the clock and the processor time of this thread and of the server process, before and after.
//! 2. A thread that waits for a core counts as busy. Otherwise, another program's load would make work look like waiting.
//! 3. Client and server can work at the same time. A side that is busy for most of the wall time is the cause. If neither
//!    is, client and server took turns, and the rest of the time is round trips.

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

/// The share of the wall time from which a busy side is the cause.
const MOST: f64 = 0.75;

/// The time for which threads were busy, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Busy {
    /// The time on a core.
    pub running: f64,
    /// The time spent waiting for a core.
    pub ready: f64,
}

impl Busy {
    /// The times of this thread since its start.
    pub fn of_thread() -> Result<Self> {
        let now = clock_gettime(ClockId::ThreadCPUTime);
        let scheduled = Scheduled::this_thread().context("the kernel does not count this thread's time")?;
        // The scheduler's value of the running time may be one clock tick old.
        Ok(Busy { running: now.tv_sec as f64 * 1e9 + now.tv_nsec as f64, ..Self::from(scheduled) })
    }

    /// The sum over all current threads of this process, each since its start.
    pub fn of_threads() -> Result<Self> {
        let own = std::process::id();
        // A thread may end while this loop reads the others.
        let mut each = process::threads(own).filter_map(|thread| Scheduled::of_thread(own, thread)).map(Busy::from);
        let first = each.next().context("cannot list this process's threads")?;
        Ok(each.fold(first, Busy::and))
    }

    /// The times of a single-threaded process since its start. They are exact while the process sleeps.
    pub fn of_process(process: u32) -> Result<Self> {
        let scheduled = Scheduled::of_first_thread(process);
        Ok(scheduled.with_context(|| format!("process {process} has ended"))?.into())
    }

    /// The difference to an earlier reading.
    #[must_use]
    pub fn since(self, before: Busy) -> Busy {
        Busy { running: self.running - before.running, ready: self.ready - before.ready }
    }

    /// The sum of both.
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

/// The server process of a connection, if it is visible on this machine.
pub async fn backend(url: &str, client: &Client) -> Result<Option<u32>> {
    let config: Config = url.parse()?;
    let row = client.query_one("SELECT pg_backend_pid()", &[]).await.map_err(explained)?;
    let process: i32 = row.try_get(0).map_err(explained)?;
    let process = u32::try_from(process)?;
    // For a server on another machine, the same process number may belong to an unrelated process here.
    let near = matches!(config.get_hosts().first(), Some(Host::Unix(_)));
    let is_server = process::name(process).is_some_and(|name| name.starts_with("postgres"));
    Ok((near && is_server && Scheduled::of_first_thread(process).is_some()).then_some(process))
}

/// The cost of reading, in nanoseconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Cost {
    /// The wall time from the query to the last row.
    pub wall: f64,
    /// The client's threads, without the consumer's work.
    pub client: Busy,
    /// The server processes, if they are visible.
    pub server: Option<Busy>,
    /// The consumer's work on the rows, if it is metered.
    pub consumer: f64,
    /// Number of threads and connections of the client.
    pub connections: usize,
    /// Number of times that the consumer waited for a row, if counted.
    pub waits: Option<u64>,
    /// Number of times that a thread of this process went to sleep.
    pub sleeps: u64,
    /// Number of times that the kernel reported the socket as writable, if counted.
    pub write_events: Option<u64>,
    /// Number of times that a different thread polled the reader's or the connection's task.
    pub hand_overs: u64,
}

impl Cost {
    /// The cost of a run that was measured from outside: its wall time, and the processor time of the whole process.
    pub(super) fn from_outside(wall: f64, cpu: f64, server: Option<Busy>) -> Self {
        let client = Busy { running: cpu, ready: 0.0 };
        let (waits, write_events, sleeps, hand_overs) = (None, None, 0, 0);
        Cost { wall, client, server, consumer: 0.0, connections: 1, waits, sleeps, write_events, hand_overs }
    }
}

/// Number of times that a thread of this process has gone to sleep.
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
    /// Starts the meter. `backend` is the connection's server process, if it is visible.
    pub fn start(backend: Option<u32>) -> Result<Self> {
        let server = backend.map(|process| anyhow::Ok((process, Busy::of_process(process)?))).transpose()?;
        let client = Busy::of_thread()?;
        let (consumer, consumed, sleeps) = (0.0, Busy::default(), sleeps());
        Ok(Meter { began: Instant::now(), client, server, consumer, consumed, sleeps })
    }

    /// Runs the consumer's work on rows and meters it.
    pub fn consume<T>(&mut self, work: impl FnOnce() -> T) -> Result<T> {
        let (began, before) = (Instant::now(), Busy::of_thread()?);
        let done = work();
        self.consumed = self.consumed.and(Busy::of_thread()?.since(before));
        self.consumer += began.elapsed().as_nanos() as f64;
        Ok(done)
    }

    /// Stops the meter. The server must already have sent its last message, because the meter misses later work.
    pub fn stop(self) -> Result<Cost> {
        let wall = self.began.elapsed().as_nanos() as f64;
        let client = Busy::of_thread()?.since(self.client).since(self.consumed);
        let server = self.server.map(|(process, before)| anyhow::Ok(Busy::of_process(process)?.since(before)));
        let (consumer, sleeps) = (self.consumer, sleeps() - self.sleeps);
        Ok(Cost { client, consumer, sleeps, ..Cost::from_outside(wall, 0.0, server.transpose()?) })
    }
}

/// The part that took most of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The code that uses the rows.
    Consumer,
    /// The client: moving bytes, decoding rows.
    Client,
    /// The server: finding and sending rows.
    Server,
    /// Round trips: client and server took turns.
    RoundTrips,
    /// Unknown: it is not the client, and the server is not visible.
    Unseen,
}

/// The share of the wall time for which a side was busy, from 0 to 1. With several connections it is their mean.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Share {
    /// The busy share of the wall time.
    pub busy: f64,
    /// The share of `busy` spent waiting for a core.
    pub ready: f64,
}

/// Shares of the wall time. They overlap.
#[derive(Clone, Copy, Debug)]
pub struct TimeBreakdown {
    /// The consumer's share, if it is metered.
    pub consumer: f64,
    /// The client's share.
    pub client: Share,
    /// The server's share, if it is visible.
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

    /// The side with the greatest share, if that share is at least 75 %.
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
        // Smaller shares occur on every system.
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

    /// A run of 100 ns with the given busy times of client, server and consumer.
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
            // A server that is not visible is never named as the cause.
            (
                cost(46.0, None, 0.0),
                Cause::Unseen,
                "not the client, which is busy for 46 % of the wall time; the server",
            ),
            (cost(96.0, None, 0.0), Cause::Client, "the client's decoding"),
            // With several connections the mean decides.
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
