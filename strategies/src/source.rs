//! A source of items, such as the partitions of a task or the jobs of a run.
//!
//! Most sources are iterators, which compute the next item. A source that reads from a socket may have to wait. If a
//! thread pulls, it blocks until the item is available. If a future pulls, it awaits the socket through its own
//! runtime. The source only names the socket and needs no runtime.

use std::os::fd::BorrowedFd;
use std::task::Poll;
use std::time::Instant;

/// A source of items. Every iterator is a source.
pub trait Source<T>: Send {
    /// Returns the next item, and blocks this thread until it is available. `None` after the last item.
    fn pull(&mut self) -> Option<T>;

    /// Returns the next item, or `Pending` if the source has to wait. A source that may wait overrides this method and
    /// [`waits_for`](Source::waits_for).
    fn try_pull(&mut self) -> Poll<Option<T>> {
        Poll::Ready(self.pull())
    }

    /// Returns the condition to await before the next attempt. A source that may have to wait names its socket from the
    /// beginning.
    fn waits_for(&self) -> Option<Waiting<'_>> {
        None
    }
}

/// A socket, and the conditions that end the wait. Any one condition ends it.
#[derive(Debug, Clone, Copy)]
pub struct Waiting<'a> {
    /// The socket, in non-blocking mode.
    pub socket: BorrowedFd<'a>,
    /// `true` to wait until the socket is readable.
    pub readable: bool,
    /// `true` to wait until the socket is writable.
    pub writable: bool,
    /// The time of the next attempt if the socket is not ready earlier.
    pub until: Option<Instant>,
}

impl<T, I: Iterator<Item = T> + Send> Source<T> for I {
    fn pull(&mut self) -> Option<T> {
        self.next()
    }
}

impl<T> Iterator for Box<dyn Source<T>> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.as_mut().pull()
    }
}
