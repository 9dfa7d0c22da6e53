//! The same cursor on several runtimes. They differ only in the code and the threads that move the connection's bytes.
//!
//! How it works:
//! 1. `connect_raw` takes any stream of bytes. Each runtime opens its own Unix socket and runs two tasks, as its users
//!    would write them: one drives the connection, the other reads the cursor.
//! 2. If the server process is visible, it gets its own core, and the runtimes get the others. Otherwise, the kernel would
//!    place only some runtimes on the server's core.
//! 3. Both tasks record the thread that polls them. A change of thread is a hand-over: one thread has woken another, and
//!    data moves from one core's cache to another's.
//! 4. tokio registers once for all events of a socket. The kernel therefore also wakes it when the socket becomes writable,
//!    that is, when the server takes a request. A sleeping core wakes at that moment, while the server works, instead of
//!    when the answer arrives.
//! 5. Our driver, async-std and smol register only for the events that they need. [`Runtime::ThreadAllEvents`] is our
//!    driver with tokio's registration. If tokio is faster than the plain thread but not than this variant, the
//!    registration is the cause.

use super::pinning::Pinning;
use super::reader::Reader;
use super::rows::{RowSink, explained, paged, socket};
use super::time_breakdown::{Busy, Cost, backend, sleeps};
use anyhow::{Context, Result};
use cursor::PageSize;
use futures_util::FutureExt;
use postgres::Driver;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use std::cell::Cell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::os::fd::OwnedFd;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Instant;
use system::usage::Usage;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Builder;
use tokio_postgres::{Client, Config, NoTls};
use tokio_util::compat::FuturesAsyncReadCompatExt;

/// The runtime of a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// Our own driver, on the reading thread.
    Thread,
    /// The same driver, registered for all events of the socket, as in tokio.
    ThreadAllEvents,
    /// tokio with one worker per core.
    TokioMulti,
    /// tokio on the reading thread.
    TokioCurrent,
    /// async-std, on its own pool.
    AsyncStd,
    /// smol, on its own pool.
    Smol,
}

/// All runtimes.
pub const ALL: [Runtime; 6] = [
    Runtime::Thread,
    Runtime::ThreadAllEvents,
    Runtime::TokioMulti,
    Runtime::TokioCurrent,
    Runtime::AsyncStd,
    Runtime::Smol,
];

impl fmt::Display for Runtime {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Runtime::Thread => "a plain thread",
            Runtime::ThreadAllEvents => "a plain thread, all events",
            Runtime::TokioMulti => "tokio, multi-thread",
            Runtime::TokioCurrent => "tokio, current-thread",
            Runtime::AsyncStd => "async-std",
            Runtime::Smol => "smol",
        })
    }
}

/// A started runtime with a connection.
pub struct Running {
    connected: Connected,
    hand_overs: Arc<HandOvers>,
    /// The server process. `pinning` holds the cores of client and server.
    backend: Option<u32>,
    pinning: Option<Pinning>,
}

enum Connected {
    /// Our driver, with the registration for all events if there is one.
    Thread(Box<Reader>, Option<AllEvents>),
    /// The executor comes first, because its drop must drop the connection before the client.
    Tasks(Executor, Option<Client>),
}

enum Executor {
    Tokio(tokio::runtime::Runtime),
    AsyncStd,
    Smol,
}

type Connection = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Executor {
    /// Runs a future to completion as a task of the runtime.
    fn run<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> Result<T> {
        Ok(match self {
            Executor::Tokio(tokio) => tokio.block_on(tokio.spawn(task))?,
            Executor::AsyncStd => async_std::task::block_on(async_std::task::spawn(task)),
            Executor::Smol => smol::block_on(smol::spawn(task)),
        })
    }

    /// Connects with the runtime's own socket and starts the connection's task.
    fn connect(&self, config: Config, hand_overs: Arc<HandOvers>) -> Result<Client> {
        let path = socket(&config)?;
        let (client, connection) = match self {
            Executor::Tokio(_) => self.run(async move {
                let stream = tokio::net::UnixStream::connect(path).await?;
                handshake(&config, stream, hand_overs).await
            })?,
            Executor::AsyncStd => self.run(async move {
                let stream = async_std::os::unix::net::UnixStream::connect(path).await?;
                handshake(&config, stream.compat(), hand_overs).await
            })?,
            Executor::Smol => self.run(async move {
                let stream = smol::net::unix::UnixStream::connect(path).await?;
                handshake(&config, stream.compat(), hand_overs).await
            })?,
        }?;
        match self {
            Executor::Tokio(tokio) => drop(tokio.spawn(connection)),
            Executor::AsyncStd => drop(async_std::task::spawn(connection)),
            Executor::Smol => smol::spawn(connection).detach(),
        }
        Ok(client)
    }
}

/// Connects over `stream`. Returns the client, and the connection as a future for the stream's runtime.
async fn handshake<S>(config: &Config, stream: S, hand_overs: Arc<HandOvers>) -> Result<(Client, Connection)>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (client, connection) = config.connect_raw(stream, NoTls).await.map_err(explained)?;
    // The connection's result is dropped, because its requests report any error.
    Ok((client, Box::pin(watched(hand_overs, connection.map(drop)))))
}

impl Running {
    /// Starts a runtime and connects to the server at `url`, a Unix socket.
    pub fn start(runtime: Runtime, url: &str) -> Result<Self> {
        let start = || Self::start_here(runtime, url);
        let pinning = Pinning::new();
        let running = pinning.map_or_else(|| Ok(start()), |pinning| pinning.beside_server(start))??;
        let pinned = running.backend.zip(pinning).filter(|(backend, pinning)| pinning.server(*backend).is_ok());
        Ok(Running { pinning: pinned.map(|(_, pinning)| pinning), ..running })
    }

    fn start_here(runtime: Runtime, url: &str) -> Result<Self> {
        let hand_overs = Arc::new(HandOvers::default());
        let executor = match runtime {
            Runtime::Thread | Runtime::ThreadAllEvents => {
                let reader = Reader::open(url)?;
                let all = runtime == Runtime::ThreadAllEvents;
                let events = all.then(|| AllEvents::of(&reader.driver)).transpose()?;
                let (backend, connected) = (reader.backend, Connected::Thread(Box::new(reader), events));
                return Ok(Running { connected, hand_overs, backend, pinning: None });
            }
            Runtime::TokioMulti => Executor::Tokio(Builder::new_multi_thread().enable_io().build()?),
            Runtime::TokioCurrent => Executor::Tokio(Builder::new_current_thread().enable_io().build()?),
            Runtime::AsyncStd => Executor::AsyncStd,
            Runtime::Smol => Executor::Smol,
        };
        let client = executor.connect(url.parse()?, Arc::clone(&hand_overs))?;
        let url = url.to_owned();
        let (client, backend) = executor.run(async move {
            let backend = backend(&url, &client).await;
            (client, backend)
        })?;
        let (backend, connected) = (backend?, Connected::Tasks(executor, Some(client)));
        Ok(Running { connected, hand_overs, backend, pinning: None })
    }

    /// Whether the server has its own core.
    pub fn is_pinned(&self) -> bool {
        self.pinning.is_some()
    }

    /// Reads the rows of a query through the cursor, in a task of the runtime.
    pub fn read<S: RowSink + 'static>(&mut self, query: &str, depth: usize, size: PageSize) -> Result<(S, Cost)> {
        match self.pinning {
            Some(pinning) => pinning.beside_server(|| self.read_here(query, depth, size))?,
            None => self.read_here(query, depth, size),
        }
    }

    fn read_here<S: RowSink + 'static>(&mut self, query: &str, depth: usize, size: PageSize) -> Result<(S, Cost)> {
        let (hand_overs, slept, cpu) = (self.hand_overs.count(), sleeps(), Usage::of_this_process());
        let served = self.backend.map(Busy::of_process).transpose()?;
        let before = Busy::of_threads()?;
        let mut write_events = None;
        let began = Instant::now();
        let (sum, metrics) = match &mut self.connected {
            Connected::Thread(reader, None) => reader.driver.block_on(paged(&mut reader.client, query, depth, size))?,
            Connected::Thread(reader, Some(events)) => {
                let before = events.writable;
                let read = events.block_on(&mut reader.driver, paged(&mut reader.client, query, depth, size))??;
                write_events = Some(events.writable - before);
                read
            }
            Connected::Tasks(executor, client) => {
                let mut taken = client.take().context("every read returns the client")?;
                let query = query.to_owned();
                let (back, read) = executor.run(watched(Arc::clone(&self.hand_overs), async move {
                    let read = paged::<S>(&mut taken, &query, depth, size).await;
                    (taken, read)
                }))?;
                *client = Some(back);
                read?
            }
        };
        let wall = began.elapsed().as_nanos() as f64;
        // The processor time includes all threads of the process, such as the runtime's own.
        let cpu = Usage::of_this_process().since(cpu).processor_time();
        let client = Busy { running: cpu.as_nanos() as f64, ..Busy::of_threads()?.since(before) };
        let (sleeps, hand_overs) = (sleeps() - slept, self.hand_overs.count() - hand_overs);
        let server =
            self.backend.zip(served).map(|(backend, before)| anyhow::Ok(Busy::of_process(backend)?.since(before)));
        let cost = Cost::from_outside(wall, 0.0, server.transpose()?);
        Ok((sum, Cost { client, waits: Some(metrics.waits), sleeps, write_events, hand_overs, ..cost }))
    }
}

/// An edge-triggered registration for all events of a driver's socket.
struct AllEvents {
    epoll: OwnedFd,
    writable: u64,
}

impl AllEvents {
    fn of(driver: &Driver) -> Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let (socket, ..) = driver.waits_for();
        let all = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        epoll::add(&epoll, socket, EventData::new_u64(0), all)?;
        Ok(AllEvents { epoll, writable: 0 })
    }

    /// Runs `future` to completion on this thread.
    fn block_on<F: Future>(&mut self, driver: &mut Driver, future: F) -> Result<F::Output> {
        let mut future = pin!(future);
        let mut events: Vec<Event> = Vec::with_capacity(1);
        loop {
            if let Poll::Ready(output) = driver.attempt(future.as_mut()) {
                return Ok(output);
            }
            // The driver polls the socket again from here on. An event since its last poll is reported at once.
            driver.waits_for();
            events.clear();
            match epoll::wait(&self.epoll, spare_capacity(&mut events), None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            self.writable += events.iter().filter(|event| { event.flags }.contains(EventFlags::OUT)).count() as u64;
        }
    }
}

/// The thread that polled last, and the number of changes.
#[derive(Default)]
struct HandOvers {
    thread: AtomicU64,
    count: AtomicU64,
}

impl HandOvers {
    fn note_thread(&self) {
        let this = thread_number();
        // Relaxed is enough: simultaneous polls may count as one or two, and nothing else depends on the order.
        if self.thread.swap(this, Ordering::Relaxed) != this {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}

/// A unique number for this thread.
fn thread_number() -> u64 {
    static GIVEN: AtomicU64 = AtomicU64::new(0);
    thread_local!(static NUMBER: Cell<u64> = Cell::new(GIVEN.fetch_add(1, Ordering::Relaxed) + 1));
    NUMBER.get()
}

/// Wraps a future and records each thread that polls it.
async fn watched<F: Future>(hand_overs: Arc<HandOvers>, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| {
        hand_overs.note_thread();
        future.as_mut().poll(context)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hand_over_is_counted_when_another_thread_polls() {
        let hand_overs = Arc::new(HandOvers::default());
        let poll = || smol::block_on(watched(Arc::clone(&hand_overs), async {}));
        poll();
        poll();
        let first = hand_overs.count();
        std::thread::scope(|scope| scope.spawn(poll).join().expect("it polls"));
        poll();
        assert_eq!((first, hand_overs.count()), (1, 3));
    }
}
