//! What is pulled one by one: the partitions of a task, the jobs of a run.
//!
//! Most sources are iterators: pulling computes what comes next. One that reads from a socket may have to wait. Whoever pulls
//! from a thread waits with that thread. Whoever pulls from a future awaits the socket, by the means of its own runtime: a
//! source says what it waits for, and brings no runtime.

use std::os::fd::BorrowedFd;
use std::task::Poll;
use std::time::Instant;

/// A source. Every iterator is one.
pub trait Source<T>: Send {
    /// The next, waiting for it with this thread; `None` after the last.
    fn pull(&mut self) -> Option<T>;

    /// The next, unless it has to be waited for. Override it together with [`waits_for`](Source::waits_for) where it may be.
    fn try_pull(&mut self) -> Poll<Option<T>> {
        Poll::Ready(self.pull())
    }

    /// What to wait for before trying again. A source that may ever have to wait names its socket from the beginning.
    fn waits_for(&self) -> Option<Waiting<'_>> {
        None
    }
}

/// A socket, what it must be ready for, where either of the two is enough, and how long that is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Waiting<'a> {
    /// The socket; non-blocking.
    pub socket: BorrowedFd<'a>,
    /// There is something to read.
    pub readable: bool,
    /// There is room to write.
    pub writable: bool,
    /// When the source wants to be asked again although the socket is not ready.
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
