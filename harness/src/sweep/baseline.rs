//! Measures the baseline of a task once before the first block. Every other answer is compared with the baseline's
//! answer.

use crate::data::Prepared;
use crate::interrupt::Interrupt;
use crate::measure::child::{End, measure};
use crate::measure::protocol::{Message, Order};
use crate::plan::Plan;
use crate::plan::cells::Cell;
use crate::plan::staging::Cost;
use crate::{find_task, load_task, machine};
use anyhow::{Context, Result, bail};
use record::{TaskNote, Times};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The measured baseline of a task.
pub(super) struct Baseline {
    /// The task's description for the record.
    pub(super) note: TaskNote,
    pub(super) times: Times,
    /// The time of the process besides its runs.
    process: Duration,
    /// The figures that this machine does not provide, each with the reason.
    pub(super) unmeasured: BTreeMap<String, String>,
}

impl Baseline {
    pub(super) fn cpu_ns(&self) -> u64 {
        self.times.user_ns + self.times.system_ns
    }

    /// Returns the time of one run.
    pub(super) fn run(&self) -> Duration {
        Duration::from_nanos(self.times.wall_ns)
    }

    /// Returns the costs of the task's cells on this number of cores.
    pub(super) fn cost(&self, cores: u64) -> Cost {
        let sizing = find_task(&self.note.name).and_then(|entry| entry.sizing);
        Cost {
            run_ns: self.times.wall_ns,
            process_ns: u64::try_from(self.process.as_nanos()).unwrap_or(u64::MAX),
            speed_up: sizing.map_or(cores, |sizing| (sizing.speed_up)(cores)),
        }
    }
}

/// The most attempts to measure a baseline.
const ATTEMPTS: u32 = 3;

/// Measures a task's baseline. The inner error is the reason why the task cannot be measured.
pub(super) fn measure_baseline(
    task: &str,
    prepared: &mut Prepared,
    plan: &Plan,
    interrupt: &Interrupt,
) -> Result<std::result::Result<Baseline, String>> {
    let entry = find_task(task).with_context(|| format!("no task `{task}`; `goldilocks list` names them all"))?;
    let order = Order::for_cell(&Cell::baseline(task), &prepared.inputs, &machine::processors(), 1)?;
    // The limit is generous, because the limits of all other processes derive from the baseline's time, which is not
    // known yet.
    let patience = Duration::from_secs_f64(plan.patience_s) * 20;
    let (mut sample, mut unmeasured) = (None, BTreeMap::new());
    let mut started = Instant::now();
    // A reason outside the program, such as a killed process or a dead server, may not be there at the next attempt.
    for attempt in 1..=ATTEMPTS {
        started = Instant::now();
        let end = measure(&order, patience, interrupt, |message| {
            match message {
                Message::Sample { digest, figures, times, .. } => sample = Some((digest, figures, *times)),
                Message::Started { unmeasured: reasons, .. } => unmeasured = reasons,
                _ => {}
            }
            Ok(())
        })?;
        match end {
            End::Failed(failure) => match prepared.revive(task) {
                Ok(died) if (died || failure.outside) && attempt < ATTEMPTS => sample = None,
                Ok(_) => return Ok(Err(failure.reason)),
                Err(error) => return Ok(Err(format!("{}; {error:#}", failure.reason))),
            },
            End::Done => break,
            End::Interrupted => bail!("interrupted before anything was measured"),
        }
    }
    if interrupt.is_asked() {
        bail!("interrupted before anything was measured");
    }
    let took = started.elapsed();
    let Some((digest, answer, times)) = sample else { return Ok(Err("its baseline gave no answer".to_owned())) };
    let note = TaskNote {
        name: task.to_owned(),
        about: entry.about.to_owned(),
        unit: entry.unit.to_owned(),
        options: (entry.options)(&prepared.inputs),
        items: load_task(task, &prepared.inputs).ok().and_then(|(task, _)| task.items()),
        sizes: plan.sizes(task).to_vec(),
        default_size: plan.default_size(task),
        sizing: String::new(),
        digest,
        answer,
        details: (entry.hooks.details)(),
        grown: Vec::new(),
    };
    let process = took.saturating_sub(Duration::from_nanos(times.wall_ns) * 2);
    Ok(Ok(Baseline { note, times, process, unmeasured }))
}
