//! The charts of a task: speed-up and efficiency against cores, time against partition size and against other axes.

use crate::analysis::TaskAnalysis;
use crate::analysis::axes::{Axis as SweepAxis, along};
use crate::analysis::groups::{GroupCell, group_cell};
use crate::analysis::heartbeat::CellHeartbeat;
use crate::analysis::peers::Peers;
use crate::analysis::results::{CellResult, TaskResults};
use crate::format;
use crate::view::chart::{Axis, Band, Chart, Kind, Point, Position, Reference, Scale, Series, even_ticks, labelled};
use crate::view::lines::{beyond, boundary_lines, crossings, note, peer_lines};
use crate::view::ticks::{doublings, logarithmic_ticks, thinned};
use record::statistics::{self, Estimate, Interval};

/// Up to this number of cores, a chart has linear scales.
const FEW_CORES: f64 = 4.0;

/// The chart of speed-up against cores, at the task's default partition size; `None` if there is nothing to draw.
pub fn speed_up_by_cores(results: &TaskResults) -> Option<Chart> {
    let text = |y| format::sentence(format::speed_up(y));
    let data = Data::by_cores(results, |cell| cell.speed_up, |group| group.speed_up, &text)?;
    let x = core_axis(&results.cores)?;
    let (last, title) = (x.last, "Speed-up over the plain loop".to_owned());
    let (lowest, highest) = Chart::extent(&data.series);
    let y = if last <= FEW_CORES {
        let high = highest.max(last) * 1.08;
        Axis { title, scale: Scale::Linear, low: 0.0, high, ticks: labelled(even_ticks(0.0, high), format::short) }
    } else {
        let (low, high) = (lowest.min(1.0) * 0.8, highest.max(last) * 1.25);
        Axis { title, scale: Scale::Logarithmic, low, high, ticks: labelled(doublings(low, high), format::short) }
    };
    let references = vec![
        line(Kind::Ideal, "ideal", vec![(x.first, x.first), (last, last)]),
        line(Kind::Baseline, "plain loop", vec![(x.axis.low, 1.0), (x.axis.high, 1.0)]),
    ];
    let what = format!("Speed-up over the plain one-thread loop against cores, with {}", compared(results));
    Some(over_cores(results, "Speed-up against cores", &what, data, x.axis, y, references))
}

/// The chart of efficiency, the speed-up divided by the cores, against cores; `None` if there is nothing to draw.
pub fn efficiency_by_cores(results: &TaskResults) -> Option<Chart> {
    let text = |y: Estimate| {
        let ends = y.interval.map(|it| format!(" ({}–{})", whole_percent(it.low), format::percent(it.high)));
        format!("{}{}", format::percent(y.value), ends.unwrap_or_default())
    };
    let data = Data::by_cores(results, CellResult::efficiency_estimate, |group| group.efficiency, &text)?;
    let x = core_axis(&results.cores)?;
    let high = Chart::extent(&data.series).1.max(1.0) * 1.08;
    let title = "Speed-up divided by cores".to_owned();
    let y =
        Axis { title, scale: Scale::Linear, low: 0.0, high, ticks: labelled(even_ticks(0.0, high), format::percent) };
    let references = vec![line(Kind::Ideal, "ideal", vec![(x.first, 1.0), (x.last, 1.0)])];
    let what = format!("Efficiency, which is the speed-up divided by the cores, with {}", compared(results));
    Some(over_cores(results, "Efficiency against cores", &what, data, x.axis, y, references))
}

/// The chart of how late a tick of 1 ms was, against cores; `None` without a heartbeat. A point is the 99th percentile, its
/// whisker reaches from the median to the longest.
pub fn lateness_by_cores(task: &TaskAnalysis) -> Option<Chart> {
    let results = &task.results;
    let text = |y| format::sentence(format::time_estimate(y));
    let of = |name: &str, nth: usize| {
        let is_meant = |it: &&CellHeartbeat| it.cell.strategy == name && it.cell.cores == results.cores[nth];
        let beat = task.heartbeats.iter().find(is_meant)?.beat;
        // A logarithmic scale has no zero.
        let [low, value, high] = [beat.p50_ns, beat.p99_ns, beat.max_ns].map(|ns| ns.max(1) as f64);
        Some(Estimate { value, interval: Some(Interval { low, high }) })
    };
    let at = |cores: &u32| Position { at: f64::from(*cores), name: format::cores(*cores) };
    let data = Data::new(results, results.cores.iter().map(at).collect(), of, |_, _| None, &text)?;
    let x = core_axis(&results.cores)?;
    let job_ns = statistics::median(&task.heartbeats.iter().map(|it| it.job_ns).collect::<Vec<_>>())?;
    let title = "Lateness of a tick of 1 ms".to_owned();
    let y = time_axis(title, Chart::extent(&data.series), std::iter::once(job_ns));
    let references = vec![line(Kind::Baseline, "one job", vec![(x.axis.low, job_ns), (x.axis.high, job_ns)])];
    let what = format!("How late 99 of 100 ticks of 1 ms were at most, against cores, with {}", compared(results));
    Some(over_cores(results, "Responsiveness against cores", &what, data, x.axis, y, references))
}

/// The chart of time against partition size, on the most cores; `None` if there is nothing to draw.
pub fn time_by_size(results: &TaskResults, peers: &Peers) -> Option<Chart> {
    let cores = results.most_cores()?;
    let (sizes, unit) = (&results.sizes, &results.task.unit);
    let text = |y| format::sentence(format::time_estimate(y));
    let at = |size: &u64| Position { at: (*size).max(1) as f64, name: format!("{} {unit}", format::count(*size)) };
    let data = Data::new(
        results,
        sizes.iter().map(at).collect(),
        |name, nth| results.sound(name, cores, sizes[nth])?.time,
        |names, nth| Some(group_cell(results, names, cores, sizes[nth])?.time),
        &text,
    )?;
    // If the work grows with the cores, the plain loop would take as much longer, and other programs did less work.
    let work = results.task.work_on(cores);
    let baseline = results.baseline.as_ref().and_then(|baseline| Some(baseline.time?.times(work)));
    let peers = if work == 1.0 { &peers.lines[..] } else { &[] };
    let lines = baseline.iter().map(|it| it.value).chain(peers.iter().map(|line| line.ns));
    let y = time_axis(format!("Time on {}", format::cores(cores)), Chart::extent(&data.series), lines);
    let (low, high) = (y.low, y.high);
    let (first, last) = (sizes.first().copied()?.max(1) as f64, sizes.last().copied()?.max(1) as f64);
    let margin = (last / first).powf(0.06).max(1.5);
    let (left, right) = (first / margin, last * margin);
    let ticks = labelled(logarithmic_ticks(left, right), format::short);
    let title = format!("Partition size in {unit}");
    let x = Axis { title, scale: Scale::Logarithmic, low: left, high: right, ticks };
    // The task's own default size, unless the user named other sizes.
    let compared = results.task.default_size.max(1) as f64;
    let mut references = Vec::new();
    // With one size there is nothing to tell apart.
    if sizes.len() > 1 && (left..=right).contains(&compared) {
        references.push(line(Kind::Compared, "compared", vec![(compared, low), (compared, high)]));
    }
    if let Some(baseline) = baseline {
        references.push(line(Kind::Baseline, "plain loop", vec![(left, baseline.value), (right, baseline.value)]));
    }
    references.extend(peer_lines(peers, (left, right), high / low));
    let best = results.strategies.iter().filter_map(|strategy| results.best_size(&strategy.name, cores));
    let best: Vec<String> =
        best.map(|it| format!("{} {} at {}", it.strategy, format::time(it.ns), format::count(it.size))).collect();
    let description = format!(
        "Median time on {} against partition size in {unit}, both on logarithmic scales. Smallest medians: {}.",
        format::cores(cores),
        best.join("; "),
    );
    Some(data.chart("Time against partition size".into(), description, x, y, references))
}

/// The chart of time against an axis that is neither cores nor partition size; `None` if the axis has only one value.
pub fn time_along(results: &TaskResults, axis: SweepAxis) -> Option<Chart> {
    let along = along(results, axis)?;
    let name = match axis {
        SweepAxis::Workers => "workers",
        SweepAxis::Delivery => "delivery",
        SweepAxis::Combine => "combine",
    };
    let is_number = axis == SweepAxis::Workers;
    let place = |(nth, value): (usize, &String)| match value.parse() {
        Ok(number) if is_number => Position { at: number, name: format!("{value} workers") },
        _ => Position { at: nth as f64, name: value.clone() },
    };
    let positions: Vec<Position> = along.values.iter().enumerate().map(place).collect();
    let text = |y| format::sentence(format::time_estimate(y));
    let cell = |name: &str, nth: usize| {
        let (_, cells) = along.lines.iter().find(|(other, _)| *other == name)?;
        cells.get(nth).copied().flatten()?.time
    };
    let data = Data::new(results, positions, cell, |_, _| None, &text)?;
    let setting = format!("on {} with {}", format::cores(along.cores), compared(results));
    let y = time_axis(format!("Time on {}", format::cores(along.cores)), Chart::extent(&data.series), [].into_iter());
    let (first, last) = (data.positions.first()?.at, data.positions.last()?.at);
    let title = format::capitalised(name);
    let x = if is_number {
        let ticks = data.positions.iter().map(|position| position.at).collect();
        let (low, high) = (first.max(1.0) / 1.3, last * 1.3);
        Axis { title, scale: Scale::Logarithmic, low, high, ticks: labelled(ticks, format::short) }
    } else {
        let names = |at: f64| along.values[at as usize].clone();
        let ticks = labelled(data.positions.iter().map(|position| position.at).collect(), names);
        Axis { title, scale: Scale::Linear, low: first - 0.5, high: last + 0.5, ticks }
    };
    let description = format!("Median time against {name}, {setting}; lower is faster.");
    Some(data.chart(format!("Time against {name}"), description, x, y, Vec::new()))
}

/// The compared partition size: `partitions of 60 000 lines`.
fn compared(results: &TaskResults) -> String {
    format::partitions(results.task.default_size, &results.task.unit)
}

fn whole_percent(share: f64) -> String {
    format::percent(share).trim_end_matches(['%', format::SPACE]).to_owned()
}

fn line(kind: Kind, label: &str, path: Vec<(f64, f64)>) -> Reference {
    Reference { kind, label: label.into(), path }
}

/// An axis of cores, with its smallest and largest number.
struct CoreAxis {
    axis: Axis,
    first: f64,
    last: f64,
}

fn core_axis(cores: &[u32]) -> Option<CoreAxis> {
    let (first, last) = (f64::from(*cores.first()?), f64::from(*cores.last()?));
    let title = "Cores".to_owned();
    let axis = if last <= FEW_CORES {
        let margin = ((last - first) * 0.12).max(0.3);
        let ticks = labelled(cores.iter().map(|it| f64::from(*it)).collect(), format::short);
        Axis { title, scale: Scale::Linear, low: first - margin, high: last + margin, ticks }
    } else {
        let margin = (0.12 * (last / first).log2().max(1.0)).exp2();
        Axis { title, scale: Scale::Logarithmic, low: first / margin, high: last * margin, ticks: thinned(cores) }
    };
    Some(CoreAxis { axis, first, last })
}

/// A logarithmic axis for times that also has room for `lines`.
fn time_axis(title: String, (lowest, highest): (f64, f64), lines: impl Iterator<Item = f64>) -> Axis {
    let (lowest, highest) = lines.fold((lowest, highest), |(low, high), line| (low.min(line), high.max(line)));
    // At least a factor of three from bottom to top, because a narrower range would make noise look important.
    let room = (3.0 / (highest / lowest)).max(1.3).sqrt();
    let (low, high) = (lowest / room, highest * room);
    Axis {
        title,
        scale: Scale::Logarithmic,
        low,
        high,
        ticks: labelled(logarithmic_ticks(low, high), format::short_time),
    }
}

/// A chart over cores, with the boundaries between kinds of processors.
fn over_cores(
    results: &TaskResults,
    title: &str,
    what: &str,
    data: Data,
    x: Axis,
    y: Axis,
    mut references: Vec<Reference>,
) -> Chart {
    let crossings = crossings(&results.boundaries, &results.cores);
    // The labels stand where the points are not: at the bottom, or at the top if every point is in the lower half.
    let middle = if y.scale == Scale::Linear { f64::midpoint(y.low, y.high) } else { (y.low * y.high).sqrt() };
    let (lowest, highest) = Chart::extent(&data.series);
    let below = highest < middle || (y.scale == Scale::Linear && lowest < middle && y.low == 0.0 && highest <= 1.0);
    let ends = if below { (y.low, y.high) } else { (y.high, y.low) };
    references.extend(boundary_lines(&crossings, ends));
    let remark = beyond(&crossings);
    let description = format!("{what}.{} {}", note(&remark), data.last_points());
    Chart { remark, ..data.chart(title.into(), description, x, y, references) }
}

/// The measured points of a chart.
struct Data {
    positions: Vec<Position>,
    bands: Vec<Band>,
    series: Vec<Series>,
}

impl Data {
    /// The points over cores at the default partition size.
    fn by_cores(
        results: &TaskResults,
        of_cell: fn(&CellResult) -> Option<Estimate>,
        of_group: fn(&GroupCell) -> Option<Estimate>,
        text: &dyn Fn(Estimate) -> String,
    ) -> Option<Self> {
        let (cores, size) = (&results.cores, results.task.default_size);
        let at = |cores: &u32| Position { at: f64::from(*cores), name: format::cores(*cores) };
        Self::new(
            results,
            cores.iter().map(at).collect(),
            |name, nth| of_cell(results.sound(name, cores[nth], size)?),
            |names, nth| of_group(&group_cell(results, names, cores[nth], size)?),
            text,
        )
    }

    /// The series and bands with at least one point; `None` without such a series.
    fn new(
        results: &TaskResults,
        positions: Vec<Position>,
        cell: impl Fn(&str, usize) -> Option<Estimate>,
        group: impl Fn(&[&str], usize) -> Option<Estimate>,
        text: &dyn Fn(Estimate) -> String,
    ) -> Option<Self> {
        let point = |nth: usize, y: Estimate| Point { x: positions[nth].at, y, text: text(y) };
        let points = |of: &dyn Fn(usize) -> Option<Estimate>| -> Vec<Option<Point>> {
            (0..positions.len()).map(|nth| of(nth).map(|y| point(nth, y))).collect()
        };
        let has_points = |points: &[Option<Point>]| points.iter().any(Option::is_some);
        let band = |(nth, tied): (usize, &Vec<String>)| {
            let names: Vec<&str> = tied.iter().map(String::as_str).collect();
            let points = points(&|nth| group(&names, nth));
            let label = if nth == 0 { format!("{} tied fastest", tied.len()) } else { format!("{} tied", tied.len()) };
            let name = format!("{label}: {}", names.join(", "));
            has_points(&points).then_some(Band { name, label, points })
        };
        let tied = || results.places.iter().enumerate().filter(|(_, tied)| tied.len() > 1);
        let bands: Vec<Band> = tied().filter_map(band).collect();
        let band_of = |name: &str| {
            let nth = tied().position(|(_, tied)| tied.iter().any(|other| other == name));
            nth.filter(|_| bands.len() == tied().count())
        };
        let series = results.strategies.iter().map(|it| Series {
            name: it.name.clone(),
            place: it.place,
            band: band_of(&it.name),
            points: points(&|nth| cell(&it.name, nth)),
        });
        let series: Vec<Series> = series.filter(|series| has_points(&series.points)).collect();
        (!series.is_empty()).then_some(Self { positions, bands, series })
    }

    /// The last point of each series in words.
    fn last_points(&self) -> String {
        let last = |series: &Series| {
            let (nth, point) =
                series.points.iter().enumerate().rev().find_map(|(nth, it)| Some((nth, it.as_ref()?)))?;
            Some(format!("{}, {}: {}", series.name, self.positions[nth].name, point.text))
        };
        format!("{}.", self.series.iter().filter_map(last).collect::<Vec<_>>().join("; "))
    }

    fn chart(self, title: String, description: String, x: Axis, y: Axis, references: Vec<Reference>) -> Chart {
        let Self { positions, bands, series } = self;
        Chart { title, description, remark: String::new(), x, y, references, positions, bands, series }
    }
}
