//! Lines that charts compare with: other programs, and boundaries between kinds of processors.

use crate::analysis::peers::PeerLine;
use crate::format;
use crate::view::chart::{Kind, Reference};
use record::{Boundary, BoundaryKind};

/// A line for each peer. The name stands at the right end, or at the left end if it would cover the name below. If both
/// ends are taken, the lower line carries both names. `span` is the ratio of the axis' ends.
pub(crate) fn peer_lines(peers: &[PeerLine], (left, right): (f64, f64), span: f64) -> Vec<Reference> {
    // A name is about a twentieth of the axis high.
    let room = span.powf(0.05);
    let mut sorted = peers.to_vec();
    sorted.sort_by(|a, b| a.ns.total_cmp(&b.ns));
    let mut lines: Vec<Reference> = Vec::new();
    for PeerLine { name, ns: time } in sorted {
        let ends = [right, left];
        let free = |end: &f64| {
            let mut named = lines.iter().filter(|line| !line.label.is_empty());
            named.all(|line| line.path[1] != (*end, line.path[1].1) || time / line.path[1].1 > room)
        };
        let end = ends.into_iter().find(free);
        if end.is_none()
            && let Some(below) = lines.iter_mut().rfind(|line| !line.label.is_empty())
        {
            below.label = format!("{}, {name}", below.label);
        }
        let (from, to) = if end == Some(left) { (right, left) } else { (left, right) };
        let label = end.map_or_else(String::new, |_| name.clone());
        lines.push(Reference { kind: Kind::Peer, label, path: vec![(from, time), (to, time)] });
    }
    lines
}

/// A boundary between two measured numbers of cores.
pub(crate) struct Crossing {
    boundary: Boundary,
    /// The smallest measured number of cores beyond the boundary.
    next: u32,
}

/// The boundaries that a chart over the `measured` numbers of cores shows. Of several between the same two numbers, it
/// shows the most important.
pub(crate) fn crossings(boundaries: &[Boundary], measured: &[u32]) -> Vec<Crossing> {
    let between = |pair: &[u32]| {
        let (from, next) = (pair[0] as usize, pair[1]);
        let within = boundaries.iter().filter(|it| (from..next as usize).contains(&it.cores));
        Some(Crossing { boundary: *within.min_by_key(|it| it.kind)?, next })
    };
    measured.windows(2).filter_map(between).collect()
}

/// A line for each boundary, between its number of cores and the next measured number. The label stands at the end `to` of
/// the first line of each kind.
pub(crate) fn boundary_lines(crossings: &[Crossing], (from, to): (f64, f64)) -> impl Iterator<Item = Reference> {
    crossings.iter().enumerate().map(move |(nth, Crossing { boundary, next })| {
        let at = (boundary.cores as f64 * f64::from(*next)).sqrt();
        let repeats = crossings[..nth].iter().any(|earlier| earlier.boundary.kind == boundary.kind);
        let label = if repeats { String::new() } else { follows(boundary.kind).to_owned() };
        Reference { kind: Kind::Boundary, label, path: vec![(at, from), (at, to)] }
    })
}

/// The processors that follow a boundary, in few words because they must fit on a narrow page.
fn follows(kind: BoundaryKind) -> &'static str {
    match kind {
        BoundaryKind::Physical => "hyperthreads",
        BoundaryKind::FastCores => "slower cores",
        BoundaryKind::Socket => "next socket",
        BoundaryKind::Node => "next NUMA node",
        BoundaryKind::Cache => "next cache",
    }
}

/// A clause that says beyond which numbers of cores cells use another kind of processor. Empty without such a number.
pub(crate) fn beyond(crossings: &[Crossing]) -> String {
    let clauses = crossings.iter().enumerate().map(|(nth, Crossing { boundary, .. })| {
        let cores = format::cores(u32::try_from(boundary.cores).unwrap_or(u32::MAX));
        let used = match boundary.kind {
            BoundaryKind::Physical => "sibling hyperthreads of the same physical cores",
            BoundaryKind::FastCores => "slower cores",
            BoundaryKind::Socket => "another socket",
            BoundaryKind::Node => "another NUMA node",
            BoundaryKind::Cache => "another last-level cache",
        };
        format!("beyond {cores}, {}{used}", if nth == 0 { "cells also use " } else { "" })
    });
    clauses.collect::<Vec<_>>().join("; ")
}

/// A chart's remark as a sentence with a space before it; empty without a remark.
pub(crate) fn note(remark: &str) -> String {
    if remark.is_empty() { String::new() } else { format!(" Note that {remark}.") }
}
