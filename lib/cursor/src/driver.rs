//! Drives a connection on the thread that uses it: no runtime, no reactor, no second thread.
//!
//! tokio-postgres splits a connection in two: a `Client`, which only queues requests and waits for answers, and a
//! `Connection`, a future that must be polled for bytes to move. A runtime would poll it from a task of its own. Here the
//! [`Driver`] polls it beside the caller's future, and when neither can make progress it sleeps in `poll(2)` on the socket.
//! So a strategy that owns a connection is measured with its own threads only, whatever library it uses.
//!
//! How it works:
//!
//! 1. The socket is non-blocking. A read or write that would block notes which of the two it was, and is pending.
//! 2. [`Driver::block_on`] polls the caller's future, then the connection. Progress on either side rings the bell.
//! 3. If the bell is silent, the thread sleeps until the socket is ready for what was noted, or another thread rings.
//! 4. With [`Driver::limit_silence`], a request fails after that time without a byte moving, and the connection ends.

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
use tokio_postgres::error::DbError;
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::{AsyncMessage, Connection};

use crate::explain::{explain, explain_notice};
use crate::socket::{LONGEST_DEAFNESS, Socket};

/// Wakes the driver: by a flag while its thread is busy, by a byte through a pair of sockets while it sleeps.
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

    /// Sleeps until the socket is ready for what it noted, the bell rings, or the deadline passes.
    fn sleep(&self, socket: &Socket, deadline: Option<Instant>) {
        // The order matters: announce the sleep, then look at the flag. A waker sets the flag, then looks for a sleeper.
        // The later of the two sees the other, so no ring is lost.
        self.sleeping.store(true, Ordering::SeqCst);
        if !self.rung.load(Ordering::SeqCst) {
            let (readable, writable) = socket.wanted();
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::IN, readable);
            flags.set(PollFlags::OUT, writable);
            // During a pause only the bell can wake the thread.
            let pause = socket.pause();
            let mut watched = [PollFd::new(&self.hear, PollFlags::IN), PollFd::new(socket, flags)];
            let heard = if flags.is_empty() || pause.is_some() { 1 } else { 2 };
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let left = left.into_iter().chain(pause).min();
            let left = left.and_then(|left| Timespec::try_from(left).ok());
            // An error is an interruption by a signal; the caller's loop looks again.
            let _ = rustix::event::poll(&mut watched[..heard], left.as_ref());
            socket.look_again();
            // Most sleeps end by the socket. A later ring ends the next sleep without need.
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
            // If the pair is full, the sleeper has been woken already.
            let _ = (&self.ring).write(&[1]);
        }
    }
}

/// Moves a connection's bytes while its thread waits for an answer.
///
/// Dropping the driver closes the socket, and the server rolls back the open transaction. Later requests of the `Client` fail
/// with "connection closed".
pub struct Driver {
    /// Boxed so that the driver can be moved; `None` during the handshake and after the connection has ended.
    connection: Option<Box<Connection<Socket, NoTlsStream>>>,
    ended: Option<tokio_postgres::Error>,
    /// A server that shuts down immediately reports the reason in a warning, and closes.
    warning: Option<DbError>,
    silence: Option<Duration>,
    /// The time since which a future has waited without a byte moving.
    silent_since: Option<Instant>,
    timeout: Option<Timeout>,
    /// Once this is true, a wait ends the connection.
    stop: Option<Arc<AtomicBool>>,
    socket: Socket,
    bell: Arc<Bell>,
    waker: Waker,
}

/// The side that a connection waited for when it timed out.
enum Timeout {
    /// The server.
    Server,
    /// The caller, who must read the rows of an earlier request.
    Reader,
    /// Neither: the program was asked to stop.
    Stopped,
}

impl Driver {
    /// A driver for the handshake on `socket`.
    pub(super) fn new(socket: &Socket) -> io::Result<Driver> {
        let bell = Arc::new(Bell::new()?);
        let waker = Waker::from(bell.clone());
        Ok(Driver {
            connection: None,
            ended: None,
            warning: None,
            silence: None,
            silent_since: None,
            timeout: None,
            stop: None,
            socket: socket.clone(),
            bell,
            waker,
        })
    }

    /// The connection that the handshake has opened.
    pub(super) fn set_connection(&mut self, connection: Connection<Socket, NoTlsStream>) {
        self.connection = Some(Box::new(connection));
    }

    /// Ends the connection once a request has waited for `silence` without a byte moving. By default there is no limit.
    ///
    /// A server that computes is silent too, so the limit must be longer than any answer takes to begin. Without it, a request
    /// on a network that drops every packet waits for ever.
    pub fn limit_silence(&mut self, silence: Duration) {
        self.silence = Some(silence);
    }

    /// Ends the connection in the middle of any wait once `stop` is true, such as after a signal.
    pub fn stop_once(&mut self, stop: Arc<AtomicBool>) {
        self.stop = Some(stop);
    }

    /// Whether the flag of [`Driver::stop_once`] is set.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    /// Runs `future` to its end on this thread, and moves the connection's bytes meanwhile.
    ///
    /// - Requests that the future leaves in the queue are sent: a page is on its way while the caller works on the one before.
    /// - If the connection ends first, the future gets tokio-postgres's own error; [`Driver::ended`] keeps the reason.
    /// - Inside a runtime it blocks the runtime's thread, although it does not use the runtime.
    /// - A future that waits for something other than this connection must be woken by another thread.
    pub fn block_on<F: Future>(&mut self, future: F) -> F::Output {
        self.run(None, future).expect("without a deadline only the future's end leaves the loop")
    }

    /// As [`Driver::block_on`], but at `deadline` it drops the future and returns `None`. The connection stays usable.
    pub fn block_on_until<F: Future>(&mut self, deadline: Instant, future: F) -> Option<F::Output> {
        self.run(Some(deadline), future)
    }

    /// Why the connection has ended: the server's last message, if it sent one before it closed.
    ///
    /// Usually a waiting request gets the reason itself. tokio-postgres loses it when the oldest request under way has no
    /// reader, such as the closing of a dropped statement: then the request gets only "connection closed".
    pub fn ended(&self) -> Option<&tokio_postgres::Error> {
        self.ended.as_ref()
    }

    /// Explains a request's error and what to do next. If the error is only "connection closed", explains why the
    /// connection was closed.
    pub fn explain(&self, error: &tokio_postgres::Error) -> String {
        if !error.is_closed() {
            return explain(error);
        }
        let seconds = self.silence.unwrap_or_default().as_secs_f64();
        match (&self.timeout, &self.ended, &self.warning) {
            (Some(Timeout::Server), ..) => format!(
                "no data from the server for {seconds} s: its query takes longer, or the network is broken; run this again, or \
                 allow a longer silence"
            ),
            (Some(Timeout::Reader), ..) => format!(
                "the rows of an earlier request were not read for {seconds} s and block the connection; read them to their end \
                 before the next request"
            ),
            (Some(Timeout::Stopped), ..) => "interrupted".into(),
            (None, Some(ended), None) => explain(ended),
            (None, Some(ended), Some(_)) if ended.as_db_error().is_some() => explain(ended),
            (None, _, Some(warning)) => explain_notice(warning),
            (None, None, None) => explain(error),
        }
    }

    /// Whether the connection has ended because the server was silent for longer than [`Driver::limit_silence`].
    pub fn timed_out(&self) -> bool {
        matches!(self.timeout, Some(Timeout::Server))
    }

    /// Runs `future` as far as possible without sleeping. It serves callers that await sockets and must not block: if the result
    /// is pending, [`Driver::waits_for`] names what must happen before the next attempt.
    pub fn attempt<F: Future>(&mut self, mut future: Pin<&mut F>) -> Poll<F::Output> {
        let waker = self.waker.clone();
        let mut context = Context::from_waker(&waker);
        loop {
            let rung = self.bell.rung.swap(false, Ordering::SeqCst);
            if self.connection.is_none() {
                // During the handshake the caller's future uses the socket.
                self.socket.begin_turn();
            }
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                // Rung: there is a request to send, or room for an answer. Silent: there is nothing to move, so reading the
                // rows of a page that is already here costs no system call.
                if rung || self.bell.rung.load(Ordering::SeqCst) {
                    self.turn(&mut context);
                }
                self.silent_since = None;
                return Poll::Ready(output);
            }
            self.turn(&mut context);
            if !self.bell.rung.load(Ordering::SeqCst) && !self.times_out() {
                return Poll::Pending;
            }
        }
    }

    /// When the connection will end unless a byte moves before; the next [`attempt`](Driver::attempt) must not be later.
    pub fn times_out_at(&self) -> Option<Instant> {
        self.connection.as_ref()?;
        self.silent_since?.checked_add(self.silence?)
    }

    /// Ends the connection if the waiting future has waited too long; returns whether it did.
    fn times_out(&mut self) -> bool {
        let moved = self.socket.has_moved();
        if moved || self.silent_since.is_none() {
            self.silent_since = self.silence.map(|_| Instant::now());
        }
        let too_long = self.times_out_at().is_some_and(|end| end <= Instant::now());
        if !too_long {
            return false;
        }
        // A connection does not read on while the caller has not taken its last answer.
        let (reads, _) = self.socket.wanted();
        self.timeout = Some(if reads { Timeout::Server } else { Timeout::Reader });
        self.end();
        true
    }

    /// The socket, whether it must be readable, and whether it must be writable; either is enough.
    pub fn waits_for(&self) -> (BorrowedFd<'_>, bool, bool) {
        self.socket.look_again();
        let (readable, writable) = self.socket.wanted();
        (self.socket.as_fd(), readable, writable)
    }

    fn run<F: Future>(&mut self, deadline: Option<Instant>, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        // An earlier future's wait does not count.
        self.silent_since = None;
        loop {
            if let Poll::Ready(output) = self.attempt(future.as_mut()) {
                return Some(output);
            }
            if self.is_stopped() && self.timeout.is_none() {
                self.timeout = Some(Timeout::Stopped);
                let handshake = self.connection.is_none();
                self.end();
                // The end of the connection ends the future, but a handshake has no connection yet.
                if handshake && deadline.is_some() {
                    return None;
                }
                continue;
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return None;
            }
            let look = self.stop.as_ref().map(|_| Instant::now() + LONGEST_DEAFNESS);
            self.bell.sleep(&self.socket, deadline.into_iter().chain(self.times_out_at()).chain(look).min());
        }
    }

    /// Polls the connection; if it has ended, notes how.
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
                    return self.end();
                }
            }
        }
    }

    /// Drops the connection. That closes the channel of every waiting request, which wakes up with an error.
    fn end(&mut self) {
        self.connection = None;
        self.socket.begin_turn();
    }
}
