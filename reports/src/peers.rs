//! What other programs take for a task's job: lines to compare with, each a whole process from its start to its end.

use crate::figures;
use crate::record::{Peer, PeerRun, Role};
use crate::statistics;
use crate::table::{Entry, Row, Table};

/// What a reader must know of every one of these times.
pub const CAVEAT: &str = "Each is a whole process, timed from its start to its end, on as many processors as it has \
     threads; the strategies are timed inside of one that is up already.";

/// The middle of a figure over a peer's runs; `None` if it has none.
pub fn median(peer: &Peer, figure: impl Fn(&PeerRun) -> u64) -> Option<f64> {
    statistics::median(&peer.runs.iter().map(|run| figure(run) as f64).collect::<Vec<_>>())
}

/// Of those that are not this program, each with the most threads that it was timed with up to `cores`: name and time.
pub fn lines<'a>(peers: &[&'a Peer], cores: u32) -> Vec<(&'a str, f64)> {
    let mut lines: Vec<(&Peer, f64)> = Vec::new();
    for peer in peers.iter().filter(|peer| peer.role != Role::Own && peer.threads <= cores) {
        let Some(time) = median(peer, |run| run.wall_ns) else { continue };
        match lines.iter_mut().find(|(other, _)| other.name == peer.name) {
            Some(line) if line.0.threads < peer.threads => *line = (peer, time),
            Some(_) => {}
            None => lines.push((peer, time)),
        }
    }
    lines.into_iter().map(|(peer, time)| (&*peer.name, time)).collect()
}

/// One row for each peer and number of threads; `None` if nobody was asked.
pub fn table(peers: &[&Peer]) -> Option<Table> {
    let first = peers.first()?;
    // Only a whole process may be compared with whole processes: this program's quickest way with as many threads.
    let own = |threads: u32| {
        let own = peers.iter().filter(|peer| peer.role == Role::Own && peer.threads == threads);
        own.filter_map(|peer| median(peer, |run| run.wall_ns)).min_by(f64::total_cmp)
    };
    let row = |peer: &&Peer| {
        let time =
            |figure: fn(&PeerRun) -> u64| median(peer, figure).map_or_else(|| figures::NONE.into(), figures::time);
        let ratio = median(peer, |run| run.wall_ns).zip(own(peer.threads)).map(|(time, own)| time / own);
        let memory = median(peer, |run| run.peak_memory_bytes);
        let extremes = peer.runs.iter().map(|run| run.wall_ns).min().zip(peer.runs.iter().map(|run| run.wall_ns).max());
        let spread = extremes
            .filter(|_| peer.runs.len() > 1)
            .map(|(least, most)| format!("{} to {}", figures::time(least as f64), figures::time(most as f64)));
        Row {
            name: peer.name.clone(),
            remark: match peer.role {
                Role::Floor => "floor".into(),
                Role::Own => "this program".into(),
                Role::Other => String::new(),
            },
            leads: peer.role == Role::Own,
            entries: vec![
                Entry::bare(figures::count(peer.threads.into())),
                Entry::new(time(|run| run.wall_ns), spread.unwrap_or_default()),
                Entry::bare(time(|run| run.start_ns)),
                Entry::bare(time(|run| run.cpu_ns)),
                Entry::bare(memory.map_or_else(|| figures::NONE.into(), figures::memory)),
                Entry::bare(ratio.map_or_else(|| figures::NONE.into(), |ratio| format!("{}×", figures::digits(ratio)))),
                Entry::bare(figures::count(peer.runs.len() as u64)),
                Entry::new(&peer.about, if peer.reason.is_empty() { &peer.version } else { &peer.reason }),
            ],
        }
    };
    let checked = "Those that add up words were checked to have our totals, each of them.";
    Some(Table {
        caption: format!(
            "What others take for the job of {}, on the same file and by turns; medians. {CAVEAT} Of that, start is what \
             the same program takes for the file’s first line alone. {checked}",
            first.task
        ),
        columns: vec![
            "peer",
            "threads",
            "time",
            "start",
            "processor time",
            "peak memory",
            "× this program",
            "runs",
            "what it is",
        ],
        rows: peers.iter().map(row).collect(),
    })
}
