//! The chart of the time with each kernel against cores.

use crate::analysis::peers::{Kernel, Peers};
use crate::analysis::results::TaskResults;
use crate::format::{self, SPACE};
use crate::view::chart::{Axis, Chart, Kind, Reference, Scale, labelled};
use crate::view::lines::{beyond, boundary_lines, crossings, note};
use crate::view::ticks::{doublings, logarithmic_ticks};
use std::collections::BTreeSet;

/// The number of cores against which a better kernel is compared.
const MANY: u32 = 32;

/// The chart of the time against cores for each kernel that was timed; `None` for fewer than two.
/// The chart compares the gain from a better kernel with the gain from more cores.
pub fn time_by_kernel(results: &TaskResults, peers: &Peers) -> Option<Chart> {
    let kernels = &peers.kernels;
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
    let crossings = crossings(&results.boundaries, &measured.into_iter().collect::<Vec<_>>());
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
        positions: Vec::new(),
        bands: Vec::new(),
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
