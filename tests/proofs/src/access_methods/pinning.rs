//! Pins the client and the server to one core each.
//!
//! Client and server wake each other. Without pinning, the kernel therefore sometimes keeps both on one core while another
//! core idles. Pages of 50 rows are then read twice as fast, because no sleeping core must wake. Long streams are read half
//! as fast. The placement differs between processes, and every promised ratio depends on it.

use anyhow::{Context, Result};
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// One core for the timed client, and one for its server.
#[derive(Clone, Copy)]
pub struct Pinning {
    all: CpuSet,
    client: CpuSet,
    others: CpuSet,
    server: CpuSet,
}

impl Pinning {
    /// Uses the first two cores. Returns `None` on a machine with one core. The server gets the first core, which handles
    /// most interrupts.
    pub fn new() -> Option<Self> {
        let processors = harness::machine::processors();
        let [server, client, ..] = processors[..] else { return None };
        let (client, others, server) = (set(&[client]), set(&processors[1..]), set(&[server]));
        Some(Pinning { all: sched_getaffinity(None).ok()?, client, others, server })
    }

    /// Moves a process to the client's core.
    pub fn client(&self, process: u32) -> Result<()> {
        restrict(Some(process), &self.client)
    }

    /// Moves a process, and its future child processes, to the server's core.
    pub fn server(&self, process: u32) -> Result<()> {
        restrict(Some(process), &self.server)
    }

    /// Lets a process run on every core that this process may use.
    pub fn anywhere(&self, process: u32) -> Result<()> {
        restrict(Some(process), &self.all)
    }

    /// Runs `work` on this thread, pinned to the client's core. Threads that `work` starts inherit the core.
    pub fn on_client_core<T>(&self, work: impl FnOnce() -> T) -> Result<T> {
        on(&self.client, &self.all, work)
    }

    /// Runs `work` on this thread, restricted to all cores except the server's. Threads that `work` starts inherit that.
    pub fn beside_server<T>(&self, work: impl FnOnce() -> T) -> Result<T> {
        on(&self.others, &self.all, work)
    }
}

/// Runs `work` on this thread, pinned to the last core, because the first handles most interrupts. Threads and processes
/// that `work` starts inherit the core.
pub fn on_one_core<T>(work: impl FnOnce() -> T) -> Result<T> {
    let all = sched_getaffinity(None).context("cannot read the cores that this thread may use")?;
    let last = *harness::machine::processors().last().context("no core may be used")?;
    on(&set(&[last]), &all, work)
}

fn set(processors: &[usize]) -> CpuSet {
    let mut set = CpuSet::new();
    processors.iter().for_each(|processor| set.set(*processor));
    set
}

fn on<T>(these: &CpuSet, before: &CpuSet, work: impl FnOnce() -> T) -> Result<T> {
    restrict(None, these)?;
    let done = work();
    restrict(None, before)?;
    Ok(done)
}

/// Restricts a single-threaded process, or this thread for `None`, to these cores.
fn restrict(process: Option<u32>, to: &CpuSet) -> Result<()> {
    let named = |process: u32| Pid::from_raw(i32::try_from(process).ok()?);
    let named = process.map(|process| named(process).context("there is no such process")).transpose()?;
    sched_setaffinity(named, to).with_context(|| match process {
        Some(process) => format!("cannot pin process {process} to a core"),
        None => "cannot pin this thread to a core".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_stays_on_its_core_during_the_work_and_may_use_all_cores_afterwards() {
        let seen = || sched_getaffinity(None).expect("the kernel reports the affinity");
        let before = seen();
        assert_eq!(on_one_core(seen).expect("pinning is allowed").count(), 1);
        assert!(seen() == before);
        // A machine with one core needs no pinning.
        let Some(pinning) = Pinning::new() else { return };
        let meanwhile = pinning.on_client_core(seen).expect("pinning is allowed");
        assert_eq!((meanwhile.count(), before.count() > 1), (1, true));
        assert!(meanwhile == pinning.client && seen() == before);
        let beside = pinning.beside_server(seen).expect("pinning is allowed");
        assert_eq!(beside.count() + 1, before.count());
        assert!(beside == pinning.others && seen() == before);
    }
}
