//! A source that is pulled item by item: the partitions of a task, the jobs of a run.
//!
//! Most sources are iterators: pulling computes the next item. A source that reads from a socket may have to wait. A thread
//! that pulls blocks until the item is there. A future that pulls awaits the socket through its own runtime, so a source
//! only names the socket and needs no runtime.

use std::os::fd::BorrowedFd;
use std::task::Poll;
use std::time::Instant;

/// A source. Every iterator is one.
pub trait Source<T>: Send {
    /// The next item; blocks this thread until it is there. `None` after the last.
    fn pull(&mut self) -> Option<T>;

    /// The next item, or `Pending` if the source has to wait for it. A source that may wait overrides this and
    /// [`waits_for`](Source::waits_for).
    fn try_pull(&mut self) -> Poll<Option<T>> {
        Poll::Ready(self.pull())
    }

    /// What to wait for before the next attempt. A source that may ever have to wait names its socket from the beginning.
    fn waits_for(&self) -> Option<Waiting<'_>> {
        None
    }
}

/// A socket, the conditions of which any one ends the wait, and the time limit.
#[derive(Debug, Clone, Copy)]
pub struct Waiting<'a> {
    /// The socket; non-blocking.
    pub socket: BorrowedFd<'a>,
    /// Wait until there is something to read.
    pub readable: bool,
    /// Wait until there is space to write.
    pub writable: bool,
    /// When to try again even if the socket is not ready.
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
