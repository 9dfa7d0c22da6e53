//! A non-blocking socket to a server, for a thread that moves its bytes without a runtime.
//!
//! It saves system calls and wake-ups in two ways:
//!
//! 1. A read that does not fill its buffer has emptied the socket, so the next read waits for the socket to become readable.
//!    An immediate read would only return "would block": with one page at a time, two useless system calls per page.
//! 2. A client that is faster than its server finds the socket empty again and again. The server would have to wake it for
//!    every piece that it sends, and a wake-up takes longer than the piece. In the middle of a long answer such a client
//!    therefore *pauses*: it sleeps for a moment without being woken, and then reads all that has arrived. Network cards
//!    moderate their interrupts in the same way.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{self, AddressFamily, SocketFlags, SocketType, sockopt};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::config::Host;

use crate::address::{Keepalive, Target, socket_path};

/// A non-blocking socket that notes what it waits for.
///
/// The connection reads and writes it; the driver has a clone, on which it sleeps.
#[derive(Clone, Debug)]
pub(super) struct Socket {
    shared: Arc<Shared>,
}

/// Only the thread that moves the connection uses the atomics, so relaxed ordering is enough.
#[derive(Debug)]
struct Shared {
    /// A Unix or a TCP socket: the standard library reads, writes and closes both by the same system calls.
    stream: UnixStream,
    /// [`READABLE`] and [`WRITABLE`]: the operations that would have blocked since the turn began.
    wanted: AtomicU8,
    /// Whether bytes have moved since the driver last looked.
    moved: AtomicBool,
    /// Whether a read has emptied it since the driver last waited.
    empty: AtomicBool,
    /// Whether bytes have arrived since the last call of [`pause`](Socket::pause).
    arrived: AtomicBool,
    /// Whether a write failed because the connection was reset. The kernel reports a reset only once; the next read then finds
    /// a normal end.
    reset: AtomicBool,
    opened: Instant,
    /// When the last request was written, in nanoseconds since `opened`.
    requested: AtomicU64,
}

/// How late a wait may notice that it must stop. Usually the signal itself ends the wait.
pub(super) const LONGEST_DEAFNESS: Duration = Duration::from_millis(100);

const READABLE: u8 = 1;
const WRITABLE: u8 = 2;

/// The longest pause. What a server sends meanwhile fits into a Unix socket's usual buffer of 208 KiB; otherwise the server
/// would have to wait.
const LONGEST_PAUSE: Duration = Duration::from_micros(200);

/// The shortest pause, because the kernel may make any sleep 50 µs longer.
const SHORTEST_PAUSE: Duration = Duration::from_micros(50);

/// A pause lasts the time since the request divided by this. So the end of an answer is at most this fraction late.
const FRACTION: u32 = 8;

impl Socket {
    /// Connects to one host, before `deadline` and unless `stop` becomes true.
    pub(super) fn open(
        target: &Target,
        keepalive: &Keepalive,
        deadline: Instant,
        stop: Option<&AtomicBool>,
    ) -> Result<Socket, String> {
        let opened = match &target.host {
            Host::Unix(folder) => UnixStream::connect(socket_path(folder, target.port)),
            Host::Tcp(name) => open_tcp(name, target.port, keepalive, deadline, stop).map(UnixStream::from),
        };
        opened.and_then(Socket::new).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                format!("{error}; is the server running there?")
            }
            _ => error.to_string(),
        })
    }

    fn new(stream: UnixStream) -> io::Result<Socket> {
        stream.set_nonblocking(true)?;
        let shared = Shared {
            stream,
            wanted: AtomicU8::new(0),
            moved: AtomicBool::new(false),
            empty: AtomicBool::new(false),
            arrived: AtomicBool::new(false),
            reset: AtomicBool::new(false),
            opened: Instant::now(),
            requested: AtomicU64::new(0),
        };
        Ok(Socket { shared: Arc::new(shared) })
    }

    /// Begins a turn of the connection, which notes anew what it waits for.
    pub(super) fn begin_turn(&self) {
        self.shared.wanted.store(0, Ordering::Relaxed);
    }

    /// Allows a read after the driver has waited for the socket, or before it does so.
    pub(super) fn look_again(&self) {
        self.shared.empty.store(false, Ordering::Relaxed);
    }

    /// Whether the connection waits for the socket to be readable, and whether to be writable; either is enough.
    pub(super) fn wanted(&self) -> (bool, bool) {
        let wanted = self.shared.wanted.load(Ordering::Relaxed);
        (wanted & READABLE != 0, wanted & WRITABLE != 0)
    }

    /// Whether bytes have moved since the last call.
    pub(super) fn has_moved(&self) -> bool {
        self.shared.moved.swap(false, Ordering::Relaxed)
    }

    /// How long to sleep without being woken by the server, if a pause makes sense; see the module's documentation.
    pub(super) fn pause(&self) -> Option<Duration> {
        // If nothing arrived during a pause, the answer may be complete, or the server slow.
        let arrived = self.shared.arrived.swap(false, Ordering::Relaxed);
        let requested = Duration::from_nanos(self.shared.requested.load(Ordering::Relaxed));
        let pauses = arrived && self.wanted() == (true, false);
        if pauses { pause(self.shared.opened.elapsed() - requested) } else { None }
    }

    /// Runs `operation`, again after an interruption; if it would block, notes `wanted` and is pending.
    fn attempt<T>(
        &self,
        wanted: u8,
        mut operation: impl FnMut(&mut &UnixStream) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        loop {
            match operation(&mut &self.shared.stream) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.shared.wanted.fetch_or(wanted, Ordering::Relaxed);
                    return Poll::Pending;
                }
                result => {
                    self.shared.moved.store(true, Ordering::Relaxed);
                    return Poll::Ready(result);
                }
            }
        }
    }
}

/// The pause in the answer to a request of that age.
fn pause(since: Duration) -> Option<Duration> {
    Some((since / FRACTION).min(LONGEST_PAUSE)).filter(|pause| *pause >= SHORTEST_PAUSE)
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.shared.stream.as_fd()
    }
}

/// Connects to the first address of `name` that answers.
fn open_tcp(
    name: &str,
    port: u16,
    keepalive: &Keepalive,
    deadline: Instant,
    stop: Option<&AtomicBool>,
) -> io::Result<OwnedFd> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, format!("no address known for {name}"));
    for address in (name, port).to_socket_addrs()? {
        match open_address(&address, deadline, stop) {
            Ok(socket) => {
                // A request is a few bytes; waiting to fill a packet would add up to 40 ms to each.
                sockopt::set_tcp_nodelay(&socket, true)?;
                keep_alive(&socket, keepalive)?;
                return Ok(socket);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Connects without blocking, because a blocked connect cannot be interrupted.
fn open_address(address: &SocketAddr, deadline: Instant, stop: Option<&AtomicBool>) -> io::Result<OwnedFd> {
    let family = if address.is_ipv6() { AddressFamily::INET6 } else { AddressFamily::INET };
    let socket = net::socket_with(family, SocketType::STREAM, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC, None)?;
    match net::connect(&socket, address) {
        Err(Errno::INPROGRESS | Errno::INTR) => {}
        connected => return Ok(connected.map(|()| socket)?),
    }
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        if stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) {
            return Err(io::Error::other("interrupted"));
        }
        let wait = Timespec::try_from(left.min(LONGEST_DEAFNESS)).ok();
        let mut watched = [PollFd::new(&socket, PollFlags::OUT)];
        // An error is an interruption by a signal; the loop looks again.
        if matches!(poll(&mut watched, wait.as_ref()), Ok(1)) {
            sockopt::socket_error(&socket)??;
            return Ok(socket);
        }
    }
}

fn keep_alive(socket: &OwnedFd, keepalive: &Keepalive) -> io::Result<()> {
    sockopt::set_socket_keepalive(socket, !keepalive.off)?;
    if let Some(idle) = keepalive.idle {
        sockopt::set_tcp_keepidle(socket, idle)?;
    }
    if let Some(interval) = keepalive.interval {
        sockopt::set_tcp_keepintvl(socket, interval)?;
    }
    if let Some(count) = keepalive.count {
        sockopt::set_tcp_keepcnt(socket, count)?;
    }
    if let Some(limit) = keepalive.user_timeout_ms {
        sockopt::set_tcp_user_timeout(socket, limit)?;
    }
    Ok(())
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.shared.empty.load(Ordering::Relaxed) {
            self.shared.wanted.fetch_or(READABLE, Ordering::Relaxed);
            return Poll::Pending;
        }
        // It is filled with zeros first: reading into it without `unsafe` costs that.
        let space = into.initialize_unfilled();
        let room = space.len();
        match self.attempt(READABLE, |stream| stream.read(space)) {
            Poll::Ready(Ok(0)) if self.shared.reset.load(Ordering::Relaxed) => {
                Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
            }
            Poll::Ready(Ok(count)) => {
                self.shared.empty.store(count < room, Ordering::Relaxed);
                self.shared.arrived.store(true, Ordering::Relaxed);
                into.advance(count);
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                self.shared.empty.store(true, Ordering::Relaxed);
                Poll::Pending
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        // Nanoseconds in 64 bits last for centuries.
        self.shared.requested.store(self.shared.opened.elapsed().as_nanos() as u64, Ordering::Relaxed);
        match self.attempt(WRITABLE, |stream| stream.write(from)) {
            // The server has closed, and its last message, which has the reason, may still be unread. Failing here would end
            // the connection before it is read; reading finds the end anyway. (libpq does the same.)
            Poll::Ready(Err(error))
                if matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) =>
            {
                self.shared.reset.fetch_or(error.kind() == io::ErrorKind::ConnectionReset, Ordering::Relaxed);
                Poll::Ready(Ok(from.len()))
            }
            result => result,
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.shared.stream.shutdown(Shutdown::Write) {
            // The server has closed first.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Poll::Ready(Ok(())),
            result => Poll::Ready(result),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;
    use rustix::net::sockopt::set_socket_linger;
    use std::net::{TcpListener, TcpStream};

    /// A socket and the server's end of it.
    fn pair() -> (Socket, UnixStream) {
        let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
        (Socket::new(ours).expect("it can be made non-blocking"), theirs)
    }

    /// How many bytes a read into a buffer of `room` gets; `None` if it would wait.
    fn read(socket: &mut Socket, room: usize) -> Option<usize> {
        let mut bytes = vec![0; room];
        let mut buffer = ReadBuf::new(&mut bytes);
        match Pin::new(socket).poll_read(&mut Context::from_waker(std::task::Waker::noop()), &mut buffer) {
            Poll::Ready(result) => result.map(|()| buffer.filled().len()).ok(),
            Poll::Pending => None,
        }
    }

    #[test]
    fn after_a_read_that_empties_the_socket_the_next_read_waits() {
        let (mut socket, mut server) = pair();
        server.write_all(&[7; 10]).expect("there is room");
        socket.begin_turn();
        assert_eq!([read(&mut socket, 4), read(&mut socket, 4)], [Some(4), Some(4)], "filled, there may be more");
        assert_eq!((read(&mut socket, 4), socket.wanted()), (Some(2), (false, false)));
        server.write_all(&[7; 3]).expect("there is room");
        assert_eq!((read(&mut socket, 4), socket.wanted()), (None, (true, false)), "it waits to become readable");
        socket.begin_turn();
        assert_eq!(read(&mut socket, 4), None, "a new turn alone allows no read");
        socket.begin_turn();
        socket.look_again();
        assert_eq!((read(&mut socket, 4), socket.wanted()), (Some(3), (false, false)));
    }

    #[test]
    fn a_read_after_the_last_bytes_and_a_wait_finds_the_end() {
        let (mut socket, mut server) = pair();
        server.write_all(&[7; 3]).expect("there is room");
        drop(server);
        assert_eq!([read(&mut socket, 4), read(&mut socket, 4)], [Some(3), None]);
        socket.look_again();
        assert_eq!(read(&mut socket, 4), Some(0));
    }

    #[test]
    fn a_read_reports_a_reset_even_if_a_write_met_it_first() {
        let server = TcpListener::bind("127.0.0.1:0").expect("there is a port");
        let ours = TcpStream::connect(server.local_addr().expect("it has one")).expect("it listens");
        let mut socket = Socket::new(OwnedFd::from(ours).into()).expect("it can be made non-blocking");
        let (theirs, _) = server.accept().expect("it was connected to");
        // Closing with a linger time of zero resets the connection.
        set_socket_linger(&theirs, Some(Duration::ZERO)).expect("it is a socket");
        drop(theirs);
        let mut context = Context::from_waker(std::task::Waker::noop());
        let written = Pin::new(&mut socket).poll_write(&mut context, b"a request");
        assert!(matches!(written, Poll::Ready(Ok(9))), "{written:?}");
        let mut bytes = [0; 4];
        let read = Pin::new(&mut socket).poll_read(&mut context, &mut ReadBuf::new(&mut bytes));
        let Poll::Ready(Err(error)) = read else { panic!("{read:?}") };
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }

    #[test]
    fn the_keepalive_of_an_address_reaches_the_socket() {
        let server = TcpListener::bind("127.0.0.1:0").expect("there is a port");
        let port = server.local_addr().expect("it has one").port();
        let settings = "keepalives_idle=41 keepalives_interval=7 keepalives_count=3 tcp_user_timeout=5000";
        let open = |settings: &str| {
            let address = Address::parse(&format!("hostaddr=127.0.0.1 port={port} {settings}")).expect("it is right");
            let deadline = Instant::now() + address.patience;
            Socket::open(&address.targets[0], &address.keepalive, deadline, None).expect("it listens")
        };
        let socket = open(settings);
        assert!(sockopt::socket_keepalive(&socket).expect("a TCP socket"), "it is on unless the address says no");
        assert_eq!(sockopt::tcp_keepidle(&socket).ok(), Some(Duration::from_secs(41)));
        assert_eq!(sockopt::tcp_keepintvl(&socket).ok(), Some(Duration::from_secs(7)));
        assert_eq!(sockopt::tcp_keepcnt(&socket).ok(), Some(3));
        assert_eq!(sockopt::tcp_user_timeout(&socket).ok(), Some(5000));
        assert_eq!(sockopt::socket_keepalive(open("keepalives=0")).ok(), Some(false));
    }

    #[test]
    fn a_pause_is_a_fraction_of_the_time_since_the_request_within_bounds() {
        let micros = Duration::from_micros;
        let pauses = [0, 399, 400, 800, 1_600, 1_000_000].map(|since| pause(micros(since)));
        let expected = [None, None, Some(50), Some(100), Some(200), Some(200)].map(|pause| pause.map(micros));
        assert_eq!(pauses, expected);
    }

    #[test]
    fn a_pause_in_which_nothing_arrives_is_not_repeated() {
        let (mut socket, mut server) = pair();
        // As if the socket had been opened, and the request written, a second ago.
        let shared = Arc::get_mut(&mut socket.shared).expect("nobody else has it");
        shared.opened = shared.opened.checked_sub(Duration::from_secs(1)).expect("the machine runs for longer");
        server.write_all(&[7; 3]).expect("there is room");
        assert_eq!([read(&mut socket, 4), read(&mut socket, 4)], [Some(3), None]);
        assert_eq!([socket.pause(), socket.pause()], [Some(LONGEST_PAUSE), None]);
    }
}
