//! The same cursor on several runtimes: what moves the connection, and on which threads, is all that differs.
//!
//! How it works:
//! 1. `connect_raw` takes any stream of bytes. Each runtime brings its own Unix socket and is given two tasks, as its
//!    users would write them: one is the connection, the other reads the cursor.
//! 2. The server has a processor of its own where it can be seen, and the runtimes have the others: left to itself the
//!    system brings some runtimes to the server's processor, and others not.
//! 3. Both tasks note on which thread they are polled. When another thread goes on, something was handed over: a thread has
//!    woken another, and what was in the cache of one processor is wanted in that of another.
//! 4. tokio asks the system once for all that may happen to a socket, and is told when it happens: also that there is room
//!    to write again, which is when the server takes a request. A processor that sleeps begins to wake up then, and no
//!    longer when the answer comes: it does so while the server works. Our driver, async-std and smol ask only for what
//!    they need. [`Runtime::Roomy`] is our driver asking as tokio does: where tokio is faster than a plain thread and as
//!    fast as this one, that is why.

use super::pinning::Apart;
use super::time_breakdown::{Busy, Took, backend, sleeps};
use super::{Reader, Take, paged};
use anyhow::{Context, Result, bail};
use cursor::PageSize;
use futures_util::FutureExt;
use postgres::{Driver, explain};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use std::cell::Cell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Instant;
use system::usage::Usage;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Builder;
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config, NoTls};
use tokio_util::compat::FuturesAsyncReadCompatExt;

/// Where a cursor may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// None: our own driver, on the thread that reads.
    Thread,
    /// The same, and told of room as tokio is.
    Roomy,
    /// tokio with as many workers as it has processors.
    TokioMulti,
    /// tokio on the thread that reads.
    TokioCurrent,
    /// async-std, on its own pool.
    AsyncStd,
    /// smol, on its own pool.
    Smol,
}

/// All of them.
pub const ALL: [Runtime; 6] =
    [Runtime::Thread, Runtime::Roomy, Runtime::TokioMulti, Runtime::TokioCurrent, Runtime::AsyncStd, Runtime::Smol];

impl fmt::Display for Runtime {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Runtime::Thread => "a plain thread",
            Runtime::Roomy => "a plain thread, told of room",
            Runtime::TokioMulti => "tokio, multi-thread",
            Runtime::TokioCurrent => "tokio, current-thread",
            Runtime::AsyncStd => "async-std",
            Runtime::Smol => "smol",
        })
    }
}

/// A runtime that is up, with a connection on it.
pub struct Running {
    means: Means,
    tally: Arc<Tally>,
    /// The server's process, and where client and server run.
    backend: Option<u32>,
    apart: Option<Apart>,
}

enum Means {
    Thread(Box<Reader>),
    Roomy(Box<Reader>, Edges),
    // The runtime first: dropped, it drops the connection, while its client is still there.
    Tokio(tokio::runtime::Runtime, Option<Client>),
    AsyncStd(Option<Client>),
    Smol(Option<Client>),
}

impl Running {
    /// Brings it up and connects to the server at `url`, a Unix socket.
    ///
    /// # Errors
    /// When there is no connection.
    pub fn start(runtime: Runtime, url: &str) -> Result<Self> {
        let up = || Self::bring_up(runtime, url);
        let apart = Apart::new();
        let running = apart.map_or_else(|| Ok(up()), |apart| apart.beside(up))??;
        let placed = running.backend.zip(apart).filter(|(backend, apart)| apart.server(*backend).is_ok());
        Ok(Running { apart: placed.map(|(_, apart)| apart), ..running })
    }

    fn bring_up(runtime: Runtime, url: &str) -> Result<Self> {
        let config: Config = url.parse()?;
        let path = socket(&config)?;
        let tally = Arc::new(Tally::default());
        let (means, backend) = match runtime {
            Runtime::Thread => {
                let reader = Reader::open(url)?;
                let backend = reader.backend;
                (Means::Thread(Box::new(reader)), backend)
            }
            Runtime::Roomy => {
                let reader = Reader::open(url)?;
                let (edges, backend) = (Edges::of(&reader.driver)?, reader.backend);
                (Means::Roomy(Box::new(reader), edges), backend)
            }
            Runtime::TokioMulti | Runtime::TokioCurrent => {
                let mut builder = if runtime == Runtime::TokioMulti {
                    Builder::new_multi_thread()
                } else {
                    Builder::new_current_thread()
                };
                let tokio = builder.enable_io().build()?;
                let (client, backend) = tokio.block_on(async {
                    let stream = tokio::net::UnixStream::connect(path).await?;
                    let (client, connection) = over(&config, stream, &tally).await?;
                    drop(tokio::spawn(connection));
                    let backend = backend(url, &client).await?;
                    anyhow::Ok((client, backend))
                })?;
                (Means::Tokio(tokio, Some(client)), backend)
            }
            Runtime::AsyncStd => async_std::task::block_on(async {
                let stream = async_std::os::unix::net::UnixStream::connect(path).await?;
                let (client, connection) = over(&config, stream.compat(), &tally).await?;
                drop(async_std::task::spawn(connection));
                let backend = backend(url, &client).await?;
                anyhow::Ok((Means::AsyncStd(Some(client)), backend))
            })?,
            Runtime::Smol => smol::block_on(async {
                let stream = smol::net::unix::UnixStream::connect(path).await?;
                let (client, connection) = over(&config, stream.compat(), &tally).await?;
                smol::spawn(connection).detach();
                let backend = backend(url, &client).await?;
                anyhow::Ok((Means::Smol(Some(client)), backend))
            })?,
        };
        Ok(Running { means, tally, backend, apart: None })
    }

    /// Whether the server has a processor of its own.
    pub fn apart(&self) -> bool {
        self.apart.is_some()
    }

    /// Reads a query's rows through the cursor, in a task of the runtime's.
    ///
    /// # Errors
    /// What the server says.
    pub fn read<T: Take + 'static>(&mut self, query: &str, depth: usize, size: PageSize) -> Result<(T, Took)> {
        match self.apart {
            Some(apart) => apart.beside(|| self.read_here(query, depth, size))?,
            None => self.read_here(query, depth, size),
        }
    }

    fn read_here<T: Take + 'static>(&mut self, query: &str, depth: usize, size: PageSize) -> Result<(T, Took)> {
        let (tally, owned) = (Arc::clone(&self.tally), query.to_owned());
        let reading = move |mut client: Client| {
            watched(tally, async move {
                let read = paged::<T>(&mut client, &owned, depth, size).await;
                (client, read)
            })
        };
        const THERE: &str = "every reading gives the client back";
        let (hand_overs, slept, cpu) = (self.tally.hand_overs(), sleeps(), Usage::of_this_process());
        let served = self.backend.map(Busy::of_process).transpose()?;
        let before = Busy::of_threads()?;
        let mut told_of_room = None;
        let began = Instant::now();
        let (sum, metrics) = match &mut self.means {
            Means::Thread(reader) => reader.driver.block_on(paged(&mut reader.client, query, depth, size))?,
            Means::Roomy(reader, edges) => {
                let before = edges.told_of_room;
                let read = edges.block_on(&mut reader.driver, paged(&mut reader.client, query, depth, size))??;
                told_of_room = Some(edges.told_of_room - before);
                read
            }
            Means::Tokio(tokio, client) => {
                let reading = reading(client.take().context(THERE)?);
                let (back, read) = tokio.block_on(tokio.spawn(reading))?;
                *client = Some(back);
                read?
            }
            Means::AsyncStd(client) => {
                let reading = reading(client.take().context(THERE)?);
                let (back, read) = async_std::task::block_on(async_std::task::spawn(reading));
                *client = Some(back);
                read?
            }
            Means::Smol(client) => {
                let reading = reading(client.take().context(THERE)?);
                let (back, read) = smol::block_on(smol::spawn(reading));
                *client = Some(back);
                read?
            }
        };
        let wall = began.elapsed().as_nanos() as f64;
        // Every thread: the runtimes' own are there from the start.
        let cpu = Usage::of_this_process().since(cpu).processor_time();
        let client = Busy { running: cpu.as_nanos() as f64, ..Busy::of_threads()?.since(before) };
        let (sleeps, hand_overs) = (sleeps() - slept, self.tally.hand_overs() - hand_overs);
        let server =
            self.backend.zip(served).map(|(backend, before)| anyhow::Ok(Busy::of_process(backend)?.since(before)));
        let took = Took::from_outside(wall, 0.0, server.transpose()?);
        Ok((sum, Took { client, waits: Some(metrics.waits), sleeps, told_of_room, hand_overs, ..took }))
    }
}

/// All that may happen to a driver's socket, each told once.
struct Edges {
    epoll: OwnedFd,
    told_of_room: u64,
}

impl Edges {
    fn of(driver: &Driver) -> Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let (socket, ..) = driver.waits_for();
        let all = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        epoll::add(&epoll, socket, EventData::new_u64(0), all)?;
        Ok(Edges { epoll, told_of_room: 0 })
    }

    /// Runs `future` to its end on this thread.
    fn block_on<F: Future>(&mut self, driver: &mut Driver, future: F) -> Result<F::Output> {
        let mut future = pin!(future);
        let mut told: Vec<Event> = Vec::with_capacity(1);
        loop {
            if let Poll::Ready(output) = driver.attempt(future.as_mut()) {
                return Ok(output);
            }
            // From here on the driver looks at the socket again. What has happened since it looked last is told at once.
            driver.waits_for();
            told.clear();
            match epoll::wait(&self.epoll, spare_capacity(&mut told), None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            self.told_of_room += told.iter().filter(|event| { event.flags }.contains(EventFlags::OUT)).count() as u64;
        }
    }
}

fn socket(config: &Config) -> Result<PathBuf> {
    let Some(Host::Unix(folder)) = config.get_hosts().first() else { bail!("this needs a server on a Unix socket") };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    Ok(folder.join(format!(".s.PGSQL.{port}")))
}

/// A client, and the connection as a task for whatever runtime the stream is from.
async fn over<S>(config: &Config, stream: S, tally: &Arc<Tally>) -> Result<(Client, impl Future<Output = ()> + use<S>)>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let connected = config.connect_raw(stream, NoTls).await;
    let (client, connection) = connected.map_err(|error| anyhow::anyhow!(explain(&error)))?;
    // How it ends, its requests are told.
    Ok((client, watched(Arc::clone(tally), connection.map(drop))))
}

/// Who polled last, and how often that changed.
#[derive(Default)]
struct Tally {
    thread: AtomicU64,
    hand_overs: AtomicU64,
}

impl Tally {
    fn polled(&self) {
        let this = thread_number();
        // Relaxed: two at the same moment may be counted as one or two, and nothing else hangs on it.
        if self.thread.swap(this, Ordering::Relaxed) != this {
            self.hand_overs.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn hand_overs(&self) -> u64 {
        self.hand_overs.load(Ordering::Relaxed)
    }
}

/// A number for this thread; none is given twice.
fn thread_number() -> u64 {
    static GIVEN: AtomicU64 = AtomicU64::new(0);
    thread_local!(static NUMBER: Cell<u64> = Cell::new(GIVEN.fetch_add(1, Ordering::Relaxed) + 1));
    NUMBER.get()
}

/// A future that notes where it is polled.
async fn watched<F: Future>(tally: Arc<Tally>, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| {
        tally.polled();
        future.as_mut().poll(context)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hand_over_is_counted_when_another_thread_polls() {
        let tally = Arc::new(Tally::default());
        let poll = |tally: &Arc<Tally>| smol::block_on(watched(Arc::clone(tally), async {}));
        poll(&tally);
        poll(&tally);
        let first = tally.hand_overs();
        std::thread::scope(|scope| scope.spawn(|| poll(&tally)).join().expect("it polls"));
        poll(&tally);
        assert_eq!((first, tally.hand_overs()), (1, 3));
    }
}
