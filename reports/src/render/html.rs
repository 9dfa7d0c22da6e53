//! Renders the page: charts, tables and sentences in one HTML file without scripts or requests.

use crate::analysis::environment::Alarm;
use crate::analysis::{Analysis, TaskAnalysis};
use crate::error::{Error, Result};
use crate::format;
use crate::render::svg;
use crate::view::chart::{Chart, Kind};
use crate::view::glossary::{self, Term};
use crate::view::limits::{self, Limits};
use crate::view::reproduce::Reproduction;
use crate::view::strategies::{self, Card};
use crate::view::table::Table;
use crate::view::{overhead, peers, plots, resources, results, run};
use askama::Template;
use record::Run;
use std::fmt::Write as _;
use std::path::Path;

/// Renders the page of a record: one HTML file without scripts or network requests.
///
/// # Errors
/// If a chart cannot be drawn. Data missing from the record is no error; the page reports it.
pub fn page(analysis: &Analysis) -> Result<String> {
    let page = Page {
        style: concat!(include_str!("../../templates/page.css"), "\n"),
        series_style: series_style(analysis.environment.run.strategies.len()),
        run: &analysis.environment.run,
        subtitle: run::subtitle(analysis),
        alarm: analysis.environment.alarm.as_ref(),
        alarm_entries: run::alarm_entries(&analysis.environment),
        tasks: analysis
            .shown()
            .enumerate()
            .map(|(nth, task)| Section::new(nth, task, analysis))
            .collect::<Result<_>>()?,
        failures: results::failures(analysis),
        failed: format::count(analysis.environment.failed as u64),
        checks: run::checks(&analysis.environment),
        unmeasured: resources::unmeasured(analysis),
        provenance: run::provenance(analysis),
        limits: limits::limits(analysis),
        cards: strategies::cards(analysis),
        unmeasured_price: strategies::unmeasured(analysis),
        glossary: glossary::TERMS,
        analysis,
    };
    Ok(page.render()?)
}

/// Writes the page of a record atomically: to a file beside `path`, which is then renamed.
///
/// # Errors
/// If the page cannot be rendered or the file cannot be written.
pub fn write(analysis: &Analysis, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let page = page(analysis)?;
    system::atomic_file::write(path, page.as_bytes()).map_err(|cause| Error::File { path: path.to_owned(), cause })
}

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    style: &'static str,
    series_style: String,
    run: &'a Run,
    subtitle: String,
    alarm: Option<&'a Alarm>,
    alarm_entries: Vec<(String, &'a str)>,
    tasks: Vec<Section<'a>>,
    failures: Table,
    failed: String,
    checks: Option<Table>,
    unmeasured: Vec<String>,
    provenance: Vec<(String, String)>,
    limits: Vec<Limits>,
    cards: Vec<Card<'a>>,
    unmeasured_price: Option<&'static str>,
    glossary: &'static [Term],
    analysis: &'a Analysis,
}

/// The part of the page about one task.
struct Section<'a> {
    id: String,
    task: &'a TaskAnalysis,
    facts: Vec<(String, String)>,
    figures: Vec<Figure>,
    legend: Vec<Key>,
    strategies: Table,
    cells: Table,
    /// The command that measures a cell again, without what the cell's row adds.
    again: Option<String>,
    used: Table,
    threads: Table,
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
    fn new(nth: usize, task: &'a TaskAnalysis, analysis: &Analysis) -> Result<Self> {
        let id = format!("task-{nth}");
        let results = &task.results;
        let mut cells = results::cells(results);
        let again = Reproduction::new(analysis, results);
        again.iter().for_each(|again| again.complete(&mut cells, results));
        let figure = |chart: Option<Chart>, name: &str, caption: fn(&TaskAnalysis, &Chart) -> String| {
            chart.map(|chart| {
                let (svg, mut caption) = (svg::draw(&chart, &format!("{id}-{name}"))?, caption(task, &chart));
                if !chart.remark.is_empty() {
                    let _ = write!(caption, " Dash-dotted: {}.", chart.remark);
                }
                Ok(Figure { svg, title: chart.title, caption })
            })
        };
        let figures = [
            figure(plots::speed_up_by_cores(results), "cores", by_cores),
            figure(plots::time_by_size(task), "sizes", by_size),
        ];
        let drawn = |name: &str| results.cells.iter().any(|it| it.cell.strategy == name && it.sound);
        let key = |name: &str, place| Ok(Key { name: name.to_owned(), place, swatch: svg::swatch(place)? });
        let legend = results.strategies.iter().filter(|it| drawn(&it.name)).map(|it| key(&it.name, it.place));
        Ok(Self {
            figures: figures.into_iter().flatten().collect::<Result<_>>()?,
            legend: legend.collect::<Result<_>>()?,
            strategies: results::strategies(results),
            cells,
            again: again.map(|again| again.command),
            used: resources::used(task),
            threads: resources::threads(task),
            outliers: results::outliers(task),
            kernels: figure(plots::time_by_kernel(task), "kernels", by_kernel).transpose()?,
            peers: peers::table(&results.task.name, &task.peers.results),
            dispatch: overhead::dispatch(task),
            samples: format::count(task.data_quality.samples_compared as u64),
            facts: facts(task),
            id,
            task,
        })
    }
}

/// The caption of the chart of speed-up against cores. Each sentence is about something that this chart shows.
fn by_cores(task: &TaskAnalysis, chart: &Chart) -> String {
    let results = &task.results;
    let mut caption = format!("With {}.", format::partitions(results.task.default_size, &results.task.unit));
    if chart.series.len() > 1 {
        caption += " Points stand side by side so that none hides another.";
    }
    caption += whiskers(chart);
    caption += &workers(task);
    caption
}

/// The caption of the chart of time against partition size.
fn by_size(task: &TaskAnalysis, chart: &Chart) -> String {
    let cores = format::cores(task.results.most_cores().unwrap_or(0));
    let mut caption = format!("On {cores}, both scales logarithmic; lower is faster.{}", whiskers(chart));
    if chart.has_line(Kind::Compared) {
        caption += " The dotted line marks the partition size at which strategies are compared.";
    }
    if chart.has_line(Kind::Peer) {
        caption += &format!(" Named dashed lines show other programs doing the same job. {}", peers::CAVEAT);
    }
    caption
}

/// The caption of the chart of kernels.
fn by_kernel(task: &TaskAnalysis, _: &Chart) -> String {
    format!("Both scales logarithmic; lower is faster. {}", plots::better_kernel(&task.peers).unwrap_or_default())
}

/// Explains whiskers, if the chart has any.
fn whiskers(chart: &Chart) -> &'static str {
    if chart.has_intervals() {
        " Whiskers show intervals. A whisker that is not visible is shorter than the marker."
    } else {
        ""
    }
}

/// The task's input, options and answer: names and values.
fn facts(task: &TaskAnalysis) -> Vec<(String, String)> {
    let note = &task.results.task;
    let mut facts = Vec::new();
    facts.extend(note.items.map(|items| ("input".into(), format!("{} {}", format::count(items), note.unit))));
    facts.extend(Some(note.sizing.clone()).filter(|why| !why.is_empty()).map(|why| ("work".to_owned(), why)));
    facts.extend(note.options.iter().map(|(name, value)| (name.clone(), value.clone())));
    facts.extend(note.answer.iter().map(|(name, value)| (format!("answer: {name}"), value.clone())));
    facts.extend(overhead::unit_cost(task));
    if !note.digest.is_empty() {
        facts.push(("answer: digest".into(), note.digest.clone()));
    }
    facts
}

/// Names the numbers of workers in the charts that differ from the number of cores.
fn workers(task: &TaskAnalysis) -> String {
    let workers = task.results.cores.iter().filter_map(|cores| Some((*cores, task.results.workers(*cores)?)));
    let other: Vec<String> = workers
        .filter(|(cores, workers)| cores != workers)
        .map(|(cores, workers)| format!("{workers} on {}", format::cores(cores)))
        .collect();
    if other.is_empty() {
        String::new()
    } else {
        format!(" The number of workers differs from the number of cores: {}.", other.join(", "))
    }
}

/// The style rules that depend on the number of strategies: colours, and a legend that hides and highlights series
/// without a script.
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
