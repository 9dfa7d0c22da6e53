//! What the tasks read: made or started before anything is measured.

use crate::find_task;
use crate::interrupt::Interrupt;
use anyhow::{Result, anyhow, bail};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tasks::{Data, Inputs, Preparation, Unprepared};

/// Inputs that are complete, and the servers behind them. Dropping it stops our own servers and drops our schemas.
pub struct Prepared {
    /// The inputs, with everything filled in that the user left open.
    pub inputs: Inputs,
    /// What was found and chosen, for the record.
    pub notes: BTreeMap<String, String>,
    /// Tasks that cannot be run, and why.
    pub skipped: Vec<(String, String)>,
    stops: Vec<Box<dyn FnOnce() -> Result<(), String>>>,
}

impl Prepared {
    /// Completes `inputs` for the tasks of these names by their [`tasks::Hooks`]; what they make stays in `folder`.
    ///
    /// A signal meanwhile ends the program at once: a partial file is never taken for a complete one, and a watchdog stops
    /// our own server. Only a database that was given holds something that must be dropped first.
    ///
    /// # Errors
    /// When data cannot be made, or something is missing that the inputs name. A task that this machine cannot run is skipped.
    pub fn prepare(
        tasks: &[&str],
        inputs: Inputs,
        folder: &Path,
        interrupt: &Interrupt,
        say: &dyn Fn(&str),
    ) -> Result<Self> {
        let (notes, unavailable) = Default::default();
        let mut preparation = Preparation { inputs, folder, say, notes, stops: Vec::new(), unavailable };
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
        }
        let Preparation { inputs, notes, stops, .. } = preparation;
        Ok(Prepared { inputs, notes, skipped, stops })
    }

    /// Stops the servers.
    ///
    /// # Errors
    /// When something of ours could not be removed.
    pub fn end(self) -> Result<()> {
        self.stops.into_iter().try_for_each(|stop| stop().map_err(|reason| anyhow!(reason)))
    }
}

/// What the tasks of these names read, each source once.
pub fn read_by(tasks: &[&str], inputs: &Inputs) -> BTreeSet<Data> {
    tasks.iter().filter_map(|task| find_task(task)).map(|entry| (entry.hooks.data)(inputs)).collect()
}
