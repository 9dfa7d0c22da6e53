//! What other programs take for a task's job: lines to compare with, each a whole process from its start to its end.

use crate::view::format;
use crate::view::table::{Entry, Row, Table};
use record::statistics;
use record::{Peer, PeerRun, Role};

/// What a reader must know of every one of these times.
pub const CAVEAT: &str = "Each is a whole process, timed from its start to its end, on as many processors as it has \
     threads; the strategies are timed inside of one that is up already.";

/// Processor time from which on a share of it is told well enough: where the kernel tells by its clock's ticks, a hundredth of
/// a second apart or less, in which part of a process each found it.
const MANY_TICKS: u64 = 100_000_000;

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

/// The whole job with one of this program's kernels.
#[derive(Debug, Clone, PartialEq)]
pub struct Kernel<'a> {
    /// Its name.
    pub name: &'a str,
    /// Numbers of threads, from one on, and what its quickest way to read takes with so many, in nanoseconds.
    pub times: Vec<(u32, f64)>,
}

impl Kernel<'_> {
    /// What it takes on one thread, in nanoseconds.
    pub fn alone(&self) -> f64 {
        self.times[0].1
    }
}

/// This program's own kernels, the slowest first. Peers of its own are named after the kernel, then how it reads.
pub fn kernels<'a>(peers: &[&'a Peer]) -> Vec<Kernel<'a>> {
    let mut kernels: Vec<Kernel> = Vec::new();
    for peer in peers.iter().filter(|peer| peer.role == Role::Own) {
        let Some(time) = median(peer, |run| run.wall_ns) else { continue };
        let name = peer.name.split('_').next().unwrap_or_default();
        if kernels.iter().all(|kernel| kernel.name != name) {
            kernels.push(Kernel { name, times: Vec::new() });
        }
        let Some(kernel) = kernels.iter_mut().find(|kernel| kernel.name == name) else { continue };
        match kernel.times.iter_mut().find(|(threads, _)| *threads == peer.threads) {
            Some((_, least)) => *least = least.min(time),
            None => kernel.times.push((peer.threads, time)),
        }
    }
    kernels.iter_mut().for_each(|kernel| kernel.times.sort_by_key(|(threads, _)| *threads));
    kernels.retain(|kernel| kernel.times[0].0 == 1);
    kernels.sort_by(|one, other| other.alone().total_cmp(&one.alone()));
    kernels
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
        let time = |figure: fn(&PeerRun) -> u64| median(peer, figure).map_or_else(|| format::NONE.into(), format::time);
        let ratio = median(peer, |run| run.wall_ns).zip(own(peer.threads)).map(|(time, own)| time / own);
        let memory = median(peer, |run| run.peak_memory_bytes);
        // Records of earlier versions do not have these.
        let known = |figure: &dyn Fn(&PeerRun) -> Option<u64>| {
            let of_all = peer.runs.iter().all(|run| figure(run).is_some());
            median(peer, |run| figure(run).unwrap_or_default()).filter(|_| of_all)
        };
        let in_kernel = known(&|run| run.system_ns.filter(|_| run.cpu_ns >= MANY_TICKS)).map(|ns| {
            let few = MANY_TICKS as f64 / 10.0;
            if ns < few { format!("< {}", format::time(few)) } else { format::time(ns) }
        });
        let faults = known(&|run| run.minor_faults).map(|faults| format::count(faults.round() as u64));
        let runs = match peer.runs.len() {
            0 => String::new(),
            1 => "1 run".into(),
            many => format!("{} runs", format::count(many as u64)),
        };
        let extremes = peer.runs.iter().map(|run| run.wall_ns).min().zip(peer.runs.iter().map(|run| run.wall_ns).max());
        let spread = extremes
            .filter(|_| peer.runs.len() > 1)
            .map(|(least, most)| format!("{} to {}", format::time(least as f64), format::time(most as f64)));
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
                Entry::new(time(|run| run.wall_ns), spread.unwrap_or_default()),
                Entry::bare(time(|run| run.start_ns)),
                Entry::new(time(|run| run.cpu_ns), in_kernel.map_or_else(String::new, |it| format!("kernel {it}"))),
                Entry::bare(faults.unwrap_or_else(|| format::NONE.into())),
                Entry::bare(memory.map_or_else(|| format::NONE.into(), format::memory)),
                Entry::bare(ratio.map_or_else(|| format::NONE.into(), |ratio| format!("{}×", format::digits(ratio)))),
                Entry::new(&peer.about, if peer.reason.is_empty() { &peer.version } else { &peer.reason }),
            ],
        }
    };
    let checked = "Those that add up words were checked to have our totals, each of them.";
    Some(Table {
        caption: format!(
            "What others take for the job of {}, on the same file and by turns; medians. {CAVEAT} Of that, start is what \
             the same program takes for the file’s first line alone. In the kernel, what is read is copied, and pages are \
             mapped, at a page fault, and unmapped; of less than 100 ms it is not known how much of it was there. Memory is that of the largest process. {checked}",
            first.task
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
