//! The table of other programs doing the same job.

use crate::analysis::peers::PeerResult;
use crate::format::{self, NONE};
use crate::view::table::{Entry, Row, Table};
use record::Role;

/// The caveat about every one of these times.
pub const CAVEAT: &str = "Each time is that of a whole process, from start to end, on as many cores as threads. The strategies run inside a \
 process that is already running.";

/// The least processor time, in nanoseconds, for which the share in the kernel is accurate enough. Some kernels sample
/// that share only at clock ticks, which are up to 10 ms apart.
const MANY_TICKS: u64 = 100_000_000;

/// One row for each program and number of threads; `None` without peers.
pub fn table(task: &str, peers: &[PeerResult]) -> Option<Table> {
    let checked = "All programs that add up words give the same totals as ours.";
    (!peers.is_empty()).then(|| Table {
        caption: format!(
            "Median times of other programs for the job of {task}, run in turn on the same file. {CAVEAT} Start is the time of \
             the same program for the file’s first line alone. The kernel copies data that is read, and maps and unmaps pages. Its \
             share is not known below 100 ms of processor time. Memory is that of the largest process. {checked}"
        ),
        columns: vec![
            "peer",
            "threads",
            "time",
            "start",
            "processor time",
            "page faults",
            "peak memory",
            "× this program",
            "what it is",
        ],
        rows: peers.iter().map(row).collect(),
    })
}

/// The heads, then for each program its threads, its time and its time by ours, as a narrow terminal shows them.
pub fn summary(peers: &[PeerResult]) -> Vec<Vec<String>> {
    let heads = ["", "threads", "time", "× this program", ""].map(str::to_owned).to_vec();
    let summarised = |result: &PeerResult| {
        let row = row(result);
        let value = |nth: usize| row.entries.get(nth).map(|entry| entry.value.clone()).unwrap_or_default();
        vec![row.name.clone(), value(0), value(1), value(6), result.peer.reason.clone()]
    };
    [heads].into_iter().chain(peers.iter().map(summarised)).collect()
}

fn row(result: &PeerResult) -> Row {
    let peer = &result.peer;
    let written = |value: Option<f64>, of: fn(f64) -> String| value.map_or_else(|| NONE.into(), of);
    let in_kernel = result.system_ns.filter(|_| peer.runs.iter().all(|run| run.cpu_ns >= MANY_TICKS)).map(|ns| {
        let few = MANY_TICKS as f64 / 10.0;
        if ns < few { format!("kernel < {}", format::time(few)) } else { format!("kernel {}", format::time(ns)) }
    });
    let runs = match peer.runs.len() {
        0 => String::new(),
        1 => "1 run".into(),
        many => format!("{} runs", format::count(many as u64)),
    };
    let walls = || peer.runs.iter().map(|run| run.wall_ns);
    let extremes = walls().min().zip(walls().max()).filter(|_| peer.runs.len() > 1);
    let spread =
        extremes.map(|(least, most)| format!("{} to {}", format::time(least as f64), format::time(most as f64)));
    Row {
        name: peer.name.clone(),
        remark: match peer.role {
            Role::Floor => "floor".into(),
            Role::Own => "ours".into(),
            Role::Other => String::new(),
        },
        leads: peer.role == Role::Own,
        entries: vec![
            Entry::new(format::count(peer.threads.into()), runs),
            Entry::new(written(result.wall_ns, format::time), spread.unwrap_or_default()),
            Entry::bare(written(result.start_ns, format::time)),
            Entry::new(written(result.cpu_ns, format::time), in_kernel.unwrap_or_default()),
            Entry::bare(written(result.minor_faults, format::whole)),
            Entry::bare(written(result.peak_memory_bytes, format::memory)),
            Entry::bare(written(result.by_ours, |ratio| format!("{}×", format::digits(ratio)))),
            Entry::new(&peer.about, if peer.reason.is_empty() { &peer.version } else { &peer.reason }),
        ],
    }
}
