//! Prepares what the tasks read, before anything is measured: generated files and database servers.

use crate::find_task;
use crate::interrupt::Interrupt;
use anyhow::{Result, anyhow, bail};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;
use tasks::{Data, Inputs, Preparation, PreparedServer, Unprepared};

/// The completed inputs and the servers that they name. Dropping this value stops our own servers and drops our
/// schemas.
pub struct Prepared {
    /// The inputs, including defaults for everything that the user left open.
    pub inputs: Inputs,
    /// Notes for the record about what was found and chosen.
    pub notes: BTreeMap<String, String>,
    /// Tasks that cannot run, each with the reason.
    pub skipped: Vec<(String, String)>,
    servers: Vec<Box<dyn PreparedServer>>,
    /// Why a server did not come back.
    lost: Option<String>,
}

impl Prepared {
    /// Completes `inputs` with the [`tasks::Hooks`] of the named tasks. Generated files stay in `folder`.
    ///
    /// A signal during this work ends the program at once, because partial files are never mistaken for complete ones
    /// and a watchdog stops our own server. A database that the user gave is the exception: a signal ends every wait for
    /// it, and our schemas there are dropped first.
    ///
    /// # Errors
    /// When data cannot be made, or something that the inputs name is missing. A task that this machine cannot run is
    /// skipped.
    pub fn prepare(
        tasks: &[&str],
        inputs: Inputs,
        folder: &Path,
        interrupt: &Interrupt,
        say: &dyn Fn(&str),
    ) -> Result<Self> {
        let (notes, unavailable) = Default::default();
        let (stop, servers) = (interrupt.flag(), Vec::new());
        let mut preparation = Preparation { inputs, folder, say, stop, notes, servers, unavailable };
        let mut skipped = Vec::new();
        for entry in tasks.iter().filter_map(|task| find_task(task)) {
            let is_given = (entry.hooks.data)(&preparation.inputs).database.is_some();
            let mut prepare = || (entry.hooks.prepare)(&mut preparation);
            let prepared = if is_given { prepare() } else { interrupt.at_once(prepare) };
            match prepared {
                Ok(()) => {}
                Err(Unprepared::Skip(reason)) => skipped.push((entry.name.to_owned(), reason)),
                Err(Unprepared::Fail(reason)) => bail!(reason),
            }
            if interrupt.is_asked() {
                bail!("interrupted while preparing {}; nothing was measured", entry.name);
            }
        }
        let Preparation { inputs, notes, servers, .. } = preparation;
        Ok(Prepared { inputs, notes, skipped, servers, lost: None })
    }

    /// Brings the servers back that have died, if `task` reads from a server. Returns whether one had died.
    ///
    /// # Errors
    /// When a server does not come back.
    pub fn revive(&mut self, task: &str) -> Result<bool> {
        let reads_server = find_task(task).is_some_and(|entry| (entry.hooks.data)(&self.inputs).database.is_some());
        let mut died = false;
        for server in self.servers.iter_mut().filter(|_| reads_server) {
            if is_dead(&**server) {
                died = true;
                // Each attempt may take half a minute, so there is one.
                let revived = self.lost.clone().map_or_else(|| server.revive(), Err);
                if let Err(reason) = revived {
                    self.lost = Some(reason.clone());
                    bail!("the server has died and does not come back: {reason}");
                }
            }
        }
        Ok(died)
    }

    /// Stops the servers.
    ///
    /// # Errors
    /// When a server cannot be stopped or a schema cannot be dropped.
    pub fn end(self) -> Result<()> {
        self.servers.into_iter().try_for_each(|server| server.stop().map_err(|reason| anyhow!(reason)))
    }
}

/// Whether a server has died. A server that is about to end may still answer once.
fn is_dead(server: &dyn PreparedServer) -> bool {
    !server.is_alive() || {
        std::thread::sleep(Duration::from_millis(100));
        !server.is_alive()
    }
}

/// Lists what the named tasks read, each source once.
pub fn read_by(tasks: &[&str], inputs: &Inputs) -> BTreeSet<Data> {
    tasks.iter().filter_map(|task| find_task(task)).map(|entry| (entry.hooks.data)(inputs)).collect()
}
