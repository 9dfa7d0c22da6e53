//! A non-blocking socket to a server, for who moves its bytes without a runtime.
//!
//! It knows two things that save system calls and wake-ups:
//!
//! 1. A read that does not fill its buffer has emptied the socket. Reading again would only be told so: for one page at a
//!    time that would be two system calls in vain for each. Whoever sleeps until there is something to read is told of
//!    what came in between as well.
//! 2. A client that is faster than its server finds the socket empty again and again, and the server would have to wake
//!    it for every piece that it sends, which takes it longer than the piece. In the middle of a long answer such a
//!    client therefore *pauses*: it sleeps a moment without being woken, and then reads all that has gathered. Network
//!    cards moderate their interrupts in the same way.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// Where the server listens in `folder`.
pub(super) fn path(folder: &Path, port: u16) -> PathBuf {
    folder.join(format!(".s.PGSQL.{port}"))
}

/// The two kinds of socket a server listens on.
#[derive(Debug)]
enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Stream {
    fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Unix(stream) => (&*stream).read(into),
            Stream::Tcp(stream) => (&*stream).read(into),
        }
    }

    fn write(&self, from: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Unix(stream) => (&*stream).write(from),
            Stream::Tcp(stream) => (&*stream).write(from),
        }
    }

    fn shutdown(&self) -> io::Result<()> {
        match self {
            Stream::Unix(stream) => stream.shutdown(Shutdown::Write),
            Stream::Tcp(stream) => stream.shutdown(Shutdown::Write),
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Stream::Unix(stream) => stream.as_fd(),
            Stream::Tcp(stream) => stream.as_fd(),
        }
    }
}

/// A non-blocking socket that remembers what it is waiting for.
///
/// The driver holds a clone: the connection reads and writes, the driver sleeps on it.
#[derive(Clone, Debug)]
pub(super) struct Socket {
    shared: Arc<Shared>,
}

/// All of it is written and read by the thread that moves the connection, hence relaxed.
#[derive(Debug)]
struct Shared {
    stream: Stream,
    /// [`READABLE`] and [`WRITABLE`], noted by operations that would have blocked since the turn began.
    wanted: AtomicU8,
    /// Whether bytes have moved since the driver looked last.
    moved: AtomicBool,
    /// Whether a read has emptied it since it was waited for.
    empty: AtomicBool,
    /// Whether bytes have come since a pause was last thought of.
    came: AtomicBool,
    /// Whether a write was told that the connection was reset. The system says so once, and a read then only finds the end.
    reset: AtomicBool,
    opened: Instant,
    /// When the server was last written to, in nanoseconds since `opened`.
    asked: AtomicU64,
}

const READABLE: u8 = 1;
const WRITABLE: u8 = 2;

/// The longest pause: what a server sends meanwhile fits into a Unix socket's usual buffer of 208 KiB, or it would have
/// to wait for us.
const LONGEST_PAUSE: Duration = Duration::from_micros(200);

/// The shortest: the system may make any sleep 50 µs longer.
const SHORTEST_PAUSE: Duration = Duration::from_micros(50);

/// A pause is this part of the time that the answer has taken until now: if there is nothing more to come, it is late by
/// no more than that.
const PART: u32 = 8;

impl Socket {
    /// Connects to the first host that answers.
    pub(super) fn open(config: &Config, deadline: Instant) -> Result<Socket, String> {
        let ports = config.get_ports();
        let mut reasons = Vec::new();
        for (index, host) in config.get_hosts().iter().enumerate() {
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
            let opened = match host {
                Host::Unix(folder) => UnixStream::connect(path(folder, port)).map(Stream::Unix),
                Host::Tcp(name) => open_tcp(name, port, deadline).map(Stream::Tcp),
            };
            match opened.and_then(Socket::new) {
                Ok(socket) => return Ok(socket),
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
                    reasons.push(format!(
                        "{error}; is the server running there? Without an address one comes up by itself"
                    ));
                }
                Err(error) => reasons.push(error.to_string()),
            }
        }
        if reasons.is_empty() {
            reasons.push("it names no host; write it as postgresql://user@host:port/database".into());
        }
        Err(reasons.join("; "))
    }

    fn new(stream: Stream) -> io::Result<Socket> {
        match &stream {
            Stream::Unix(stream) => stream.set_nonblocking(true)?,
            Stream::Tcp(stream) => stream.set_nonblocking(true)?,
        }
        let shared = Shared {
            stream,
            wanted: AtomicU8::new(0),
            moved: AtomicBool::new(false),
            empty: AtomicBool::new(false),
            came: AtomicBool::new(false),
            reset: AtomicBool::new(false),
            opened: Instant::now(),
            asked: AtomicU64::new(0),
        };
        Ok(Socket { shared: Arc::new(shared) })
    }

    /// Begins a turn of the connection: what was wanted before is forgotten.
    pub(super) fn begin_turn(&self) {
        self.shared.wanted.store(0, Ordering::Relaxed);
    }

    /// It was waited for, or will be before the next turn: there may be something to read.
    pub(super) fn look_again(&self) {
        self.shared.empty.store(false, Ordering::Relaxed);
    }

    /// Whether it must be readable before the connection can go on, and whether writable: one of the two is enough.
    pub(super) fn wanted(&self) -> (bool, bool) {
        let wanted = self.shared.wanted.load(Ordering::Relaxed);
        (wanted & READABLE != 0, wanted & WRITABLE != 0)
    }

    /// Whether bytes have moved since this was asked last.
    pub(super) fn has_moved(&self) -> bool {
        self.shared.moved.swap(false, Ordering::Relaxed)
    }

    /// How long to let the server go on without being woken by what it sends, if that makes sense; see above.
    pub(super) fn pause(&self) -> Option<Duration> {
        // After a pause in which nothing has come the answer may be complete, or the server slow.
        let came = self.shared.came.swap(false, Ordering::Relaxed);
        let asked = Duration::from_nanos(self.shared.asked.load(Ordering::Relaxed));
        if came && self.wanted() == (true, false) { pause(self.shared.opened.elapsed() - asked) } else { None }
    }

    /// Runs `operation` until it is not interrupted; if it would block, notes `wanted` and is pending.
    fn attempt<T>(&self, wanted: u8, mut operation: impl FnMut(&Stream) -> io::Result<T>) -> Poll<io::Result<T>> {
        loop {
            match operation(&self.shared.stream) {
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

/// The pause in an answer that was asked for so long ago.
fn pause(since: Duration) -> Option<Duration> {
    Some((since / PART).min(LONGEST_PAUSE)).filter(|pause| *pause >= SHORTEST_PAUSE)
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.shared.stream.as_fd()
    }
}

fn open_tcp(name: &str, port: u16, deadline: Instant) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, format!("no address known for {name}"));
    for address in (name, port).to_socket_addrs()? {
        let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        match TcpStream::connect_timeout(&address, left) {
            // A page request is a few bytes; waiting to fill a packet would add up to 40 ms to each.
            Ok(stream) => return stream.set_nodelay(true).map(|()| stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.shared.empty.load(Ordering::Relaxed) {
            self.shared.wanted.fetch_or(READABLE, Ordering::Relaxed);
            return Poll::Pending;
        }
        // Filling the buffer with zeros first is the price of reading into it without `unsafe`.
        let space = into.initialize_unfilled();
        let room = space.len();
        match self.attempt(READABLE, |stream| stream.read(space)) {
            Poll::Ready(Ok(0)) if self.shared.reset.load(Ordering::Relaxed) => {
                Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
            }
            Poll::Ready(Ok(count)) => {
                self.shared.empty.store(count < room, Ordering::Relaxed);
                self.shared.came.store(true, Ordering::Relaxed);
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
        // Centuries pass before this is cut off.
        self.shared.asked.store(self.shared.opened.elapsed().as_nanos() as u64, Ordering::Relaxed);
        match self.attempt(WRITABLE, |stream| stream.write(from)) {
            // The server has closed. Why, it has said before, and that is still to be read: failing here would end the
            // connection with its last words unread. Reading comes to the end by itself. (libpq does the same.)
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
        match self.shared.stream.shutdown() {
            // The server closed first: what we wanted has happened.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Poll::Ready(Ok(())),
            result => Poll::Ready(result),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::sockopt::set_socket_linger;
    use std::net::TcpListener;

    /// A socket, and the server's end of it.
    fn pair() -> (Socket, UnixStream) {
        let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
        (Socket::new(Stream::Unix(ours)).expect("it can be made non-blocking"), theirs)
    }

    /// How many bytes a read into a buffer of `room` gets; none if it would have to wait.
    fn read(socket: &mut Socket, room: usize) -> Option<usize> {
        let mut bytes = vec![0; room];
        let mut buffer = ReadBuf::new(&mut bytes);
        match Pin::new(socket).poll_read(&mut Context::from_waker(std::task::Waker::noop()), &mut buffer) {
            Poll::Ready(result) => result.map(|()| buffer.filled().len()).ok(),
            Poll::Pending => None,
        }
    }

    #[test]
    fn after_a_read_that_has_emptied_it_nothing_is_read_before_it_was_waited_for() {
        let (mut socket, mut server) = pair();
        server.write_all(&[7; 10]).expect("there is room");
        socket.begin_turn();
        assert_eq!([read(&mut socket, 4), read(&mut socket, 4)], [Some(4), Some(4)], "filled, there may be more");
        assert_eq!((read(&mut socket, 4), socket.wanted()), (Some(2), (false, false)));
        server.write_all(&[7; 3]).expect("there is room");
        assert_eq!((read(&mut socket, 4), socket.wanted()), (None, (true, false)), "it will be told of");
        socket.begin_turn();
        assert_eq!(read(&mut socket, 4), None, "a turn alone is no reason to look");
        socket.begin_turn();
        socket.look_again();
        assert_eq!((read(&mut socket, 4), socket.wanted()), (Some(3), (false, false)));
    }

    #[test]
    fn the_servers_end_is_seen_when_the_last_bytes_were_read_and_it_was_waited_for() {
        let (mut socket, mut server) = pair();
        server.write_all(&[7; 3]).expect("there is room");
        drop(server);
        assert_eq!([read(&mut socket, 4), read(&mut socket, 4)], [Some(3), None]);
        socket.look_again();
        assert_eq!(read(&mut socket, 4), Some(0));
    }

    #[test]
    fn that_the_connection_was_reset_is_read_also_if_a_write_was_told_of_it_first() {
        let server = TcpListener::bind("127.0.0.1:0").expect("there is a port");
        let ours = TcpStream::connect(server.local_addr().expect("it has one")).expect("it listens");
        let mut socket = Socket::new(Stream::Tcp(ours)).expect("it can be made non-blocking");
        let (theirs, _) = server.accept().expect("it was connected to");
        // Closed with time to linger but none of it left: that resets it.
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
    fn a_pause_is_a_part_of_the_time_that_an_answer_takes_and_never_long() {
        let micros = Duration::from_micros;
        let pauses = [0, 399, 400, 800, 1_600, 1_000_000].map(|since| pause(micros(since)));
        let expected = [None, None, Some(50), Some(100), Some(200), Some(200)].map(|pause| pause.map(micros));
        assert_eq!(pauses, expected);
    }

    #[test]
    fn nobody_pauses_twice_for_nothing() {
        let (mut socket, mut server) = pair();
        // As if it had been opened, and the server asked, a second ago.
        let shared = Arc::get_mut(&mut socket.shared).expect("nobody else has it");
        shared.opened = shared.opened.checked_sub(Duration::from_secs(1)).expect("the machine runs for longer");
        server.write_all(&[7; 3]).expect("there is room");
        assert_eq!([read(&mut socket, 4), read(&mut socket, 4)], [Some(3), None]);
        assert_eq!([socket.pause(), socket.pause()], [Some(LONGEST_PAUSE), None]);
    }
}
