//! A connection to PostgreSQL that counts its bytes and can delay them, to simulate a network.

use crate::access_methods::{explained, socket};
use async_io::{Async, Timer};
use futures_lite::{AsyncRead as _, AsyncWrite as _, future};
use std::collections::VecDeque;
use std::io;
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::{Client, Config, NoTls};

/// Counters of a connection's traffic.
#[derive(Debug, Default)]
pub struct Traffic {
    bytes: AtomicU64,
    rows: AtomicU64,
}

impl Traffic {
    /// Bytes in both directions.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Messages that contain a row.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }
}

/// Connects to the server at `url`, a Unix socket, and runs `work` and the connection on this thread. The server's messages
/// arrive `delay` later, so a round trip takes `delay` longer.
pub fn over<T>(url: &str, delay: Duration, work: impl AsyncFnOnce(Client, Arc<Traffic>) -> T) -> anyhow::Result<T> {
    let config: Config = url.parse()?;
    let traffic = Arc::new(Traffic::default());
    let wire = Wire {
        socket: Async::new(UnixStream::connect(socket(&config)?)?)?,
        traffic: Arc::clone(&traffic),
        messages: Messages::default(),
        delay,
        held: VecDeque::new(),
        timer: None,
        closed: false,
    };
    async_io::block_on(async {
        let (client, connection) = config.connect_raw(wire, NoTls).await.map_err(explained)?;
        let connection = async {
            // When the connection ends, requests fail, and `work` ends with their error.
            let _ = connection.await;
            std::future::pending().await
        };
        Ok(future::or(work(client, traffic), connection).await)
    })
}

struct Wire {
    socket: Async<UnixStream>,
    traffic: Arc<Traffic>,
    messages: Messages,
    delay: Duration,
    /// Bytes that have arrived: the moment from which they may be read, the bytes, and the number already read.
    held: VecDeque<(Instant, Vec<u8>, usize)>,
    timer: Option<Timer>,
    closed: bool,
}

impl Wire {
    /// Receives all bytes in the socket's buffer, up to about a megabyte, which is more than the buffer holds.
    fn receive(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let mut buffer = [0; 16 << 10];
        while !self.closed && self.held.len() < 64 {
            match Pin::new(&mut self.socket).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(0)) => self.closed = true,
                Poll::Ready(Ok(count)) => {
                    self.traffic.bytes.fetch_add(count as u64, Ordering::Relaxed);
                    self.traffic.rows.fetch_add(self.messages.rows_in(&buffer[..count]), Ordering::Relaxed);
                    self.held.push_back((Instant::now() + self.delay, buffer[..count].to_vec(), 0));
                }
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => break,
            }
        }
        Ok(())
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        loop {
            wire.receive(context)?;
            let Some((due, bytes, read)) = wire.held.front_mut() else {
                return if wire.closed { Poll::Ready(Ok(())) } else { Poll::Pending };
            };
            if *due <= Instant::now() {
                let count = into.remaining().min(bytes.len() - *read);
                into.put_slice(&bytes[*read..*read + count]);
                *read += count;
                if *read == bytes.len() {
                    wire.held.pop_front();
                }
                wire.timer = None;
                return Poll::Ready(Ok(()));
            }
            let timer = wire.timer.get_or_insert_with(|| Timer::at(*due));
            ready!(future::FutureExt::poll(timer, context));
            wire.timer = None;
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        let count = ready!(Pin::new(&mut wire.socket).poll_write(context, from))?;
        wire.traffic.bytes.fetch_add(count as u64, Ordering::Relaxed);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_close(context)
    }
}

/// Splits the server's bytes into messages. A message has a type byte, a length of four bytes (which includes itself) and
/// a body.
#[derive(Default)]
pub(crate) struct Messages {
    head: [u8; 5],
    /// Bytes of the head received so far.
    known: usize,
    /// Bytes of the message still to come.
    left: usize,
}

impl Messages {
    pub(crate) fn rows_in(&mut self, mut bytes: &[u8]) -> u64 {
        let mut rows = 0;
        while let Some((first, rest)) = bytes.split_first() {
            if self.left > 0 {
                let passed = self.left.min(bytes.len());
                self.left -= passed;
                bytes = &bytes[passed..];
                continue;
            }
            self.head[self.known] = *first;
            self.known += 1;
            bytes = rest;
            if let [kind, length @ ..] = self.head
                && self.known == self.head.len()
            {
                self.known = 0;
                self.left = (u32::from_be_bytes(length) as usize).saturating_sub(length.len());
                rows += u64::from(kind == b'D');
            }
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mock::message;

    #[test]
    fn rows_are_counted_wherever_the_bytes_are_split() {
        let sent =
            [message(b'D', b"DDDD"), message(b'Z', b"I"), message(b'D', b""), message(b'C', b"SELECT 2\0")].concat();
        for size in 1..=sent.len() {
            let mut messages = Messages::default();
            assert_eq!(
                sent.chunks(size).map(|part| messages.rows_in(part)).sum::<u64>(),
                2,
                "split every {size} bytes"
            );
        }
    }
}
