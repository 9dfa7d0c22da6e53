//! Charts, tables and sentences put together into one HTML file that needs nothing else.

use crate::analysis::caveats;
use crate::analysis::conclusions::{Finding, finding};
use crate::analysis::data_quality;
use crate::analysis::environment::{self, Alarm};
use crate::analysis::overhead;
use crate::analysis::peers;
use crate::analysis::resources;
use crate::analysis::results::Sweep;
use crate::error::{Error, Result};
use crate::render::svg;
use crate::view::chart::{self, Chart, on};
use crate::view::format;
use crate::view::table::{self, Table};
use askama::Template;
use record::Record;
use record::statistics::BLOCKS_FOR_AN_INTERVAL;
use record::{Machine, StrategyNote};
use std::fmt::Write as _;
use std::path::Path;

/// The page of a record: one HTML file without scripts that asks the network for nothing.
///
/// # Errors
/// If a chart cannot be drawn. What is missing from the record is said on the page and is no error.
pub fn page(record: &Record) -> Result<String> {
    let sweeps: Vec<Sweep> = record.run.tasks.iter().map(|task| Sweep::new(record, task)).collect();
    let measured = sweeps.iter().filter(|sweep| !sweep.cells.is_empty() || !sweep.failures.is_empty());
    let tasks: Vec<Section> = measured
        .enumerate()
        .map(|(nth, sweep)| Section::new(nth, sweep, &record.run.machine))
        .collect::<Result<_>>()?;
    let run = &record.run;
    let failed: usize = sweeps.iter().map(|sweep| sweep.failures.len()).sum();
    let page = Page {
        style: concat!(include_str!("../../templates/page.css"), "\n"),
        series_style: series_style(run.strategies.len()),
        subtitle: subtitle(record, failed),
        alarm: environment::alarm(record),
        banners: caveats::banners(record, &sweeps),
        tasks,
        failures: table::failures(&sweeps),
        failed: format::count(failed as u64),
        strategies: &run.strategies,
        checks: environment::table(record),
        unmeasured: resources::unmeasured(run, &sweeps),
        reading: caveats::reading(record, &sweeps),
        caveats: caveats::caveats(record, &sweeps),
        provenance: provenance(record),
        record,
    };
    Ok(page.render()?)
}

/// Writes the page of a record. A reader never sees half a page: it is written beside `path` and then renamed.
///
/// # Errors
/// If the page cannot be made, or the file not be written.
pub fn write(record: &Record, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let page = page(record)?;
    system::atomic_file::write(path, page.as_bytes()).map_err(|cause| Error::File { path: path.to_owned(), cause })
}

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    style: &'static str,
    series_style: String,
    record: &'a Record,
    subtitle: String,
    alarm: Option<Alarm>,
    banners: Vec<String>,
    tasks: Vec<Section<'a>>,
    failures: Table,
    failed: String,
    strategies: &'a [StrategyNote],
    checks: Option<Table>,
    unmeasured: Vec<String>,
    reading: Vec<String>,
    caveats: Vec<String>,
    provenance: Vec<(String, String)>,
}

/// What the page says of one task.
struct Section<'a> {
    id: String,
    sweep: &'a Sweep<'a>,
    finding: Finding,
    facts: Vec<(String, String)>,
    figures: Vec<Figure>,
    legend: Vec<Key>,
    strategies: Table,
    cells: Table,
    used: Table,
    threads: Table,
    warmed: Vec<String>,
    outliers: Table,
    kernels: Option<Figure>,
    peers: Option<Table>,
    dispatch: Option<Table>,
    samples: String,
}

struct Figure {
    title: String,
    caption: String,
    svg: String,
}

/// An entry of the legend.
struct Key {
    name: String,
    place: usize,
    swatch: String,
}

impl<'a> Section<'a> {
    fn new(nth: usize, sweep: &'a Sweep<'a>, machine: &Machine) -> Result<Self> {
        let id = format!("task-{nth}");
        let finding = finding(sweep);
        let task = sweep.task;
        let figure = |chart: Option<Chart>, name: &str, caption: String| {
            chart.map(|chart| {
                Ok(Figure { svg: svg::draw(&chart, &format!("{id}-{name}"))?, title: chart.title, caption })
            })
        };
        let cores = sweep.most_cores().unwrap_or(0);
        let whiskers = if sweep.blocks().most >= BLOCKS_FOR_AN_INTERVAL {
            " Whiskers are intervals; where none is seen, it is shorter than the marker."
        } else {
            ""
        };
        let figures = [
            figure(
                chart::speed_up_by_cores(sweep),
                "cores",
                format!(
                    "With {}. Points are set side by side so that none hides another.{whiskers}{}{}",
                    chart::partitions_of(task.default_size, &task.unit),
                    workers(sweep),
                    chart::second_threads(sweep)
                        .map_or_else(String::new, |words| format!(" The dash-dotted line: {words}.")),
                ),
            ),
            figure(
                chart::time_by_size(sweep),
                "sizes",
                format!(
                    "On {}, both scales logarithmic; lower is faster.{whiskers}{}",
                    on(cores),
                    if peers::lines(&sweep.peers, cores).is_empty() {
                        String::new()
                    } else {
                        format!(" Dashed lines with names are other programs at the same job. {}", peers::CAVEAT)
                    }
                ),
            ),
        ];
        let drawn = |name: &str| sweep.cells.iter().any(|cell| cell.cell.strategy == name && cell.is_sound());
        let legend = sweep
            .strategies
            .iter()
            .filter(|(_, strategy)| drawn(&strategy.name))
            .map(|(place, strategy)| {
                Ok(Key { name: strategy.name.clone(), place: *place, swatch: svg::swatch(*place)? })
            })
            .collect::<Result<_>>()?;

        let mut facts = Vec::new();
        if let Some(items) = task.items {
            facts.push(("input".into(), format!("{} {}", format::count(items), task.unit)));
        }
        facts.extend(task.options.iter().map(|(name, value)| (name.clone(), value.clone())));
        facts.extend(task.answer.iter().map(|(name, value)| (format!("answer: {name}"), value.clone())));
        facts.extend(overhead::unit_cost(sweep, machine));
        if !task.digest.is_empty() {
            facts.push(("answer: digest".into(), task.digest.clone()));
        }
        Ok(Self {
            figures: figures.into_iter().flatten().collect::<Result<_>>()?,
            legend,
            strategies: table::strategies(sweep, &finding),
            cells: table::cells(sweep),
            used: resources::used(sweep),
            threads: resources::threads(sweep),
            warmed: data_quality::warmed(sweep),
            outliers: data_quality::outliers(sweep),
            kernels: figure(
                chart::time_by_kernel(sweep),
                "kernels",
                format!(
                    "Both scales logarithmic; lower is faster. {}",
                    chart::better_kernel(sweep).unwrap_or_default()
                ),
            )
            .transpose()?,
            peers: peers::table(&sweep.peers),
            dispatch: overhead::dispatch(sweep),
            samples: format::count(data_quality::compared(sweep).map(|measured| measured.samples as u64).sum()),
            facts,
            id,
            finding,
            sweep,
        })
    }
}

/// Says so if the charts show cells whose workers are not as many as their cores.
fn workers(sweep: &Sweep) -> String {
    let other: Vec<String> = sweep
        .cores()
        .into_iter()
        .filter_map(|cores| Some((cores, sweep.workers(cores)?)))
        .filter(|(cores, workers)| cores != workers)
        .map(|(cores, workers)| format!("{workers} on {}", on(cores)))
        .collect();
    if other.is_empty() { String::new() } else { format!(" Workers are not as many as cores: {}.", other.join(", ")) }
}

fn subtitle(record: &Record, failed: usize) -> String {
    let machine = &record.run.machine;
    let mut parts = vec![
        machine.processor.clone(),
        format!("{} available", on(machine.cores_available)),
        format!("{} samples", format::count(record.samples.len() as u64)),
    ];
    if failed > 0 {
        parts.push(format!("{} not verified", format::count(failed as u64)));
    }
    parts.push(record.run.began.clone());
    parts.join(" · ")
}

/// Which processors a run used, as a list.
fn mask(processors: &[u32]) -> String {
    if processors.is_empty() {
        return "not recorded".into();
    }
    processors.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
}

fn provenance(record: &Record) -> Vec<(String, String)> {
    let (run, machine) = (&record.run, &record.run.machine);
    let mut rows: Vec<(String, String)> = [
        ("run", run.id.clone()),
        ("began", run.began.clone()),
        ("ended", record.ended.as_ref().map_or_else(|| "no end recorded".into(), |ended| ended.at.clone())),
        ("program", run.program.clone()),
        ("build", format!("{} · {}", machine.profile, machine.compiler)),
        ("record format", run.version.to_string()),
        ("seed of the order", run.seed.to_string()),
        ("time allowed", format::time(run.budget_s * 1e9)),
        ("cores planned", run.cores.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")),
        ("processors, in the order in which cells get them", mask(&run.processors)),
        ("processor", machine.processor.clone()),
        ("cores", format!("{} available, {} online", machine.cores_available, machine.cores_online)),
        ("memory", format::memory(machine.memory_bytes as f64)),
        ("kernel", machine.kernel.clone()),
        ("system", machine.system.clone()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    rows.extend(machine.notes.iter().map(|(name, value)| (name.clone(), value.clone())));
    rows
}

/// The rules that cannot be written before the number of strategies is known: colours, dashes, and a legend that
/// hides and highlights without a script.
fn series_style(strategies: usize) -> String {
    let mut style = String::new();
    for colour in 0..svg::COLOURS {
        // `write!` to a String cannot fail.
        let _ = write!(style, ".s{colour}{{--series:var(--series-{colour})}}");
    }
    for place in 0..strategies {
        let _ = write!(
            style,
            "\n.task:has(.k{place} input:not(:checked)) .chart .p{place}{{display:none}}\
             .task:has(.k{place}:is(:hover,:focus-within)) .chart .series:not(.p{place}){{opacity:.12}}",
        );
    }
    style
}
