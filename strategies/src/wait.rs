//! Waits for the socket of a source, on the reactor of each runtime.

use crate::Waiting;
use async_io::{Async, Timer};
use futures_lite::future;
use std::io;
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::time::timeout_at;

/// Awaits a socket on async-io's reactor, which async-std and smol use, at most until its time limit.
///
/// # Errors
/// When the reactor cannot watch the socket.
pub async fn on_async_io(waiting: Waiting<'_>) -> io::Result<()> {
    let socket = Async::new_nonblocking(waiting.socket)?;
    let ready = async {
        match waiting.writable {
            true => future::or(socket.writable(), socket.readable()).await,
            false => socket.readable().await,
        }
    };
    let Some(until) = waiting.until else { return ready.await };
    let too_late = async {
        Timer::at(until).await;
        Ok(())
    };
    future::or(ready, too_late).await
}

/// Awaits a socket on tokio's reactor, at most until its time limit.
///
/// # Errors
/// When the reactor cannot watch the socket.
pub async fn on_tokio(waiting: Waiting<'_>) -> io::Result<()> {
    let read = waiting.readable.then_some(Interest::READABLE);
    let write = waiting.writable.then_some(Interest::WRITABLE);
    let interest = read.into_iter().chain(write).reduce(Interest::add).unwrap_or(Interest::READABLE);
    // The socket may be of another family, because this code only waits for it.
    let socket = std::os::unix::net::UnixStream::from(waiting.socket.try_clone_to_owned()?);
    let socket = UnixStream::from_std(socket)?;
    let Some(until) = waiting.until else { return socket.ready(interest).await.map(drop) };
    // A timeout is not an error, because the caller tries the source again in either case.
    timeout_at(until.into(), socket.ready(interest)).await.map_or(Ok(()), |ready| ready.map(drop))
}
