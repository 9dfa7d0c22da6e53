//! The charts of a task: speed-up against cores, time against partition size, time with each kernel.

use crate::analysis::TaskAnalysis;
use crate::analysis::peers::{Kernel, PeerLine, Peers};
use crate::analysis::results::TaskResults;
use crate::format::{self, SPACE};
use crate::view::chart::{Axis, Chart, Kind, Point, Reference, Scale, Series, Tick, even_ticks, labelled};
use record::statistics::Interval;
use record::{Boundary, BoundaryKind};
use std::collections::BTreeSet;

/// The chart of speed-up against cores, at the task's default partition size; `None` if there is nothing to draw.
pub fn speed_up_by_cores(results: &TaskResults) -> Option<Chart> {
    let cores = &results.cores;
    let size = results.task.default_size;
    let logarithms: Vec<f64> = cores.iter().map(|&cores| f64::from(cores).log2()).collect();
    let gap = logarithms.windows(2).map(|pair| pair[1] - pair[0]).fold(1.0, f64::min);
    // Two or three core counts leave room to read the chart as columns. With more, it is read as lines.
    let band = gap * if cores.len() <= 3 { 0.6 } else { 0.36 };

    let series = series(results, |strategy, nth| {
        let shift = ((nth as f64 + 0.5) / results.strategies.len() as f64 - 0.5) * band;
        cores
            .iter()
            .map(|&cores| {
                let y = results.sound(strategy, cores, size)?.speed_up?;
                let words = format!("{strategy}, {}: {}", format::cores(cores), format::sentence(format::speed_up(y)));
                Some(Point { x: (f64::from(cores).log2() + shift).exp2(), y, words })
            })
            .collect()
    })?;

    let (first, last) = (f64::from(*cores.first()?), f64::from(*cores.last()?));
    let (lowest, highest) = extent(&series);
    let title = "Speed-up over the plain loop".to_owned();
    let y = if last <= 4.0 {
        let high = highest.max(last) * 1.08;
        Axis { title, scale: Scale::Linear, low: 0.0, high, ticks: labelled(even_ticks(0.0, high), format::short) }
    } else {
        let (low, high) = (lowest.min(1.0) * 0.8, highest.max(last) * 1.25);
        Axis { title, scale: Scale::Logarithmic, low, high, ticks: labelled(doublings(low, high), format::short) }
    };

    let half = (band / 2.0).exp2();
    let steps =
        cores.iter().map(|&cores| f64::from(cores)).flat_map(|cores| [(cores / half, cores), (cores * half, cores)]);
    let margin = (band / 2.0 + 0.12 * (last / first).log2().max(1.0)).exp2();
    let x = Axis {
        title: "Cores".into(),
        scale: Scale::Logarithmic,
        low: first / margin,
        high: last * margin,
        ticks: thinned(cores),
    };
    let mut references = vec![
        Reference { kind: Kind::Ideal, label: "ideal".into(), path: steps.collect() },
        Reference { kind: Kind::Baseline, label: "plain loop".into(), path: vec![(x.low, 1.0), (x.high, 1.0)] },
    ];
    let crossings = crossings(&results.boundaries, cores);
    // The labels stand where the points are not: at the bottom, or at the top if every point is in the lower half.
    let middle = if y.scale == Scale::Linear { (y.low + y.high) / 2.0 } else { (y.low * y.high).sqrt() };
    let ends = if highest < middle { (y.low, y.high) } else { (y.high, y.low) };
    references.extend(boundary_lines(&crossings, ends));
    let remark = beyond(&crossings);
    let description = format!(
        "Speed-up over the plain one-thread loop against cores, with {}.{} {}",
        format::partitions(size, &results.task.unit),
        note(&remark),
        last_points(&series),
    );
    Some(Chart { title: "Speed-up against cores".into(), description, remark, x, y, references, series })
}

/// The chart of time against partition size, on the most cores; `None` if there is nothing to draw.
pub fn time_by_size(task: &TaskAnalysis) -> Option<Chart> {
    let results = &task.results;
    let cores = results.most_cores()?;
    let sizes = &results.sizes;
    let unit = &results.task.unit;
    let series = series(results, |strategy, _| {
        sizes
            .iter()
            .map(|&size| {
                let y = results.sound(strategy, cores, size)?.time?;
                let time = format::sentence(format::time_estimate(y));
                let words = format!("{strategy}, {}: {time}", format::partitions(size, unit));
                Some(Point { x: size.max(1) as f64, y, words })
            })
            .collect()
    })?;

    let baseline = results.baseline.as_ref().and_then(|baseline| baseline.time);
    let (lowest, highest) = extent(&series);
    let others = &task.peers.lines;
    let lines = baseline.iter().map(|it| it.value).chain(others.iter().map(|line| line.ns));
    let (lowest, highest) = lines.fold((lowest, highest), |(low, high), line| (low.min(line), high.max(line)));
    // At least a factor of three from bottom to top, because a narrower range would make noise look important.
    let room = (3.0 / (highest / lowest)).max(1.3).sqrt();
    let (low, high) = (lowest / room, highest * room);
    let y = Axis {
        title: format!("Time on {}", format::cores(cores)),
        scale: Scale::Logarithmic,
        low,
        high,
        ticks: labelled(logarithmic_ticks(low, high), format::short_time),
    };

    let (first, last) = (sizes.first().copied()?.max(1) as f64, sizes.last().copied()?.max(1) as f64);
    let margin = (last / first).powf(0.06).max(1.5);
    let (left, right) = (first / margin, last * margin);
    let x = Axis {
        title: format!("Partition size in {unit}"),
        scale: Scale::Logarithmic,
        low: left,
        high: right,
        ticks: labelled(logarithmic_ticks(left, right), format::short),
    };
    // The task's own default size, unless the user named other sizes.
    let compared = results.task.default_size.max(1) as f64;
    let mut references = Vec::new();
    // With one size there is nothing to tell apart.
    if sizes.len() > 1 && (left..=right).contains(&compared) {
        references.push(Reference {
            kind: Kind::Compared,
            label: "compared".into(),
            path: vec![(compared, low), (compared, high)],
        });
    }
    if let Some(baseline) = baseline {
        let path = vec![(left, baseline.value), (right, baseline.value)];
        references.push(Reference { kind: Kind::Baseline, label: "plain loop".into(), path });
    }
    references.extend(peer_lines(others, (left, right), high / low));
    let best: Vec<String> = results
        .strategies
        .iter()
        .filter_map(|strategy| {
            let best = results.best_size(&strategy.name, cores)?;
            Some(format!("{} {} at {}", strategy.name, format::time(best.ns), format::count(best.size)))
        })
        .collect();
    let description = format!(
        "Median time on {} against partition size in {unit}, both on logarithmic scales. Smallest medians: {}.",
        format::cores(cores),
        best.join("; "),
    );
    Some(Chart {
        title: "Time against partition size".into(),
        description,
        remark: String::new(),
        x,
        y,
        references,
        series,
    })
}

/// The number of cores against which a better kernel is compared.
const MANY: u32 = 32;

/// The chart of the time against cores for each kernel that was timed; `None` for fewer than two.
/// The chart compares the gain from a better kernel with the gain from more cores.
pub fn time_by_kernel(task: &TaskAnalysis) -> Option<Chart> {
    let (peers, kernels) = (&task.peers, &task.peers.kernels);
    let [slowest, .., quickest] = &kernels[..] else { return None };
    let (most, ideally) = slowest_ideally(kernels)?;
    let lowest = kernels.iter().flat_map(|kernel| &kernel.times).map(|(_, time)| *time).fold(ideally, f64::min);
    let (low, high) = (lowest / 1.5, slowest.alone_ns * 1.8);
    let y = Axis {
        title: if peers.kernels_in_sweep { "Time" } else { "Time of the whole job" }.into(),
        scale: Scale::Logarithmic,
        low,
        high,
        ticks: labelled(logarithmic_ticks(low, high), format::short_time),
    };
    let x = Axis {
        title: "Cores".into(),
        scale: Scale::Logarithmic,
        low: 1.0 / 1.25,
        high: f64::from(most) * 1.25,
        ticks: labelled(doublings(1.0, f64::from(most)), format::short),
    };
    let mut references = vec![
        Reference {
            kind: Kind::Ideal,
            label: format!("{}, ideally", slowest.name),
            path: vec![(1.0, slowest.alone_ns), (f64::from(most), ideally)],
        },
        Reference {
            kind: Kind::Baseline,
            label: format!("{} on{SPACE}one", quickest.name),
            path: vec![(x.low, quickest.alone_ns), (x.high, quickest.alone_ns)],
        },
    ];
    references.extend(kernels.iter().map(|kernel| Reference {
        kind: Kind::Kernel,
        label: kernel.name.clone(),
        path: kernel.times.iter().map(|(threads, time)| (f64::from(*threads), *time)).collect(),
    }));
    let measured: BTreeSet<u32> =
        kernels.iter().flat_map(|kernel| &kernel.times).map(|(threads, _)| *threads).collect();
    let crossings = crossings(&task.results.boundaries, &measured.into_iter().collect::<Vec<_>>());
    references.extend(boundary_lines(&crossings, (low, high)));
    let remark = beyond(&crossings);
    let alone: Vec<String> =
        kernels.iter().map(|kernel| format!("{} {}", kernel.name, format::time(kernel.alone_ns))).collect();
    let description = format!(
        "{} against cores, both on logarithmic scales.{} On one core: {}. {}",
        y.title,
        note(&remark),
        alone.join("; "),
        better_kernel(peers).unwrap_or_default(),
    );
    Some(Chart {
        title: "A better kernel, or more cores".into(),
        description,
        remark,
        x,
        y,
        references,
        series: Vec::new(),
    })
}

/// A number of cores, and the time of the slowest kernel on that many cores with perfect scaling.
fn slowest_ideally(kernels: &[Kernel]) -> Option<(u32, f64)> {
    let most = kernels.iter().flat_map(|kernel| &kernel.times).map(|(threads, _)| *threads).max()?.max(MANY);
    Some((most, kernels.first()?.alone_ns / f64::from(most)))
}

/// The sentence under the chart of kernels.
pub fn better_kernel(peers: &Peers) -> Option<String> {
    let kernels = &peers.kernels;
    let [slowest, .., quickest] = &kernels[..] else { return None };
    let (most, ideally) = slowest_ideally(kernels)?;
    Some(format!(
        "On one core, {} takes {}; {} would take {} on {} with perfect scaling.",
        quickest.name,
        format::time(quickest.alone_ns),
        slowest.name,
        format::time(ideally),
        format::cores(most),
    ))
}

/// A line for each peer. The name stands at the right end, or at the left end if it would cover the name below. If both
/// ends are taken, the lower line carries both names. `span` is the ratio of the axis' ends.
fn peer_lines(peers: &[PeerLine], (left, right): (f64, f64), span: f64) -> Vec<Reference> {
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
struct Crossing {
    boundary: Boundary,
    /// The smallest measured number of cores beyond the boundary.
    next: u32,
}

/// The boundaries that a chart over the `measured` numbers of cores shows. Of several between the same two numbers, it
/// shows the most important.
fn crossings(boundaries: &[Boundary], measured: &[u32]) -> Vec<Crossing> {
    let between = |pair: &[u32]| {
        let (from, next) = (pair[0] as usize, pair[1]);
        let within = boundaries.iter().filter(|it| (from..next as usize).contains(&it.cores));
        Some(Crossing { boundary: *within.min_by_key(|it| it.kind)?, next })
    };
    measured.windows(2).filter_map(between).collect()
}

/// A line for each boundary, between its number of cores and the next measured number. The label stands at the end `to` of
/// the first line of each kind.
fn boundary_lines(crossings: &[Crossing], (from, to): (f64, f64)) -> impl Iterator<Item = Reference> {
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
fn beyond(crossings: &[Crossing]) -> String {
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

/// The series with at least one point; `None` without such a series.
fn series(results: &TaskResults, points: impl Fn(&str, usize) -> Vec<Option<Point>>) -> Option<Vec<Series>> {
    let series: Vec<Series> = results
        .strategies
        .iter()
        .enumerate()
        .map(|(nth, strategy)| Series {
            name: strategy.name.clone(),
            place: strategy.place,
            points: points(&strategy.name, nth),
        })
        .filter(|series| series.points.iter().any(Option::is_some))
        .collect();
    (!series.is_empty()).then_some(series)
}

/// The lowest and the highest value, whiskers included.
fn extent(series: &[Series]) -> (f64, f64) {
    let points = series.iter().flat_map(|series| series.points.iter().flatten());
    points.fold((f64::INFINITY, 0.0), |(low, high), point| {
        let y = point.y;
        let whisker = y.interval.unwrap_or(Interval { low: y.value, high: y.value });
        (low.min(whisker.low).min(y.value), high.max(whisker.high).max(y.value))
    })
}

/// A chart's remark as a sentence with a space before it; empty without a remark.
fn note(remark: &str) -> String {
    if remark.is_empty() { String::new() } else { format!(" Note that {remark}.") }
}

/// The last point of each series in words.
fn last_points(series: &[Series]) -> String {
    let words: Vec<&str> =
        series.iter().filter_map(|series| Some(series.points.iter().flatten().last()?.words.as_str())).collect();
    format!("{}.", words.join("; "))
}

/// Ticks at core counts, without those too close to a neighbour. The largest count always has a tick.
fn thinned(cores: &[u32]) -> Vec<Tick> {
    let place = |cores: u32| f64::from(cores).log2();
    let room = cores.last().map_or(0.0, |&last| place(last) - place(cores[0])) / 10.0;
    let mut kept: Vec<u32> = Vec::new();
    for &cores in cores.iter().rev() {
        if kept.last().is_none_or(|&right| place(right) - place(cores) >= room) {
            kept.push(cores);
        }
    }
    labelled(kept.into_iter().rev().map(f64::from).collect(), format::short)
}

/// 0.5, 1, 2, 4 and so on.
fn doublings(low: f64, high: f64) -> Vec<f64> {
    let (first, last) = (low.max(f64::MIN_POSITIVE).log2().ceil() as i32, high.min(f64::MAX).log2().floor() as i32);
    let skip = usize::try_from((last - first) / 8 + 1).unwrap_or(1);
    // Counted from 1 = 2⁰, so that the baseline's line always has a label.
    (first..=last)
        .filter(|power| (power.unsigned_abs() as usize).is_multiple_of(skip))
        .map(|power| 2_f64.powi(power))
        .collect()
}

/// Ticks at powers of ten if these are enough, else in 1-2-5 steps, else in finer steps.
fn logarithmic_ticks(low: f64, high: f64) -> Vec<f64> {
    // The logarithm of zero is infinite, and so would be the number of decades.
    let (low, high) = (low.max(f64::MIN_POSITIVE), high.min(f64::MAX));
    let decades = low.log10().floor() as i32..=high.log10().ceil() as i32;
    let within = |leading: &[f64], every: usize| -> Vec<f64> {
        decades
            .clone()
            .filter(|power| (power.unsigned_abs() as usize).is_multiple_of(every))
            .flat_map(|power| leading.iter().map(move |digit| digit * 10_f64.powi(power)))
            .filter(|at| (low..=high).contains(at))
            .collect()
    };
    let every = (high / low).log10() as usize / 8 + 1;
    [&[1.0][..], &[1.0, 3.0], &[1.0, 2.0, 5.0], &[1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0]]
        .into_iter()
        .map(|leading| within(leading, every))
        .find(|ticks| ticks.len() >= 4)
        .unwrap_or_else(|| even_ticks(low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithmic_ticks_are_powers_or_steps_of_one_two_five() {
        assert_eq!(logarithmic_ticks(1.0, 1e4), [1.0, 10.0, 100.0, 1e3, 1e4]);
        assert_eq!(logarithmic_ticks(9.0, 210.0), [10.0, 20.0, 50.0, 100.0, 200.0]);
        assert!(logarithmic_ticks(1.0, 1e18).len() <= 10);
    }

    #[test]
    fn every_axis_has_at_least_three_ticks() {
        for (low, high) in [(90.0, 271.0), (4.0e6, 1.2e7), (7.0, 22.0), (600.0, 1_900.0)] {
            assert!(logarithmic_ticks(low, high).len() >= 3, "{low} to {high}");
            assert!(even_ticks(0.0, high).len() >= 3, "0 to {high}");
        }
        assert_eq!(doublings(0.4, 40.0), [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0]);
    }

    #[test]
    fn an_axis_without_a_length_has_few_ticks() {
        for (low, high) in [(0.0, 0.0), (5.0, 5.0), (0.0, 1e10), (1.0, f64::INFINITY), (f64::NAN, f64::NAN)] {
            assert!(even_ticks(low, high).len() <= 10, "{low} to {high}");
            assert!(logarithmic_ticks(low, high).len() <= 10, "{low} to {high}");
            assert!(doublings(low, high).len() <= 20, "{low} to {high}");
        }
    }

    #[test]
    fn core_counts_that_would_touch_lose_their_label_and_the_largest_keeps_it() {
        let all: Vec<u32> = (1..=32).collect();
        let kept: Vec<f64> = thinned(&all).iter().map(|tick| tick.at).collect();
        assert!(kept.contains(&32.0) && kept.len() <= 11, "{kept:?}");
        assert_eq!(thinned(&[1, 2]).len(), 2);
        assert_eq!(thinned(&[4]).len(), 1);
    }
}
