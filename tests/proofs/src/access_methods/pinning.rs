//! Client and server on a processor each.
//!
//! Left to itself the system sometimes runs both on one processor, because each is woken by the other, and keeps to that
//! while another processor is idle. Then 50 rows at a time are read twice as fast, for nobody has to wake a processor
//! that sleeps, and long streams half as fast. Which it will be differs from process to process, and the ratios that are
//! promised with it. So whoever is timed alone gets one processor, and its server another.

use anyhow::{Context, Result};
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// A processor for whoever is timed, and one for its server.
#[derive(Clone, Copy)]
pub struct Apart {
    all: CpuSet,
    client: CpuSet,
    others: CpuSet,
    server: CpuSet,
}

impl Apart {
    /// The first two processors; none if there is only one. The server gets the first, which answers most interrupts.
    pub fn new() -> Option<Self> {
        let processors = harness::machine::processors();
        let [server, client, ..] = processors[..] else { return None };
        let these = |processors: &[usize]| {
            let mut set = CpuSet::new();
            processors.iter().for_each(|processor| set.set(*processor));
            set
        };
        let (client, others, server) = (these(&[client]), these(&processors[1..]), these(&[server]));
        Some(Apart { all: sched_getaffinity(None).ok()?, client, others, server })
    }

    /// Puts a process on the client's processor.
    ///
    /// # Errors
    /// When the system does not allow it, here and below.
    pub fn client(&self, process: u32) -> Result<()> {
        put(Some(process), &self.client)
    }

    /// Puts a process, and those that it starts from now on, on the server's processor.
    ///
    /// # Errors
    /// When the system does not allow it.
    pub fn server(&self, process: u32) -> Result<()> {
        put(Some(process), &self.server)
    }

    /// Lets a process run where this one may.
    ///
    /// # Errors
    /// When the system does not allow it.
    pub fn anywhere(&self, process: u32) -> Result<()> {
        put(Some(process), &self.all)
    }

    /// Does `work` on the client's processor, with this thread and those that it starts meanwhile.
    ///
    /// # Errors
    /// When the system does not allow it.
    pub fn alone<T>(&self, work: impl FnOnce() -> T) -> Result<T> {
        self.on(&self.client, work)
    }

    /// Does `work` on all processors but the server's, with this thread and those that it starts meanwhile.
    ///
    /// # Errors
    /// When the system does not allow it.
    pub fn beside<T>(&self, work: impl FnOnce() -> T) -> Result<T> {
        self.on(&self.others, work)
    }

    fn on<T>(&self, these: &CpuSet, work: impl FnOnce() -> T) -> Result<T> {
        put(None, these)?;
        let done = work();
        put(None, &self.all)?;
        Ok(done)
    }
}

/// Restricts a process of one thread, or this thread.
fn put(process: Option<u32>, to: &CpuSet) -> Result<()> {
    let named = |process: u32| Pid::from_raw(i32::try_from(process).ok()?);
    let named = process.map(|process| named(process).context("there is no such process")).transpose()?;
    sched_setaffinity(named, to).with_context(|| match process {
        Some(process) => format!("cannot put process {process} on a processor"),
        None => "cannot put this thread on a processor".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_on_the_clients_processor_while_it_works_and_anywhere_afterwards() {
        // On a machine with one processor there is nothing to keep apart.
        let Some(apart) = Apart::new() else { return };
        let before = sched_getaffinity(None).expect("it can be asked");
        let seen = || sched_getaffinity(None).expect("it can be asked");
        let meanwhile = apart.alone(seen).expect("it is allowed");
        assert_eq!((meanwhile.count(), before.count() > 1), (1, true));
        assert!(meanwhile == apart.client && seen() == before);
        let beside = apart.beside(seen).expect("it is allowed");
        assert_eq!(beside.count() + 1, before.count());
        assert!(beside == apart.others && seen() == before);
    }
}
