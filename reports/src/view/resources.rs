//! The tables of resources and of threads for each strategy.

use crate::analysis::resources::CellResources;
use crate::analysis::{Analysis, TaskAnalysis};
use crate::format::{self, NONE};
use crate::view::table::{Entry, Row, Table};
use record::statistics::WarmUp;
use record::{BASELINE, Pool};

/// A column of [`used`]: the figure's name in the record, the head, and the function that formats a value.
type Column = (&'static str, &'static str, fn(f64) -> String);

const COLUMNS: [Column; 11] = [
    ("busy_threads", "busy threads", format::digits),
    ("voluntary_switches", "voluntary switches", format::whole),
    ("involuntary_switches", "involuntary switches", format::whole),
    ("migrations", "moved to another core", format::whole),
    ("minor_faults", "page faults", format::whole),
    ("major_faults", "faults from disk", format::whole),
    ("peak_memory_bytes", "peak memory", format::memory),
    ("cycles", "cycles", format::many),
    ("instructions", "instructions", format::many),
    ("cache_misses", "cache misses", format::many),
    ("energy_uj", "energy", format::joules),
];

/// The table of resources, strategy × cores at the default partition size: medians over samples. A figure that no sample
/// has gets no column; [`unmeasured`] says why.
pub fn used(task: &TaskAnalysis) -> Table {
    let shown: Vec<&CellResources> =
        task.at_default_size().into_iter().filter_map(|result| task.used(&result.cell)).collect();
    let present = |(name, ..): &&Column| shown.iter().any(|resources| resources.used.contains_key(name));
    let columns: Vec<&Column> = COLUMNS.iter().filter(present).collect();
    let row = |resources: &&CellResources| {
        let written = |(name, _, written): &&Column| {
            Entry::bare(resources.used.get(name).map_or_else(|| NONE.into(), |value| written(*value)))
        };
        let mut entries = vec![Entry::bare(format::count(resources.cell.cores.into()))];
        entries.extend(columns.iter().map(written));
        Row { name: format::strategy(&resources.cell.strategy).to_owned(), entries, ..Row::default() }
    };
    let note = &task.results.task;
    Table {
        caption: format!(
            "Resources used by the median sample, with {}. Busy threads are processor time divided by wall time.",
            format::partitions(note.default_size, &note.unit)
        ),
        columns: ["strategy", "cores"].into_iter().chain(columns.iter().map(|(_, head, _)| *head)).collect(),
        rows: shown.iter().map(row).collect(),
    }
}

/// Sentences that name the figures missing from [`used`] and the reasons.
pub fn unmeasured(analysis: &Analysis) -> Vec<String> {
    let reasons = &analysis.environment.run.unmeasured;
    let mut sentences: Vec<String> = reasons
        .iter()
        .map(|(name, reason)| {
            let head = COLUMNS.iter().find(|(other, ..)| other == name).map_or(name.as_str(), |(_, head, _)| head);
            format!("Not measured: {head}. {reason}")
        })
        .collect();
    let cells = || {
        let of_strategies = analysis.tasks.iter().flat_map(|task| &task.resources);
        of_strategies.filter(|it| it.cell.strategy != BASELINE && !it.used.is_empty())
    };
    let silent: Vec<&str> = COLUMNS
        .iter()
        .filter(|(name, ..)| !reasons.contains_key(*name))
        .filter(|(name, ..)| cells().next().is_some() && cells().all(|it| !it.used.contains_key(name)))
        .map(|(_, head, _)| *head)
        .collect();
    if !silent.is_empty() {
        sentences.push(format!("Not measured, and the record does not say why: {}.", silent.join(", ")));
    }
    sentences
}

/// The table of threads and warm-up, strategy × cores at the default partition size.
pub fn threads(task: &TaskAnalysis) -> Table {
    let shown = task.at_default_size();
    let resources = || shown.iter().filter_map(|result| task.used(&result.cell));
    let counted = resources().any(|it| it.used.contains_key("census_alive"));
    let mut columns = vec!["strategy", "cores", "workers asked for"];
    columns.extend(["warm-up ÷ first sample", "first ÷ later samples", "warm-up was"]);
    if counted {
        columns.extend(["threads alive", "running or ready", "threads by name"]);
    } else {
        columns.push("threads at the end");
    }
    let row = |resources: &CellResources| {
        let cell = &resources.cell;
        let warm_up = task.data_quality.warm_up(cell);
        let written = |value: Option<f64>, of: fn(f64) -> String| Entry::bare(value.map_or_else(|| NONE.into(), of));
        let used = |name: &str| written(resources.used.get(name).copied(), format::whole);
        let mut entries = vec![
            Entry::bare(format::count(cell.cores.into())),
            Entry::bare(format::count(cell.workers.into())),
            written(warm_up.and_then(|it| it.untimed_by_first), format::digits),
            written(warm_up.and_then(|it| it.first_by_later), format::digits),
            Entry::bare(warm_up.map_or(NONE, |it| verdict(it.warm_up))),
        ];
        if counted {
            entries.extend([used("census_alive"), used("census_runnable"), pools(&resources.pools)]);
        } else {
            entries.push(used("threads"));
        }
        Row { name: format::strategy(&cell.strategy).to_owned(), entries, ..Row::default() }
    };
    let census = if counted {
        "Threads, including the main thread, were sampled repeatedly during each sample. For each thread name: the highest \
         count in any sample, and whether those threads ran jobs. "
    } else {
        "The record has no census of threads. "
    };
    Table {
        caption: format!(
            "{census}The warm-up is the untimed run before a process’s first sample. Each of the two ratio columns divides the earlier run’s time by the \
             later one’s: near 1, the warm-up made no difference; above 1, the earlier run was slower. Ratios are medians over processes."
        ),
        columns,
        rows: resources().map(row).collect(),
    }
}

fn verdict(warm_up: WarmUp) -> &'static str {
    match warm_up {
        WarmUp::Unknown => "not known",
        WarmUp::Enough { .. } => "enough",
        WarmUp::TooLittle { .. } => "too little",
    }
}

/// `2 rayon-worker, 1 main (no job)`.
fn pools(pools: &[Pool]) -> Entry {
    let words = |pool: &Pool| {
        let jobs = match pool.working {
            0 => " (no job)".into(),
            working if working < pool.threads => format!(" ({working} with jobs)"),
            _ => String::new(),
        };
        format!("{} {}{jobs}", pool.threads, pool.name)
    };
    match pools {
        [] => Entry::none(),
        pools => Entry::bare(pools.iter().map(words).collect::<Vec<_>>().join(", ")),
    }
}
