//! Why a strategy is far behind the fastest: on what its workers spent the time that the fastest's did not.

use crate::analysis::results::{Measured, Sweep};
use crate::view::format;
use record::statistics::{self, Blocks};
use record::{Sample, Times};

/// By what share of the quickest median a strategy may take longer before it is said why.
pub const FAR: f64 = 0.25;

/// What is less than this share of the difference is no reason for it.
const WORTH_NAMING: f64 = 0.2;

/// On what a worker spends time. For each sample these add up to its wall time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The task's own work, which the strategy only starts.
    Task,
    /// What a job's span is longer than the task's own work.
    Shipping,
    /// The gaps between a worker's jobs.
    Between,
    /// The time before a worker's first job and after its last.
    Ends,
    /// The final reduce.
    Reduce,
}

const CAUSES: [Cause; 5] = [Cause::Task, Cause::Shipping, Cause::Between, Cause::Ends, Cause::Reduce];

impl Cause {
    /// What a worker spent on this in a sample, in nanoseconds, as the mean of its workers. `None` if the record is too old
    /// to say.
    fn spent(self, sample: &Sample) -> Option<f64> {
        let times: &Times = sample.times.as_ref()?;
        let workers = f64::from(sample.cell.workers.max(1));
        let [jobs, task, ends] =
            [times.in_jobs_ns?, times.in_task_ns?, times.at_ends_ns?].map(|all| all as f64 / workers);
        Some(match self {
            Cause::Task => task,
            Cause::Shipping => jobs - task,
            Cause::Between => times.run_ns as f64 - jobs - ends,
            Cause::Ends => ends,
            Cause::Reduce => times.reduce_ns as f64,
        })
    }

    fn words(self) -> &'static str {
        match self {
            Cause::Task => "in the task’s own work, which took longer there",
            Cause::Shipping => "shipping jobs to workers that share no memory, and their partials back",
            Cause::Between => "without a job between two jobs",
            Cause::Ends => "without a job before its first or after its last",
            Cause::Reduce => "in the final reduce",
        }
    }
}

/// A strategy that is far behind.
#[derive(Debug, Clone, PartialEq)]
pub struct Behind {
    /// Its name.
    pub strategy: String,
    /// The name of the fastest.
    pub fastest: String,
    /// Its median time, in nanoseconds.
    pub ns: f64,
    /// The fastest's.
    pub fastest_ns: f64,
    /// What its workers spent more on than the fastest's, and how much in nanoseconds, the most first: medians, and only
    /// what is worth naming.
    pub causes: Vec<(Cause, f64)>,
    /// How much more they spent in the task's own work, in nanoseconds; negative if it was less.
    pub in_task_ns: f64,
    /// Whether it can be told from the fastest: medians may differ where blocks differ too much to say so.
    pub surely: bool,
}

impl Behind {
    /// How much of its time the strategy itself spent more than the fastest, in nanoseconds: what is named, but for the
    /// task's own work; and no more than the difference without that, for elsewhere it may have spent less.
    pub fn explained_ns(&self) -> f64 {
        let named: f64 = self.causes.iter().filter(|(cause, _)| *cause != Cause::Task).map(|(_, ns)| ns).sum();
        named.min(self.ns - self.fastest_ns - self.in_task_ns)
    }

    /// `processes takes 40 % longer than rayon, 292 ms and not 208 ms. More of a worker’s time went by: 62.1 ms shipping …`
    pub fn sentence(&self) -> String {
        let time = format::time;
        let causes: Vec<String> =
            self.causes.iter().map(|(cause, ns)| format!("{} {}", time(*ns), cause.words())).collect();
        let more = format::percent(self.ns / self.fastest_ns - 1.0);
        let who = if self.surely {
            format!("{} takes {more} longer than {}", self.strategy, self.fastest)
        } else {
            let (own, other) = (&self.strategy, &self.fastest);
            format!("{own} cannot be told from {other}, but its median time is {more} longer")
        };
        format!(
            "{who}, {} and not {}. {}.",
            time(self.ns),
            time(self.fastest_ns),
            if causes.is_empty() {
                "What its workers did with the time does not show why".into()
            } else {
                format!("More of a worker’s time went by: {}", causes.join("; "))
            }
        )
    }
}

/// The strategies that are far behind the quickest median on the most cores at the default partition size. Empty if the
/// record does not say what workers did with their time.
pub fn behind(sweep: &Sweep) -> Vec<Behind> {
    let Some(cores) = sweep.most_cores() else { return Vec::new() };
    let candidates: Vec<(&Measured, f64, [f64; 5])> = sweep
        .strategies
        .iter()
        .filter_map(|(_, strategy)| sweep.sound(&strategy.name, cores, sweep.task.default_size))
        .filter_map(|measured| Some((measured, measured.time?.value, spent(measured)?)))
        .collect();
    let Some((fastest, fastest_ns, its)) = candidates.iter().min_by(|one, other| one.1.total_cmp(&other.1)) else {
        return Vec::new();
    };
    let is_slower = |measured: &Measured| {
        let both = [("slower", &measured.blocks), ("fastest", &fastest.blocks)];
        statistics::tie_groups(&both).first().is_some_and(|place| !place.contains(&"slower"))
    };
    let far = candidates.iter().filter(|(_, ns, _)| *ns > fastest_ns * (1.0 + FAR));
    far.map(|(measured, ns, own)| {
        let more = CAUSES.into_iter().zip(own.iter().zip(its).map(|(own, its)| own - its));
        let mut causes: Vec<(Cause, f64)> =
            more.filter(|(_, more)| *more >= WORTH_NAMING * (ns - fastest_ns)).collect();
        causes.sort_by(|one, other| other.1.total_cmp(&one.1));
        Behind {
            strategy: measured.cell.strategy.clone(),
            fastest: fastest.cell.strategy.clone(),
            ns: *ns,
            fastest_ns: *fastest_ns,
            in_task_ns: own[0] - its[0],
            surely: is_slower(measured),
            causes,
        }
    })
    .collect()
}

/// What a worker of a cell spent on each cause: in the median process, as its time is.
fn spent(measured: &Measured) -> Option<[f64; 5]> {
    let mut all = [0.0; 5];
    for (place, cause) in CAUSES.into_iter().enumerate() {
        let mut blocks = Blocks::new();
        for sample in &measured.verified {
            blocks.entry(sample.block).or_default().extend(cause.spent(sample));
        }
        let processes: Vec<f64> = blocks.values().filter_map(|samples| statistics::median(samples)).collect();
        all[place] = statistics::median(&processes)?;
    }
    Some(all)
}
