//! A connection to PostgreSQL that is driven by the thread that uses it: no runtime, no reactor, no second thread.
//!
//! tokio-postgres splits a connection in two: a `Client`, which only queues requests and waits for answers, and a
//! `Connection`, a future that must be polled for bytes to move. A runtime would poll it from a task of its own. Here
//! the [`Driver`] polls it beside the caller's future, and when neither can go on it sleeps in `poll(2)` on the socket.
//! So a strategy that owns a connection is measured with its own threads only, whatever library it shows.
//!
//! How it works:
//!
//! 1. Its socket is non-blocking. A read or write that would block notes which of the two it wanted, and is pending.
//! 2. [`Driver::block_on`] polls the caller's future, then the connection. Whoever made progress rings the bell.
//! 3. If the bell is silent, the thread sleeps until the socket is ready for what was noted, or another thread rings.
//! 4. Where silence is limited ([`Driver::limit_silence`]), a connection on which nothing moves for so long is given up.

use std::future::Future;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::DbError;
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls};

use crate::error::ConnectError;
use crate::explain::{explain, explain_notice};
use crate::socket::{self, Socket};

/// How long a server may take to accept us and to say so, unless the address sets `connect_timeout`.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connects to the server at `url` (`postgresql://…` or `key=value …`) from this thread.
///
/// Nothing happens on the connection except while [`Driver::block_on`] runs. Settings honoured: user, password,
/// database, options, application name, hosts and ports (tried in order) and `connect_timeout`. There is no TLS.
pub fn connect(url: &str) -> Result<(Client, Driver), ConnectError> {
    let config: Config = url.parse().map_err(|error| ConnectError::Address { reason: explain(&error) })?;
    let address = masked(&config);
    if config.get_ssl_mode() == SslMode::Require {
        let reason =
            "it asks for sslmode=require, and this program speaks no TLS; use a Unix socket or a trusted network";
        return Err(ConnectError::Server { address, reason: reason.into() });
    }
    let refused = |reason: String| ConnectError::Server { address: address.clone(), reason };
    let deadline = Instant::now() + config.get_connect_timeout().copied().unwrap_or(PATIENCE);

    let socket = Socket::open(&config, deadline).map_err(&refused)?;
    let mut driver = Driver::new(&socket).map_err(|error| refused(error.to_string()))?;
    match driver.block_on_until(deadline, config.connect_raw(socket, NoTls)) {
        Some(Ok((client, connection))) => {
            driver.connection = Some(Box::new(connection));
            Ok((client, driver))
        }
        Some(Err(error)) => Err(refused(explain(&error))),
        None => Err(refused(
            "the server took the connection but did not answer in time; is it PostgreSQL? connect_timeout in the address \
             gives it longer"
                .into(),
        )),
    }
}

/// The address as it may be shown: user, hosts, ports and database, no password.
pub fn masked(config: &Config) -> String {
    let user = config.get_user().map(|user| format!("{user}@")).unwrap_or_default();
    let ports = config.get_ports();
    let port = |index: usize| ports.get(index).or(ports.first()).copied().unwrap_or(5432);
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(index, host)| match host {
            Host::Tcp(name) => format!("{name}:{}", port(index)),
            Host::Unix(folder) => format!("{}", socket::path(folder, port(index)).display()),
        })
        .collect();
    let database = config.get_dbname().map(|name| format!(" (database {name})")).unwrap_or_default();
    format!("{user}{}{database}", hosts.join(","))
}

/// Wakes the driver: a flag while its thread is busy, a byte through a pair of sockets while it sleeps.
struct Bell {
    rung: AtomicBool,
    sleeping: AtomicBool,
    ring: UnixStream,
    hear: UnixStream,
}

impl Bell {
    fn new() -> io::Result<Bell> {
        let (ring, hear) = UnixStream::pair()?;
        ring.set_nonblocking(true)?;
        hear.set_nonblocking(true)?;
        Ok(Bell { rung: AtomicBool::new(true), sleeping: AtomicBool::new(false), ring, hear })
    }

    /// Sleeps until the socket is ready for what it noted, the bell rings or the deadline passes.
    fn sleep(&self, socket: &Socket, deadline: Option<Instant>) {
        // The order matters: announce the sleep, then look at the flag. A waker sets the flag, then looks for a
        // sleeper. Whoever comes second sees the other, so no ring is lost.
        self.sleeping.store(true, Ordering::SeqCst);
        if !self.rung.load(Ordering::SeqCst) {
            let (readable, writable) = socket.wanted();
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::IN, readable);
            flags.set(PollFlags::OUT, writable);
            // In a pause only the bell is heard.
            let pause = socket.pause();
            let mut watched = [PollFd::new(&self.hear, PollFlags::IN), PollFd::new(socket, flags)];
            let heard = if flags.is_empty() || pause.is_some() { 1 } else { 2 };
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let left = left.into_iter().chain(pause).min();
            let left = left.and_then(|left| Timespec::try_from(left).ok());
            // An error here is an interruption by a signal; the caller's loop looks again.
            let _ = rustix::event::poll(&mut watched[..heard], left.as_ref());
            socket.look_again();
            // Most sleeps end by the socket. A ring that comes later than this is heard by the next sleep, for nothing.
            if !watched[0].revents().is_empty() {
                let mut drained = [0; 16];
                while matches!((&self.hear).read(&mut drained), Ok(count) if count > 0) {}
            }
        }
        self.sleeping.store(false, Ordering::SeqCst);
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::SeqCst);
        if self.sleeping.load(Ordering::SeqCst) {
            // A full pipe has woken the sleeper already.
            let _ = (&self.ring).write(&[1]);
        }
    }
}

/// Moves a connection's bytes while its thread waits for an answer.
///
/// Dropping the driver closes the socket: the server then rolls back what was open. Requests of a `Client` whose
/// driver is gone fail with "connection closed".
pub struct Driver {
    /// Boxed so that the driver can be moved; none before the handshake and after the connection has ended.
    connection: Option<Box<Connection<Socket, NoTlsStream>>>,
    ended: Option<tokio_postgres::Error>,
    /// A server that goes down in a hurry says why in a warning, and closes.
    warning: Option<DbError>,
    silence: Option<Duration>,
    /// When a future began to wait without anything moving since.
    silent_since: Option<Instant>,
    gave_up: Option<GaveUp>,
    socket: Socket,
    bell: Arc<Bell>,
    waker: Waker,
}

/// What a connection that was given up waited for.
enum GaveUp {
    /// The server.
    Silent,
    /// Somebody here, to take the rows of an earlier request.
    Unread,
}

impl Driver {
    fn new(socket: &Socket) -> io::Result<Driver> {
        let bell = Arc::new(Bell::new()?);
        let waker = Waker::from(bell.clone());
        Ok(Driver {
            connection: None,
            ended: None,
            warning: None,
            silence: None,
            silent_since: None,
            gave_up: None,
            socket: socket.clone(),
            bell,
            waker,
        })
    }

    /// Gives the connection up once a request has waited so long without a byte moving. There is no limit at first.
    ///
    /// A server that computes is silent too, so this must be longer than any of its answers takes to begin. Without it a
    /// network that swallows everything is waited for as long as the operating system likes: for ever.
    pub fn limit_silence(&mut self, silence: Duration) {
        self.silence = Some(silence);
    }

    /// Runs `future` to its end on this thread, moving the connection's bytes meanwhile.
    ///
    /// It may be called inside a runtime (it uses none), but then it blocks that runtime's thread. When the future
    /// ends, requests it left in the queue have been handed to the socket: a page asked for is on its way while the
    /// caller works on the one before. If the connection ends first, the future gets tokio-postgres's own error; the
    /// reason is kept in [`Driver::ended`]. A future that waits for something else must be woken by another thread.
    pub fn block_on<F: Future>(&mut self, future: F) -> F::Output {
        self.run(None, future).expect("without a deadline only the future's end leaves the loop")
    }

    /// Like [`Driver::block_on`], but gives up at `deadline`: `None`. The future is dropped then, the connection is
    /// not.
    pub fn block_on_until<F: Future>(&mut self, deadline: Instant, future: F) -> Option<F::Output> {
        self.run(Some(deadline), future)
    }

    /// Why the connection is over: the server's last word, if it said one before it closed.
    ///
    /// A request that waits gets the reason itself. tokio-postgres loses it when the oldest request on the way is one
    /// that nobody waits for, such as the closing of a dropped statement: then there is only "connection closed".
    pub fn ended(&self) -> Option<&tokio_postgres::Error> {
        self.ended.as_ref()
    }

    /// An error of a request in words, with what to do next: where it only says that the connection is closed, the reason
    /// why it is.
    pub fn explain(&self, error: &tokio_postgres::Error) -> String {
        if !error.is_closed() {
            return explain(error);
        }
        let seconds = self.silence.unwrap_or_default().as_secs_f64();
        match (&self.gave_up, &self.ended, &self.warning) {
            (Some(GaveUp::Silent), ..) => format!(
                "the server has said nothing for {seconds} s: it works on something long, or the way to it is broken; run \
                 this again, or let it be silent longer (--silence)"
            ),
            (Some(GaveUp::Unread), ..) => format!(
                "for {seconds} s nobody has read the rows of an earlier request, which must leave the connection first; \
                 read them to their end before anything else is asked"
            ),
            (None, Some(ended), None) => explain(ended),
            (None, Some(ended), Some(_)) if ended.as_db_error().is_some() => explain(ended),
            (None, _, Some(warning)) => explain_notice(warning),
            (None, None, None) => explain(error),
        }
    }

    /// Goes on with `future` as far as possible without sleeping. If it is not ready then, [`Driver::waits_for`] says what
    /// must happen before trying again: for who can await a socket and may not block.
    pub fn attempt<F: Future>(&mut self, mut future: Pin<&mut F>) -> Poll<F::Output> {
        let waker = self.waker.clone();
        let mut context = Context::from_waker(&waker);
        loop {
            let rung = self.bell.rung.swap(false, Ordering::SeqCst);
            if self.connection.is_none() {
                // During the handshake it is the caller's future that uses the socket.
                self.socket.begin_turn();
            }
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                // Rung: there is a request to send, or room for an answer. Silent: there is nothing to move, so reading
                // the rows of a page that is already here costs no system call.
                if rung || self.bell.rung.load(Ordering::SeqCst) {
                    self.turn(&mut context);
                }
                self.silent_since = None;
                return Poll::Ready(output);
            }
            self.turn(&mut context);
            if !self.bell.rung.load(Ordering::SeqCst) && !self.gives_up() {
                return Poll::Pending;
            }
        }
    }

    /// When the connection will be given up unless something moves before: [`attempt`](Driver::attempt) must be made then.
    pub fn gives_up_at(&self) -> Option<Instant> {
        self.connection.as_ref()?;
        self.silent_since?.checked_add(self.silence?)
    }

    /// Whether a future that waits has waited too long: then the connection is over.
    fn gives_up(&mut self) -> bool {
        let moved = self.socket.has_moved();
        if moved || self.silent_since.is_none() {
            self.silent_since = self.silence.map(|_| Instant::now());
        }
        let too_long = self.gives_up_at().is_some_and(|end| end <= Instant::now());
        if !too_long {
            return false;
        }
        // A connection that has an answer which nobody takes does not read on.
        let (reads, _) = self.socket.wanted();
        self.gave_up = Some(if reads { GaveUp::Silent } else { GaveUp::Unread });
        self.over();
        true
    }

    /// The socket, whether it must be readable, and whether it must be writable: one of the two is enough.
    pub fn waits_for(&self) -> (BorrowedFd<'_>, bool, bool) {
        self.socket.look_again();
        let (readable, writable) = self.socket.wanted();
        (self.socket.as_fd(), readable, writable)
    }

    fn run<F: Future>(&mut self, deadline: Option<Instant>, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        // Whatever was waited for before was given up.
        self.silent_since = None;
        loop {
            if let Poll::Ready(output) = self.attempt(future.as_mut()) {
                return Some(output);
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return None;
            }
            self.bell.sleep(&self.socket, deadline.into_iter().chain(self.gives_up_at()).min());
        }
    }

    /// Polls the connection once; notes how it ended, if it did.
    fn turn(&mut self, context: &mut Context<'_>) {
        let Some(connection) = &mut self.connection else { return };
        self.socket.begin_turn();
        loop {
            match connection.poll_message(context) {
                Poll::Pending => return,
                Poll::Ready(Some(Ok(AsyncMessage::Notice(notice)))) => {
                    if notice.code().code().starts_with("57P") {
                        self.warning = Some(notice);
                    }
                }
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(ended) => {
                    self.ended = ended.and_then(std::result::Result::err);
                    return self.over();
                }
            }
        }
    }

    /// Drops the connection, which closes the channels of every waiting request and so wakes them with an error.
    fn over(&mut self) {
        self.connection = None;
        self.socket.begin_turn();
    }
}
