//! Other programs doing a task's job: each is a whole process, timed from start to end.

use record::{Peer, PeerRun, Role, statistics};
use schemars::JsonSchema;
use serde::Serialize;

/// Other programs doing the job of one task.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Peers {
    /// One entry for each program and number of threads.
    pub results: Vec<PeerResult>,
    /// The other programs, each with its highest thread count that is not above the most cores.
    pub lines: Vec<PeerLine>,
    /// This program's own kernels, the slowest first.
    pub kernels: Vec<Kernel>,
    /// Whether the times of the kernels are those of runs in the sweep, and not of whole processes.
    pub kernels_in_sweep: bool,
}

/// One program with one number of threads: medians over its runs.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PeerResult {
    /// The program and its runs, as recorded.
    #[serde(flatten)]
    pub peer: Peer,
    /// The time from start to end, in nanoseconds.
    pub wall_ns: Option<f64>,
    /// The time from start to end on the input's first line alone, in nanoseconds.
    pub start_ns: Option<f64>,
    /// The processor time, in nanoseconds.
    pub cpu_ns: Option<f64>,
    /// The processor time in the kernel, in nanoseconds.
    pub system_ns: Option<f64>,
    /// Page faults that did not read from a disk.
    pub minor_faults: Option<f64>,
    /// The peak memory of the largest process.
    pub peak_memory_bytes: Option<f64>,
    /// `wall_ns` divided by that of this program's fastest kernel with as many threads.
    pub by_ours: Option<f64>,
}

/// A program and its time.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PeerLine {
    /// The program.
    pub name: String,
    /// The program's time in nanoseconds.
    pub ns: f64,
}

/// The whole job with one of this program's kernels.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Kernel {
    /// The kernel's name.
    pub name: String,
    /// Pairs of a number of threads, from 1 on, and the time of the fastest way to read, in nanoseconds.
    pub times: Vec<(u32, f64)>,
    /// The time on one thread, in nanoseconds.
    pub alone_ns: f64,
}

/// The median of a figure over a peer's runs; `None` without a run.
pub fn median(peer: &Peer, figure: impl Fn(&PeerRun) -> u64) -> Option<f64> {
    statistics::median(&peer.runs.iter().map(|run| figure(run) as f64).collect::<Vec<_>>())
}

impl Peers {
    /// The peers of one task; `cores` limits the threads of [`Peers::lines`]. `variants` has the times of the task's
    /// variants in the sweep: name, cores and nanoseconds. They count if no whole process of a kernel was timed.
    pub fn new(peers: &[&Peer], cores: u32, variants: Vec<(String, u32, f64)>) -> Self {
        let own = peers.iter().filter(|peer| peer.role == Role::Own);
        // The name of a process starts with the kernel, followed by `_` and the way of reading.
        let kernel = |peer: &Peer| peer.name.split('_').next().unwrap_or_default().to_owned();
        let whole = own.filter_map(|peer| Some((kernel(peer), peer.threads, median(peer, |run| run.wall_ns)?)));
        let whole = kernels(whole);
        let kernels_in_sweep = whole.is_empty() && !variants.is_empty();
        Self {
            results: peers.iter().map(|peer| result(peer, peers)).collect(),
            lines: lines(peers, cores),
            kernels: if kernels_in_sweep { kernels(variants.into_iter()) } else { whole },
            kernels_in_sweep,
        }
    }
}

fn result(peer: &Peer, all: &[&Peer]) -> PeerResult {
    // A whole process is compared only with whole processes: the fastest of this program's with as many threads.
    let own = all.iter().filter(|other| other.role == Role::Own && other.threads == peer.threads);
    let own = own.filter_map(|other| median(other, |run| run.wall_ns)).min_by(f64::total_cmp);
    // Records of earlier versions do not have these.
    let known = |figure: fn(&PeerRun) -> Option<u64>| {
        let of_all: Option<Vec<f64>> = peer.runs.iter().map(|run| figure(run).map(|it| it as f64)).collect();
        statistics::median(&of_all?)
    };
    let wall_ns = median(peer, |run| run.wall_ns);
    PeerResult {
        peer: (*peer).clone(),
        wall_ns,
        start_ns: median(peer, |run| run.start_ns),
        cpu_ns: median(peer, |run| run.cpu_ns),
        system_ns: known(|run| run.system_ns),
        minor_faults: known(|run| run.minor_faults),
        peak_memory_bytes: median(peer, |run| run.peak_memory_bytes),
        by_ours: wall_ns.zip(own).map(|(time, own)| time / own),
    }
}

fn lines(peers: &[&Peer], cores: u32) -> Vec<PeerLine> {
    let mut lines: Vec<(&Peer, f64)> = Vec::new();
    for peer in peers.iter().filter(|peer| peer.role != Role::Own && peer.threads <= cores) {
        let Some(time) = median(peer, |run| run.wall_ns) else { continue };
        match lines.iter_mut().find(|(other, _)| other.name == peer.name) {
            Some(line) if line.0.threads < peer.threads => *line = (peer, time),
            Some(_) => {}
            None => lines.push((peer, time)),
        }
    }
    lines.into_iter().map(|(peer, ns)| PeerLine { name: peer.name.clone(), ns }).collect()
}

/// Groups times by kernel. Each has the name of the kernel, the number of threads, and nanoseconds.
fn kernels(timed: impl Iterator<Item = (String, u32, f64)>) -> Vec<Kernel> {
    let mut kernels: Vec<Kernel> = Vec::new();
    for (name, threads, time) in timed {
        let known = kernels.iter().position(|kernel| kernel.name == name).unwrap_or_else(|| {
            kernels.push(Kernel { name, times: Vec::new(), alone_ns: 0.0 });
            kernels.len() - 1
        });
        let times = &mut kernels[known].times;
        match times.iter_mut().find(|(other, _)| *other == threads) {
            Some((_, least)) => *least = least.min(time),
            None => times.push((threads, time)),
        }
    }
    for kernel in &mut kernels {
        kernel.times.sort_by_key(|(threads, _)| *threads);
        kernel.alone_ns = kernel.times[0].1;
    }
    kernels.retain(|kernel| kernel.times[0].0 == 1);
    kernels.sort_by(|one, other| other.alone_ns.total_cmp(&one.alone_ns));
    kernels
}
