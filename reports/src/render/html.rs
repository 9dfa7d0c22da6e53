//! Renders the page: charts, tables and sentences in one HTML file that requests nothing.

use crate::analysis::axes::AXES;
use crate::analysis::environment::Alarm;
use crate::analysis::results::{MeasuredStrategy, TaskResults};
use crate::analysis::{Analysis, TaskAnalysis};
use crate::error::{Error, Result};
use crate::format;
use crate::render::{lanes, script, svg};
use crate::view::answer::{self, Part};
use crate::view::chart::{Chart, HeatMap, Kind, Series};
use crate::view::embedded::{self, Over};
use crate::view::glossary::{self, Term};
use crate::view::lanes::LaneChart;
use crate::view::limits::{self, Limits};
use crate::view::reproduce::Reproduction;
use crate::view::strategies::{self, Card};
use crate::view::table::Table;
use crate::view::{
    engines, heartbeat, heat, kernels, overhead, peers, plots, resources, results, run, sharing, shipping, timeline,
};
use askama::Template;
use record::Run;
use std::fmt::Write as _;
use std::path::Path;

/// Renders the page of a record: one HTML file without network requests.
///
/// # Errors
/// If a chart cannot be drawn. Data missing from the record is no error; the page reports it.
pub fn page(analysis: &Analysis) -> Result<String> {
    let style =
        [include_str!("../../templates/page.css"), &series_style(analysis.environment.run.strategies.len())].join("\n");
    let script = script::text();
    let sections = analysis.shown().enumerate().map(|(nth, task)| Section::new(nth, task, analysis));
    let mut tasks: Vec<Section> = sections.collect::<Result<_>>()?;
    let data = embedded::Data::new(tasks.iter_mut().filter_map(|task| task.embedded.take()).collect());
    let page = Page {
        policy: script::policy(&style, &script),
        data: script::data(&data),
        style,
        script,
        run: &analysis.environment.run,
        subtitle: run::subtitle(analysis),
        alarm: analysis.environment.alarm.as_ref(),
        alarm_in_short: analysis.environment.alarm.as_ref().map(run::alarm_in_short).unwrap_or_default(),
        alarm_entries: run::alarm_entries(&analysis.environment),
        banners: run::banners(analysis),
        tasks,
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
    policy: String,
    style: String,
    script: String,
    data: String,
    run: &'a Run,
    subtitle: String,
    alarm: Option<&'a Alarm>,
    alarm_in_short: (&'a str, String),
    alarm_entries: Vec<(String, &'a str)>,
    banners: (String, Vec<&'a str>),
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
    short: String,
    headline: String,
    answer: Vec<Part>,
    facts: Vec<(String, String)>,
    /// The chart beside the answer.
    first: Option<Figure>,
    figures: Vec<Figure>,
    heat: Vec<Figure>,
    legend: Vec<Key>,
    strategies: Table,
    cells: Table,
    /// The command that measures a cell again, without what the cell's row adds.
    again: Option<String>,
    used: Table,
    threads: Table,
    shipping: Option<Table>,
    outliers: Table,
    peers: Option<Table>,
    engines: Option<Table>,
    sharing: Option<Table>,
    dispatch: Option<Table>,
    heartbeat: Option<Table>,
    samples: String,
    timelines: Vec<Timeline>,
    delivery: Option<(Figure, Table)>,
    /// The script's data; `None` without a chart.
    embedded: Option<embedded::Task>,
}

/// The timeline of one strategy.
struct Timeline {
    id: String,
    strategy: String,
    is_open: bool,
    figure: Figure,
    table: Table,
}

impl Page<'_> {
    /// The timelines of a strategy: the ids and the names of the tasks.
    fn timelines_of(&self, strategy: &str) -> Vec<(&str, &str)> {
        let of = |section: &'_ Section<'_>| section.timelines.iter().position(|it| it.strategy == strategy);
        let sections = self.tasks.iter().filter_map(|section| Some((section, of(section)?)));
        sections.map(|(section, nth)| (&*section.timelines[nth].id, &*section.task.results.task.name)).collect()
    }
}

struct Figure {
    title: String,
    caption: String,
    svg: String,
    controls: Option<Controls>,
    /// The figure as a table: heads, then rows. Empty if the table is elsewhere.
    rows: Vec<Vec<String>>,
}

/// What the script offers to change in a chart.
struct Controls {
    over: &'static str,
    quantities: Vec<&'static str>,
    /// The axis that the slider moves along, and its number of values.
    slider: &'static str,
    values: usize,
}

/// An entry of the legend.
struct Key {
    name: String,
    class: String,
    /// The strategy, or the empty text for a group of strategies that tie.
    strategy: String,
    checked: bool,
    swatch: String,
}

impl<'a> Section<'a> {
    fn new(nth: usize, task: &'a TaskAnalysis, analysis: &Analysis) -> Result<Self> {
        let id = format!("task-{nth}");
        let results = &task.results;
        let mut cells = results::cells(results);
        let again = Reproduction::new(analysis, results);
        again.iter().for_each(|again| again.complete(&mut cells, results));
        let figure = |chart: &Chart, name: &str, mut caption: String| -> Result<Figure> {
            if !chart.remark.is_empty() {
                let _ = write!(caption, " Dash-dotted: {}.", chart.remark);
            }
            let svg = svg::draw(chart, &format!("{id}-{name}"))?;
            Ok(Figure { svg, title: chart.title.clone(), caption, controls: None, rows: chart.table() })
        };
        let (cores, sizes) = (plots::speed_up_by_cores(results), plots::time_by_size(results, &task.peers));
        let charts = [cores.map(|it| (Over::Cores, it)), sizes.map(|it| (Over::Sizes, it))];
        let charts: Vec<(Over, Chart)> = charts.into_iter().flatten().collect();
        let of = |over: Over, name: &str, caption: fn(&TaskAnalysis, &Chart) -> String| {
            let (_, chart) = charts.iter().find(|(other, _)| *other == over)?;
            let drawn = figure(chart, name, caption(task, chart));
            Some(drawn.map(|figure| Figure { controls: Some(Controls::new(over, results)), ..figure }))
        };
        let plain = |chart: Option<Chart>, name: &str, caption: fn(&TaskAnalysis, &Chart) -> String| {
            chart.map(|chart| figure(&chart, name, caption(task, &chart)))
        };
        let mut figures = vec![
            plain(plots::efficiency_by_cores(results), "efficiency", by_cores),
            of(Over::Sizes, "sizes", by_size),
            plain(plots::lateness_by_cores(task), "heartbeat", lateness),
            plain(kernels::time_by_kernel(results, &task.peers), "kernels", by_kernel),
        ];
        for (axis, name) in AXES.into_iter().zip(["workers", "delivery", "combine"]) {
            figures.push(plain(plots::time_along(results, axis), name, |_, chart| chart.description.clone()));
        }
        let heat = |(nth, map): (usize, HeatMap)| {
            let svg = svg::draw_heat(&map, &format!("{id}-heat-{nth}"))?;
            let rows = if nth == 0 { map.table() } else { Vec::new() };
            Ok(Figure { svg, rows, title: map.title, caption: map.description, controls: None })
        };
        Ok(Self {
            short: answer::short(&task.finding),
            headline: answer::sentence(&task.finding),
            answer: answer::parts(task),
            first: of(Over::Cores, "cores", by_cores).transpose()?,
            figures: figures.into_iter().flatten().collect::<Result<_>>()?,
            heat: heat::heat_maps(results).into_iter().enumerate().map(heat).collect::<Result<_>>()?,
            legend: legend(results)?,
            strategies: results::strategies(results),
            cells,
            again: again.map(|again| again.command),
            used: resources::used(task),
            threads: resources::threads(task),
            shipping: shipping::table(task),
            outliers: results::outliers(task),
            peers: peers::table(&results.task.name, &task.peers.results),
            engines: task.engines.as_ref().map(|it| engines::table(&results.task.name, it)),
            sharing: sharing::table(task),
            dispatch: overhead::dispatch(task),
            heartbeat: heartbeat::table(task),
            samples: format::count(task.data_quality.samples_compared as u64),
            timelines: timeline::timelines(task).into_iter().map(|chart| Timeline::new(&id, chart)).collect(),
            delivery: timeline::delivery(task).map(|chart| {
                let svg = lanes::steps(&chart, &format!("{id}-delivery"));
                (
                    Figure { title: chart.title, caption: chart.caption, svg, controls: None, rows: Vec::new() },
                    chart.table,
                )
            }),
            facts: facts(task),
            embedded: (!charts.is_empty()).then(|| embedded::Task::new(&id, task, &charts)),
            id,
            task,
        })
    }
}

impl Timeline {
    fn new(section: &str, chart: LaneChart) -> Self {
        let id = format!("{section}-timeline-{}", chart.place);
        let svg = lanes::timeline(&chart, &id);
        let figure = Figure { title: chart.title, caption: chart.caption, svg, controls: None, rows: Vec::new() };
        Self { id, strategy: chart.strategy, is_open: chart.is_open, figure, table: chart.table }
    }
}

impl Controls {
    fn new(over: Over, results: &TaskResults) -> Self {
        let (over, slider, values) = match over {
            Over::Cores => ("cores", "Partition size", results.sizes.len()),
            Over::Sizes => ("sizes", "Cores", results.cores.len()),
        };
        let mut quantities = vec!["time", "speed-up", "efficiency"];
        // Throughput is work divided by time, so the work must be known.
        quantities.extend(results.task.common_items().map(|_| "throughput"));
        Self { over, quantities, slider, values }
    }
}

/// The caption of the chart of speed-up against cores. Each sentence is about something that this chart shows.
fn by_cores(task: &TaskAnalysis, chart: &Chart) -> String {
    let results = &task.results;
    let mut caption = format!("With {}.", format::partitions(results.task.default_size, &results.task.unit));
    caption += &whiskers(chart);
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

/// The caption of the chart of the heartbeat.
fn lateness(task: &TaskAnalysis, _: &Chart) -> String {
    format!(
        "With {}; the scale of time is logarithmic, lower is more responsive. A point is the lateness that 99 of 100 ticks did not \
         exceed; its whisker reaches from the median to the longest. Below the line, no tick waited for a whole job.",
        format::partitions(task.results.task.default_size, &task.results.task.unit)
    )
}

/// The caption of the chart of kernels.
fn by_kernel(task: &TaskAnalysis, _: &Chart) -> String {
    format!("Both scales logarithmic; lower is faster. {}", kernels::better_kernel(&task.peers).unwrap_or_default())
}

/// Explains whiskers and bands, if the chart has any.
fn whiskers(chart: &Chart) -> String {
    let is_alone = |series: &&Series| series.band.is_none();
    let mut points = chart.series.iter().filter(is_alone).flat_map(|it| it.points.iter().flatten());
    let whiskers = if points.any(|point| point.y.interval.is_some()) {
        " Whiskers show intervals; shorter ones are hidden by the marker."
    } else {
        ""
    };
    let bands = if chart.bands.is_empty() {
        ""
    } else {
        " A band covers the intervals of strategies that tie, its line is the group; the legend shows single members."
    };
    format!("{whiskers}{bands}")
}

/// The legend: each group of strategies that tie, followed by its members, then every other strategy.
fn legend(results: &TaskResults) -> Result<Vec<Key>> {
    let drawn = |name: &str| results.cells.iter().any(|it| it.cell.strategy == name && it.sound);
    let tied: Vec<&Vec<String>> = results.places.iter().filter(|tied| tied.len() > 1).collect();
    let key = |strategy: &MeasuredStrategy, group: Option<usize>| {
        let member = group.map_or("", |_| " member");
        Ok(Key {
            strategy: strategy.name.clone(),
            name: strategy.name.clone(),
            class: format!("k{}{member}", strategy.place),
            checked: group.is_none(),
            swatch: svg::swatch(strategy.place, group)?,
        })
    };
    let mut keys = Vec::new();
    for (nth, tied) in tied.iter().enumerate() {
        let label = if results.leaders() == **tied { "tied fastest" } else { "tied" };
        let members = results.strategies.iter().filter(|it| tied.contains(&it.name));
        keys.push(Ok(Key {
            name: format!("{} {label}:", tied.len()),
            class: format!("kg{nth} group"),
            strategy: String::new(),
            checked: true,
            swatch: svg::group_swatch(nth)?,
        }));
        keys.extend(members.map(|it| key(it, Some(nth))));
    }
    let others = results.strategies.iter().filter(|it| !tied.iter().any(|tied| tied.contains(&it.name)));
    keys.extend(others.filter(|it| drawn(&it.name)).map(|it| key(it, None)));
    keys.into_iter().collect()
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
            "\n.task:has(.k{place}:not(.member) input:not(:checked)) .chart .p{place},\
             .task:has(.k{place} input:not(:checked)) :is(:where(.chart) .member,.one *).p{place}{{display:none}}\
             .task:has(.k{place}:is(:hover,:focus-within)) .chart .series.p{place}{{display:inline}}\
             .task:has(.k{place}:is(:hover,:focus-within)) .chart .series:not(.p{place}){{opacity:.12}}",
        );
    }
    // A group of strategies that tie has at least two members.
    for group in 0..strategies / 2 {
        let _ = write!(
            style,
            "\n.task:has(.kg{group} input:not(:checked)) .chart .g{group}{{display:none}}\
             .task:has(.kg{group}:is(:hover,:focus-within)) .chart .series:not(.g{group},.m{group}){{opacity:.12}}\
             .task:has(.kg{group}:is(:hover,:focus-within)) .chart .series.member.m{group}.m{group},\
             .chart:has(.g{group}:is(:hover,:focus-within)) .series.member.m{group}.m{group}.m{group}{{display:inline}}",
        );
    }
    style
}
