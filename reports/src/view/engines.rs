//! The table of distributed engines at the same job.

use crate::analysis::engines::{EngineResult, Engines};
use crate::format::{self, NONE};
use crate::view::table::{Entry, Row, Table};

/// One row for each engine and number of cores.
pub fn table(task: &str, engines: &Engines) -> Table {
    let mut caption = format!(
        "Median times of distributed engines for the job of {task} on the same file, asked through Spark Connect. A query lasts \
         from sending the plan until the last row has arrived. Every answer is the same as ours, byte for byte. The \
         strategies run inside a process that is already running, so a warm query is the fair comparison."
    );
    if let Some(best) = &engines.best {
        let cores = format::cores(best.cores);
        caption += &format!(" The best strategy is {} on {cores} with {}.", best.strategy, format::time(best.ns));
    }
    if let Some(cost) = &engines.cost {
        caption += &format!(" {}", cost.sentence);
    }
    Table {
        caption,
        columns: vec![
            "engine",
            "cores",
            "warm query",
            "× one core",
            "× best strategy",
            "first query",
            "engine start",
            "query of one line",
            "processor time",
            "peak memory",
            "what it is",
        ],
        rows: engines.results.iter().map(row).collect(),
    }
}

/// The heads, then the columns that a narrow terminal shows for each engine.
pub fn summary(engines: &Engines) -> Vec<Vec<String>> {
    let heads = ["", "cores", "warm", "× one core", "× best", "first", "start", ""].map(str::to_owned).to_vec();
    let summarised = |result: &EngineResult| {
        let row = row(result);
        let values = [0, 1, 2, 3, 4, 5].map(|nth| row.entries[nth].value.clone());
        [vec![row.name.clone()], values.to_vec(), vec![result.peer.reason.clone()]].concat()
    };
    [heads].into_iter().chain(engines.results.iter().map(summarised)).collect()
}

fn row(result: &EngineResult) -> Row {
    let (peer, queries) = (&result.peer, result.peer.queries.as_ref());
    let written = |value: Option<f64>, of: fn(f64) -> String| value.map_or_else(|| NONE.into(), of);
    let times = |ratio: f64| format!("{}×", format::digits(ratio));
    let walls = || peer.runs.iter().map(|run| run.wall_ns as f64);
    let spread = match peer.runs.len() {
        0 => String::new(),
        1 => "1 query".into(),
        many => {
            let (least, most) = (walls().fold(f64::MAX, f64::min), walls().fold(0.0, f64::max));
            format!("{} to {}, {many} queries", format::time(least), format::time(most))
        }
    };
    let shares = queries.filter(|it| it.workers_ns.len() > 1).map(|it| {
        let total: u64 = it.workers_ns.iter().sum();
        let share = |ns: &u64| format::percent(*ns as f64 / total.max(1) as f64);
        format!("workers {}", it.workers_ns.iter().map(share).collect::<Vec<_>>().join(", "))
    });
    let repeated = queries.filter(|it| it.repeated > 0).map(|it| format!("{} repeated", it.repeated));
    let spread =
        [Some(spread), repeated].into_iter().flatten().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(", ");
    Row {
        name: peer.name.clone(),
        remark: String::new(),
        leads: false,
        entries: vec![
            Entry::bare(format::count(peer.threads.into())),
            Entry::new(written(result.warm_ns, format::time), spread),
            Entry::bare(written(result.by_one_core, times)),
            Entry::bare(written(result.by_best, times)),
            Entry::bare(written(queries.and_then(|it| it.first_ns).map(|ns| ns as f64), format::time)),
            Entry::bare(written(queries.and_then(|it| it.start_ns).map(|ns| ns as f64), format::time)),
            Entry::bare(written(result.line_ns, format::time)),
            Entry::new(written(result.cpu_ns, format::time), shares.unwrap_or_default()),
            Entry::bare(written(result.peak_memory_bytes, format::memory)),
            Entry::new(&peer.about, if peer.reason.is_empty() { &peer.version } else { &peer.reason }),
        ],
    }
}
