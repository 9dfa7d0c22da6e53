//! What the report says, what it must never say, and what the page is made of.

mod synthetic;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use record::Record;
use record::statistics;
use record::{
    BASELINE, Boundary, BoundaryKind, CLOCK, Cell, Check, Detail, Fault, PHYSICAL_CORES, Pool, Sample, Status, Times,
    Verdict,
};
use reports::analysis::axes::AXES;
use reports::analysis::{Analysis, TaskAnalysis};
use reports::format;
use reports::render::{bmf, html, json, markdown, script, svg, terminal, wrap::Look};
use reports::view::{answer, chart, heat, kernels, overhead, peers, plots, resources, results};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::sync::LazyLock;
use synthetic::Synthetic;

/// Two cores, with every kind of failure, on a machine that was not in order.
static RECORD: LazyLock<Record> =
    LazyLock::new(|| Synthetic { sizes: 3, trouble: true, ..Synthetic::default() }.record());
static PAGE: LazyLock<String> = LazyLock::new(|| page(&RECORD));

fn small() -> Synthetic {
    Synthetic { sizes: 1, failures: false, ..Synthetic::default() }
}

/// The page without the tags inside sentences.
fn page(record: &Record) -> String {
    html::page(&Analysis::new(record)).expect("a page").replace("<strong>", "").replace("</strong>", "")
}

/// Everything that the terminal shows, with each paragraph on one line.
const ALL: Look = Look { width: 10_000, unicode: false, verbose: true };

fn text(record: &Record) -> String {
    terminal::text(&Analysis::new(record), &ALL)
}

fn analysed(record: &Record, nth: usize) -> TaskAnalysis {
    TaskAnalysis::new(record, &record.run.tasks[nth])
}

fn sizes(task: &TaskAnalysis) -> Option<chart::Chart> {
    plots::time_by_size(&task.results, &task.peers)
}

fn warmed(task: &TaskAnalysis) -> Vec<String> {
    task.data_quality.warmed.iter().map(|statement| statement.sentence.clone()).collect()
}

fn tasks(record: &Record) -> Vec<TaskAnalysis> {
    Analysis::new(record).tasks
}

/// The page without what is invisible, one space for any.
fn words(page: &str) -> String {
    page.replace(format::SPACE, " ")
}

fn between<'a>(text: &'a str, start: &'a str, end: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(start).skip(1).map(move |rest| rest.split(end).next().unwrap_or(rest))
}

#[test]
fn the_same_record_gives_the_same_bytes() {
    assert_eq!(page(&RECORD), *PAGE);
    assert_eq!(text(&RECORD), text(&RECORD.clone()));
}

#[test]
fn the_page_asks_the_network_for_nothing_and_its_policy_allows_its_own_script_and_style_alone() {
    let page = PAGE.to_lowercase();
    for forbidden in "http: https: <link @import url( src= <iframe javascript: onload onclick style= eval(".split(' ') {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    let hash = |start, end| {
        let text: Vec<&str> = between(&PAGE, start, end).collect();
        assert_eq!(text.len(), 1, "{start}");
        BASE64_STANDARD.encode(Sha256::digest(text[0]))
    };
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; ",
        hash("<style>", "</style>"),
        hash("<script type=\"module\">", "</script>"),
    );
    assert!(PAGE.contains(&format!("http-equiv=\"Content-Security-Policy\" content=\"{policy}")), "{policy}");
    assert_eq!(page.matches("<script").count(), 2, "the script and its data");
}

#[test]
fn the_script_is_small_and_so_is_a_page_of_900_cells_with_10_000_samples() {
    let script = script::text();
    assert!(script.len() <= 20_000, "{} bytes", script.len());
    let cores = vec![1, 2, 4, 8, 16, 24, 32];
    let record = Synthetic { cores, blocks: 6, samples: 2, failures: false, ..Synthetic::default() }.record();
    let cells: usize = Analysis::new(&record).shown().map(|task| task.results.cells.len()).sum();
    let page = page(&record);
    assert!(cells >= 900 && record.samples.len() >= 10_000, "{cells} cells, {} samples", record.samples.len());
    assert!(page.len() <= 2_000_000, "{} bytes", page.len());
}

#[test]
fn no_chart_holds_a_colour() {
    for svg in between(&PAGE, "<svg", "</svg>") {
        for property in ["fill=", "stroke=", "style=", "rgb(", "#"] {
            assert!(!svg.contains(property), "{property} in {svg}");
        }
    }
}

#[test]
fn every_chart_has_a_role_a_title_a_description_and_points_for_the_keyboard() {
    let charts: Vec<&str> = between(&PAGE, "<svg class=\"chart", "</svg>").collect();
    let mut ids = BTreeSet::new();
    for svg in charts {
        let id = between(svg, "aria-labelledby=\"", "-title\"").next().expect("a title");
        assert!(ids.insert(id), "{id} is there twice");
        assert!(svg.contains("role=\"group\"") && svg.contains(&format!("aria-describedby=\"{id}-desc\"")));
        assert!(
            svg.contains(&format!("<title id=\"{id}-title\">")) && svg.contains(&format!("<desc id=\"{id}-desc\">"))
        );
        assert_eq!(svg.matches("<g").count(), svg.matches("</g>").count());
        let points = svg.matches("tabindex=\"0\" role=\"img\" aria-label=\"").count();
        assert!(points > 0 && points == svg.matches("class=\"point\"").count() + svg.matches("class=\"cell ").count());
    }
    for task in 0..3 {
        for name in ["cores", "efficiency", "sizes", "heat-0"] {
            assert!(ids.contains(&*format!("task-{task}-{name}")), "{name} of task {task}");
        }
    }
    assert!(between(&PAGE, "<svg class=\"swatch\"", "</svg>").all(|swatch| swatch.contains("aria-hidden=\"true\"")));
}

#[test]
fn series_differ_in_colour_dash_and_marker() {
    let classes: Vec<String> = (0..30).map(|place| svg::classes(place, None)).collect();
    let looks: Vec<(usize, usize, usize)> =
        (0..30).map(|place| (place % svg::COLOURS, place % svg::DASHES, place % svg::MARKERS)).collect();
    for (place, look) in looks.iter().enumerate() {
        assert!(!looks[..place].contains(look));
    }
    assert_eq!(classes[12], "p12 s2 d0");
    const { assert!(svg::COLOURS >= 9 && svg::MARKERS >= 9) };
}

#[test]
fn the_table_says_what_the_samples_say() {
    let record = small().record();
    let task = &record.run.tasks[1];
    let walls = |strategy: &str, cores: u32| -> Vec<f64> {
        let of_cell = record.samples.iter().filter(|sample| {
            let cell = &sample.cell;
            (cell.task.as_str(), cell.strategy.as_str(), cell.cores) == (&task.name, strategy, cores)
                && (cell.size == task.default_size || strategy == BASELINE)
        });
        of_cell.filter_map(|sample| Some(sample.times.as_ref()?.wall_ns as f64)).collect()
    };
    let rayon = statistics::median(&walls("rayon", 2)).expect("measured");
    // Samples come in blocks of two, in both lists in the same order: pair them by hand.
    let ratios: Vec<f64> = walls(BASELINE, 1)
        .chunks(2)
        .zip(walls("rayon", 2).chunks(2))
        .map(|(plain, rayon)| (plain[0] + plain[1]) / (rayon[0] + rayon[1]))
        .collect();
    let speed_up = statistics::median(&ratios).expect("measured");

    let table = results::strategies(&TaskAnalysis::new(&record, task).results);
    let row = table.rows.iter().find(|row| row.name == "rayon").expect("rayon has a row");
    assert_eq!(row.entries[0].value, format::time(rayon));
    assert_eq!(row.entries[1].value, format!("{}×", format::digits(speed_up)));
    assert_eq!(row.entries[2].value, format::percent(speed_up / 2.0));
    assert_eq!(row.entries[7].value, "10");
    let html = format!("<td>{} <small>{}</small></td>", row.entries[1].value, row.entries[1].note);
    assert!(page(&record).contains(&html), "{html}");
}

#[test]
fn a_clear_winner_is_called_the_fastest_against_the_plain_loop() {
    let mut record = small().record();
    for sample in record.samples.iter_mut().filter(|sample| sample.cell.strategy == "smol" && sample.cell.cores == 2) {
        let times = sample.times.as_mut().expect("no failures here");
        times.wall_ns = times.wall_ns * 4 / 5;
    }
    let finding = analysed(&record, 1).finding;
    assert_eq!(finding.leaders, ["smol"]);
    insta::assert_snapshot!(finding.headline.replace(format::SPACE, " "), @"smol is the fastest: 2.42× (2.40–2.42) the plain one-thread loop’s speed on 2 cores; partitions of 600 to 60 000 lines are within 5 % of the best.");
}

#[test]
fn a_size_with_which_one_member_of_a_tie_is_slow_is_not_safe() {
    let safe = |record: &Record| Analysis::new(record).tasks[0].finding.good_sizes.clone();
    let mut record = Synthetic { failures: false, blocks: 9, ..Synthetic::default() }.record();
    let (leaders, sizes) = (Analysis::new(&record).tasks[0].finding.leaders.clone(), safe(&record));
    assert!(leaders.len() > 2 && sizes.len() > 1, "{leaders:?} {sizes:?}");
    let task = record.run.tasks[0].name.clone();
    let is_slow = |cell: &Cell| (&cell.task, &cell.strategy, cell.size) == (&task, &leaders[0], sizes[0]);
    for times in record.samples.iter_mut().filter(|it| is_slow(&it.cell)).filter_map(|it| it.times.as_mut()) {
        (times.wall_ns, times.run_ns) = (times.wall_ns * 2, times.run_ns * 2);
    }
    assert_eq!(safe(&record), sizes[1..]);
}

#[test]
fn the_same_strategy_under_nine_names_is_a_tie_of_nine() {
    let mut record = small().record();
    // What rayon took is what all took, give or take one per cent that is different in each block.
    let model: Vec<_> = record.samples.iter().filter(|sample| sample.cell.strategy == "rayon").cloned().collect();
    for sample in record.samples.iter_mut().filter(|sample| sample.cell.strategy != BASELINE) {
        let alike = model.iter().find(|other| {
            (&other.cell.task, other.cell.cores, other.block, other.index)
                == (&sample.cell.task, sample.cell.cores, sample.block, sample.index)
        });
        let mut times = alike.and_then(|other| other.times.clone()).expect("rayon is everywhere");
        let nudge = (sample.block as usize * 3 + sample.cell.strategy.len()) % 5;
        times.wall_ns = times.wall_ns * (995 + 2 * nudge as u64) / 1_000;
        sample.times = Some(times);
    }
    for TaskAnalysis { finding, results, .. } in tasks(&record) {
        assert_eq!(finding.leaders.len(), 9);
        assert!(finding.headline.starts_with("all 9 strategies tie: "), "{}", finding.headline);
        let table = results::strategies(&results);
        assert!(table.rows[1..].iter().all(|row| row.remark == "tied fastest"));
        let names: Vec<&str> = table.rows[1..].iter().map(|row| row.name.as_str()).collect();
        let catalogue: Vec<&str> = record.run.strategies.iter().map(|strategy| strategy.name.as_str()).collect();
        assert_eq!(names, catalogue, "sorted as in the catalogue, not by time");
    }
}

/// What the model of [`synthetic`] gives on 32 cores without noise: rayon is 19.9 times as fast as the plain loop at
/// `word_totals`, and 12 % slower on 24 cores. At `cursor_ranges`, 40 partitions take two rounds on 24 cores and on 32.
#[test]
fn strategies_that_were_only_compared_say_nothing_about_cores_and_sizes() {
    let whole = Synthetic { failures: false, ..Synthetic::default() }.record();
    let of = |record: &Record| analysed(record, 0);
    let only = ["smol", "tokio_tasks"];
    let mut record = whole.clone();
    let size = record.run.tasks[0].default_size;
    record.samples.retain(|it| !only.contains(&&*it.cell.strategy) || (it.cell.cores, it.cell.size) == (2, size));
    let (whole, task) = (of(&whole), of(&record));
    assert_eq!(task.results.places, whole.results.places, "they are ranked like the others");
    assert!(only.iter().all(|name| task.finding.leaders.iter().any(|leader| leader == name)), "{:?}", task.finding);
    assert_eq!((task.finding.enough_cores, task.finding.sizes_tried), (Some(2), whole.finding.sizes_tried));
    assert!(!task.finding.good_sizes.is_empty() && task.finding.gain.is_some());
    let told = task.conclusions.iter().find(|it| it.about == "only_compared").expect("they are named");
    assert!(only.iter().all(|name| told.sentence.contains(name)), "{}", told.sentence);
    assert!(!told.sentence.contains("rayon") && !whole.conclusions.iter().any(|it| it.about == "only_compared"));
}

#[test]
fn a_report_of_32_cores_names_the_group_the_cores_and_the_sizes() {
    let cores = vec![1, 2, 4, 8, 16, 24, 32];
    let mut record = Synthetic { cores, failures: false, ..Synthetic::default() }.record();
    record.run.strategies.truncate(4);
    let told = text(&record);
    let [_, words, rows] = &tasks(&record)[..] else { panic!("three tasks") };
    for task in [words, rows] {
        assert_eq!(task.finding.leaders, ["threads_shared", "channel_crossbeam", "rayon"]);
    }
    let speed_up = words.finding.speed_up.expect("five blocks");
    let interval = speed_up.interval.expect("five blocks");
    assert!((19.5..20.2).contains(&speed_up.value) && interval.high - interval.low < 1.0, "{speed_up:?}");
    assert_eq!((words.finding.enough_cores, rows.finding.enough_cores), (Some(32), Some(24)));
    assert_eq!(words.finding.good_sizes, [6_000, 60_000]);
    let (fewer, times) = words.finding.fewer_cores.expect("24 cores were measured");
    assert!(fewer == 24 && (1.1..1.2).contains(&times), "{fewer} {times}");
    for sentence in [
        "word_totals: threads_shared, channel_crossbeam and rayon tie: as a group they reach 19.8× (19.8–19.9) the plain \
         one-thread loop’s speed on 32 cores; partitions of 6 000 to 60 000 lines are within 5 % of the best.",
        "the plain one-thread loop’s speed on 24 of 32 cores; partitions of 500 to 50 000 rows are within 5 % of the best.",
    ] {
        assert!(told.contains(sentence), "{sentence}\n{told}");
    }
}

#[test]
fn a_wrong_answer_is_no_time_however_quick_it_came() {
    let mut record = small().record();
    let wrong = |sample: &record::Sample| sample.cell.strategy == "rayon" && sample.cell.cores == 2;
    for sample in record.samples.iter_mut().filter(|sample| wrong(sample) && sample.block == 2) {
        sample.status = Status::Wrong;
        sample.reason = "a partition was lost".into();
        sample.times = Some(Times { wall_ns: 1, ..Times::default() });
    }
    for task in tasks(&record) {
        assert!(!task.finding.leaders.contains(&"rayon".to_owned()));
        let chart = plots::speed_up_by_cores(&task.results).expect("others are sound");
        let series = chart.series.iter().find(|series| series.name == "rayon").expect("sound on one core");
        assert!(series.points[0].is_some() && series.points[1].is_none());
        let sizes = sizes(&task).expect("others are sound");
        assert!(sizes.series.iter().all(|series| series.name != "rayon"));
    }
    let page = page(&record);
    assert!(page.contains("a partition was lost") && page.contains("2 of 10 failed"));
    assert!(page.contains("Every comparison leaves out cells with a failed sample. They belong to rayon."));
}

#[test]
fn every_failure_is_listed_with_its_reason() {
    let failures = between(&PAGE, "id=\"failures\"", "</section>").next().expect("there are failures");
    for reason in [
        "died of signal 11",
        "no answer within 60 s",
        "1 650 998 distinct words",
        "3 jobs were in progress at one moment",
    ] {
        assert!(failures.contains(reason), "{reason}");
    }
    let listed: usize = between(failures, "<tr><th scope=\"row\">", "</tr>")
        .map(|row| row.rsplit("<td>").next().map_or(0, |places| places.matches('.').count()))
        .sum();
    assert_eq!(listed, RECORD.samples.iter().filter(|sample| sample.status != Status::Verified).count());
}

#[test]
fn few_blocks_decide_nothing() {
    for blocks in [1, 4] {
        let record = Synthetic { blocks, ..small() }.record();
        for TaskAnalysis { finding, .. } in tasks(&record) {
            assert!(finding.leaders.is_empty());
            assert!(
                finding.headline.starts_with("not decided: a verdict needs 5 blocks per cell"),
                "{}",
                finding.headline
            );
        }
        let page = page(&record);
        assert!(!page.contains("fastest on") && !page.contains("tied fastest"));
        assert_eq!(page.contains("Only one block was measured"), blocks == 1);
        assert_eq!(page.contains("class=\"whisker\""), blocks >= 3);
    }
}

/// A sweep that was ended in the middle of its fifth block: some cells have five blocks, the others four.
#[test]
fn a_block_that_was_cut_off_decides_nothing() {
    let mut record = Synthetic { blocks: 5, ..small() }.record();
    let last = record.run.strategies.last().expect("there are strategies").name.clone();
    record.samples.retain(|sample| sample.block < 4 || sample.cell.strategy != last);
    for TaskAnalysis { finding, .. } in tasks(&record) {
        assert!(finding.leaders.is_empty());
        let why = "not decided: a verdict needs 5 blocks per cell, and cells have 4 to 5.";
        assert!(finding.headline.starts_with(why), "{}", finding.headline);
    }
    assert!(!page(&record).contains("tied fastest"));
}

/// A change to a record, what its page then says, and what it does not.
type Case = (fn(&mut Record), &'static [&'static str], &'static [&'static str]);

#[test]
fn the_page_says_what_a_reader_must_know_and_no_more() {
    const DEBUG: &str = "built as `debug`, without optimisation";
    const NOTHING: &str = "Nothing was measured: the record has no sample.";
    let cases: [Case; 9] = [
        (
            |_| {},
            &["Each cell with a valid time has 5 blocks."],
            &[
                "class=\"alarm\"",
                "did not end",
                "until their interval",
                "Cells differ in their number of blocks",
                NOTHING,
                DEBUG,
            ],
        ),
        (
            |record| record.samples.retain(|sample| sample.cell.strategy != BASELINE),
            &[
                "count has no sound baseline, so it has no speed-ups.",
                "no speed-up can be stated without a sound baseline.",
            ],
            &["Speed-up against cores", "×<"],
        ),
        (|record| record.samples.clear(), &[NOTHING], &["<svg"]),
        (
            |record| *record = Record { samples: Vec::new(), skipped: Vec::new(), ended: None, ..record.clone() },
            &[NOTHING],
            &["<svg"],
        ),
        (
            |record| {
                record.run.machine.cores_available = 1;
                record.torn = Some("line 9 is incomplete (12 bytes): EOF".into());
                record.resumed = 2;
                record.ended = None;
            },
            &[
                "The sweep did not end",
                "resumed 2 times",
                "last line was cut off",
                "cursor_pages was not measured: no PostgreSQL server answers",
                "Only one core was available",
                "That 2 cores were really available: the run could use 1 core",
            ],
            &[],
        ),
        (
            |record| record.ended.as_mut().expect("it ended").checks[2].verdict = Verdict::Warn,
            &["class=\"alarm\"", "These figures may be off"],
            &["These figures mislead"],
        ),
        (|record| record.run.checks[0].verdict = Verdict::Refuse, &["These figures mislead"], &["may be off"]),
        (|record| record.run.machine.profile = "debug".into(), &[DEBUG], &[]),
        (
            |record| {
                record.run.machine.profile = "debug".into();
                let sentence = "this is a debug build: build it with `cargo build --release`".into();
                record.run.checks.push(Check { name: "build".into(), verdict: Verdict::Refuse, sentence });
            },
            &["this is a debug build"],
            &[DEBUG],
        ),
    ];
    let base = small().record();
    for (change, said, unsaid) in cases {
        let mut record = base.clone();
        change(&mut record);
        let page = words(&page(&record));
        said.iter().for_each(|words| assert!(page.contains(words), "{words}"));
        unsaid.iter().for_each(|words| assert!(!page.contains(words), "{words}"));
        assert_eq!(text(&record).contains(NOTHING), record.samples.is_empty());
    }
}

#[test]
fn slower_than_the_plain_loop_is_said_so() {
    let mut record = small().record();
    for sample in record.samples.iter_mut().filter(|sample| sample.cell.strategy != BASELINE) {
        sample.times.as_mut().expect("no failures here").wall_ns *= 3;
    }
    let headline = analysed(&record, 0).finding.headline;
    assert!(headline.ends_with(". The plain loop is faster."), "{headline}");
}

#[test]
fn markdown_and_bencher_metrics_say_what_the_page_says() {
    let record = small().record();
    let analysis = Analysis::new(&record);
    let markdown = markdown::markdown(&analysis);
    let first = analysis.tasks[0].finding.headline.split(' ').next().expect("words");
    assert!(markdown.contains(&format!("### count\n\n{first} ")), "{markdown}");
    assert!(markdown.contains("\n| plain loop (baseline) | "), "{markdown}");
    for table in markdown.split("\n\n").filter(|part| part.starts_with('|')) {
        let columns: BTreeSet<usize> = table.lines().map(|line| line.matches('|').count()).collect();
        assert_eq!((columns.len(), table.lines().count()), (1, 12), "{table}");
    }
    let prose = markdown.lines().filter(|line| !line.starts_with('|'));
    assert!(prose.clone().all(|line| line.chars().count() <= 120), "{markdown}");
    let metrics: serde_json::Value = serde_json::from_str(&bmf::bmf(&analysis)).expect("JSON");
    let results = &analysis.tasks[0].results;
    let (cell, plain) = (results.at("rayon", 2, 1_000).expect("measured"), results.baseline.as_ref().expect("sound"));
    for (name, time) in [("count/rayon/2 cores/1000", cell.time), ("count/baseline/1 core", plain.time)] {
        let time = time.expect("a time");
        let interval = time.interval.expect("five blocks");
        let expected = serde_json::json!({"latency": {"value": time.value, "lower_value": interval.low, "upper_value": interval.high}});
        assert_eq!(metrics[name], expected, "{name}");
    }
    let sound: usize = analysis.tasks.iter().map(|task| task.results.compared().count()).sum();
    assert_eq!(metrics.as_object().map(serde_json::Map::len), Some(sound), "every name differs from the others");
}

#[test]
fn a_check_that_warns_or_refuses_is_said_before_any_finding() {
    let page = &*PAGE;
    let (head, rest) = page.split_once("aria-label=\"Findings\"").expect("there are findings");
    let place = |words: &str| head.find(words).unwrap_or_else(|| panic!("{words} is not at the head"));
    let refused =
        place("swap (swapped-out memory), before measuring</dt><dd>1.20 GiB are swapped out; end other programs");
    assert!(place("These figures mislead: the machine or the build was not fit to measure with.") < refused);
    assert!(
        refused
            < place(
                "governor (frequency governor), before and after measuring</dt><dd>2 of 2 processors are governed by powersave"
            )
    );
    place("throttling, after measuring</dt><dd>The processors were throttled 4 times");
    place("<summary>These figures mislead: swapped-out memory, frequency governor and throttling.</summary>");
    assert!(!head.contains("clock source") && !head.contains("turbo"), "what is well is no alarm");
    let all = between(rest, "<details id=\"checks\">", "</details>").next().expect("a table of all checks");
    for row in [
        "clock source</th><td>ok</td><td>ok</td>",
        "turbo</th><td>not known</td><td>not known</td>",
        "governor</th><td>warning</td><td>warning</td>",
        "swap</th><td>refused</td><td>–</td>",
        "throttling</th><td>–</td><td>warning</td>",
    ] {
        assert!(all.contains(row), "{row} is not in {all}");
    }
    assert!(text(&RECORD).starts_with("These figures mislead"));
}

#[test]
fn processes_of_two_kinds_are_flagged_with_their_times_and_numbers() {
    let task = analysed(&RECORD, 1);
    let kinds: Vec<_> =
        task.results.cells.iter().filter(|cell| cell.modes.is_some() && cell.cell.strategy == "smol").collect();
    assert_eq!(kinds.len(), 1, "on two cores at the default size");
    let modes = kinds[0].modes.expect("two kinds");
    assert_eq!((modes.quick.processes, modes.slow.processes), (5, 3));
    let words =
        format!("two kinds of processes: {} in 5, {} in 3", format::time(modes.quick.ns), format::time(modes.slow.ns));
    let whole = kinds[0].time.and_then(|time| time.interval).expect("eight blocks");
    assert!(whole.contains(modes.quick.ns) && whole.contains(modes.slow.ns), "the interval spans both");
    for table in [results::cells(&task.results), results::strategies(&task.results)] {
        assert!(table.rows.iter().flat_map(|row| &row.entries).any(|entry| entry.doubt == words), "{words}");
    }
    assert_eq!(
        results::cells(&task.results).rows.iter().filter(|row| row.name == "smol" && row.remark == "two kinds").count(),
        1
    );
    assert!(PAGE.contains(&words) && text(&RECORD).contains("two kinds of processes"));
    assert!(PAGE.contains("That one true time exists for a cell with fast and slow processes"));

    let quiet = Synthetic { noise: 0.0, ..small() }.record();
    assert!(!page(&quiet).contains("two kinds of processes:") && !page(&quiet).contains("one true time exists"));
}

#[test]
fn samples_far_from_the_others_are_listed_and_counted_all_the_same() {
    let task = analysed(&RECORD, 0);
    let listed = results::outliers(&task);
    let row = listed.rows.iter().find(|row| row.name == "threads_split" && row.entries[0].value == "2").expect("a row");
    assert_eq!((&*row.entries[1].value, &*row.entries[2].value), ("1\u{202f}000", "3.1"));
    let factor: f64 = row.entries[4].value.parse().expect("a number");
    assert!((2.3..2.7).contains(&factor), "{factor}");
    let cell = task.results.at("threads_split", 2, 1_000).expect("measured");
    assert_eq!((cell.samples, cell.blocks[&3].len()), (10, 2), "nothing was dropped");
    let list = between(&PAGE, "<details class=\"outliers\">", "</details>").next().expect("a list");
    assert!(list.contains("shown and never dropped") && list.contains("<td>3.1</td>"));
    let quiet = Synthetic { noise: 0.0, ..small() }.record();
    assert!(!page(&quiet).contains("class=\"outliers\""));
}

#[test]
fn cells_that_one_run_did_not_warm_up_are_named() {
    let task = analysed(&RECORD, 2);
    let sentences = warmed(&task).join(" ").replace(format::SPACE, " ");
    assert!(sentences.contains("not enough for 2 cells"), "{sentences}");
    for cores in ["1 core", "2 cores"] {
        assert!(sentences.contains(&format!("tokio_tasks, {cores}, partitions of 50 000 rows: 1.1")), "{sentences}");
    }
    assert!(sentences.contains("One untimed run was enough for"));
    let table = resources::threads(&task);
    let verdicts = table.rows.iter().map(|row| (row.name.as_str(), row.entries[4].value.as_str()));
    assert!(
        verdicts.clone().all(|(name, verdict)| verdict == if name == "tokio_tasks" { "too little" } else { "enough" })
    );
    assert!(PAGE.contains("That every process was warm: in 2 cells"));

    let single = Synthetic { samples: 1, ..small() }.record();
    let sentences = warmed(&analysed(&single, 2));
    assert_eq!(sentences.len(), 1);
    assert!(sentences[0].starts_with("For 37 cells, it is not known whether"), "{}", sentences[0]);
    assert!(!page(&single).contains("That every process was warm"));
}

#[test]
fn strategies_that_tie_share_a_place() {
    let record = small().record();
    let task = analysed(&record, 0);
    let table = results::strategies(&task.results);
    assert!(
        task.results.places.len() > 1 && task.results.places.iter().any(|tied| tied.len() > 1),
        "{:?}",
        task.results.places
    );
    for (nth, tied) in task.results.places.iter().enumerate() {
        let remark = match (nth, tied.len()) {
            (0, 1) => "fastest".into(),
            (0, _) => "tied fastest".into(),
            (_, 1) => format!("place {}", nth + 1),
            _ => format!("tied in place {}", nth + 1),
        };
        for name in tied {
            assert_eq!(table.rows.iter().find(|row| row.name == *name).expect("a row").remark, remark);
        }
    }
    let few = Synthetic { blocks: 4, ..small() }.record();
    assert!(!page(&few).contains(">place ") && !page(&few).contains("tied in place"), "nothing is decided");
}

#[test]
fn cells_with_different_numbers_of_blocks_are_said_to_have_them() {
    let words = words(&PAGE);
    for sentence in [
        "Cells differ in their number of blocks: 5 to 8 blocks in count, 5 to 8 blocks in word_totals",
        "Each cell with a valid time has 5 to 8 blocks.",
        "some cells were measured until their interval was narrow",
        "some cells have only 5 blocks.",
        "<small>5 blocks</small>",
        "<small>8 blocks</small>",
    ] {
        assert!(words.contains(sentence), "{sentence}");
    }
}

#[test]
fn where_sibling_hyperthreads_begin_there_is_a_line() {
    let lines = |record: &Record| {
        let chart = plots::speed_up_by_cores(&analysed(record, 0).results).expect("a chart");
        chart.references.into_iter().filter(|line| line.kind == chart::Kind::Boundary).collect::<Vec<_>>()
    };
    let mut record = Synthetic { cores: vec![1, 2, 4, 8], ..small() }.record();
    assert_eq!(lines(&record), [], "eight physical cores");
    assert!(!page(&record).contains("sibling hyperthreads"));
    for (physical, beyond, from) in [("4", 4.0, 8.0), ("3", 3.0, 4.0), ("1", 1.0, 2.0)] {
        record.run.machine.notes.insert(PHYSICAL_CORES.into(), physical.into());
        let lines = lines(&record);
        assert_eq!(lines.len(), 1);
        assert!(lines[0].path.iter().all(|(x, _)| (beyond..from).contains(x)), "{physical}: {:?}", lines[0].path);
        let page = page(&record);
        assert!(page.contains(">hyperthreads<") && page.contains(" Dash-dotted: beyond "));
    }
    record.run.machine.notes.remove(PHYSICAL_CORES);
    assert_eq!(lines(&record), [], "it is not recorded");
}

#[test]
fn boundaries_are_drawn_between_the_core_counts_that_they_separate() {
    use BoundaryKind::{Cache, FastCores, Node, Physical, Socket};
    // Measured core counts, boundaries of the machine, and the lines: the core counts around each, and its label.
    type Case<'a> = (&'a [u32], &'a [(usize, BoundaryKind)], &'a [(u32, u32, &'a str)]);
    let cases: [Case; 6] = [
        (&[1, 2, 4, 8, 16, 32], &[(8, Socket), (16, Physical)], &[(8, 16, "next socket"), (16, 32, "hyperthreads")]),
        (
            &[1, 2, 4, 6, 8, 14, 20],
            &[(6, FastCores), (14, Physical)],
            &[(6, 8, "slower cores"), (14, 20, "hyperthreads")],
        ),
        // Of two boundaries between the same core counts, the more important is drawn.
        (&[1, 8, 128], &[(16, Cache), (32, Node), (64, Socket)], &[(8, 128, "next socket")]),
        (&[1, 16, 64], &[(8, Cache), (32, Node)], &[(1, 16, "next cache"), (16, 64, "next NUMA node")]),
        // The first line of a kind has the label.
        (
            &[1, 16, 32, 48, 64],
            &[(16, Node), (32, Socket), (48, Node)],
            &[(16, 32, "next NUMA node"), (32, 48, "next socket"), (48, 64, "")],
        ),
        // No cell goes beyond the boundary.
        (&[1, 2, 4, 8], &[(8, Socket)], &[]),
    ];
    for (cores, boundaries, expected) in cases {
        let mut record = Synthetic { cores: cores.to_vec(), ..small() }.record();
        let boundaries = boundaries.iter().map(|&(cores, kind)| Boundary { cores, kind });
        record.run.machine.boundaries = boundaries.collect();
        let chart = plots::speed_up_by_cores(&analysed(&record, 0).results).expect("a chart");
        let lines = chart.references.iter().filter(|line| line.kind == chart::Kind::Boundary);
        assert_eq!(lines.clone().count(), expected.len(), "{cores:?}");
        for (line, (from, next, label)) in lines.zip(expected) {
            assert_eq!(line.label, *label);
            let points = |cores: u32| {
                let nth = record.run.cores.iter().position(|it| *it == cores).expect("a measured count");
                chart.series.iter().filter_map(move |series| Some(series.points.get(nth)?.as_ref()?.x))
            };
            let at = line.path[0].0;
            assert!(points(*from).all(|x| x < at) && points(*next).all(|x| x > at), "{cores:?}: {label} at {at}");
            assert!(line.path.iter().all(|(x, _)| *x == at), "it is vertical");
        }
        let page = page(&record);
        assert_eq!(page.contains("Dash-dotted"), !expected.is_empty(), "{cores:?}");
        for kind in ["next socket", "next NUMA node", "next cache", "slower cores", "hyperthreads"] {
            let is_drawn = expected.iter().any(|(.., label)| label.starts_with(kind));
            assert_eq!(page.contains(&format!(">{kind}</text>")), is_drawn, "{cores:?}: {kind}");
        }
    }
}

#[test]
fn the_nodes_of_processors_and_of_the_input_are_shown_on_a_machine_with_several() {
    let mut record = small().record();
    record.run.machine.nodes = vec![0, 0];
    assert!(!words(&page(&record)).contains("NUMA"));
    record.run.machine.nodes = vec![0, 1];
    record.run.machine.input_nodes = vec![0.98, 0.02];
    let words = words(&page(&record));
    for row in [
        "<dt>NUMA nodes of these processors</dt><dd>0, 1</dd>",
        "<dt>NUMA nodes of the input file</dt><dd>98 % on 0, 2 % on 1</dd>",
    ] {
        assert!(words.contains(row), "{row}");
    }
}

#[test]
fn every_fault_has_words_of_its_own_and_they_are_listed() {
    let mut record = small().record();
    let names = "wrong_answer dropped_job abandoned_source reported_early mismatched_reply repeated_reply stale_reply \
                 lost_items work_not_done too_many_jobs too_few_jobs extra_threads foreign_cores leaked_threads ignored_cancel \
                 panicked error crashed hung";
    let fault = |name: &str| serde_json::from_value(name.into()).expect("a fault");
    let faults: Vec<Fault> = names.split(' ').map(fault).collect();
    for (sample, &fault) in record.samples.iter_mut().zip(&faults) {
        let status = match fault {
            Fault::WrongAnswer => Status::Wrong,
            Fault::Crashed => Status::Crashed,
            Fault::Hung => Status::Hung,
            _ => Status::Failed,
        };
        (sample.status, sample.fault) = (status, Some(fault));
    }
    let page = page(&record);
    let failures = between(&page, "id=\"failures\"", "</section>").next().expect("there are failures");
    let words: BTreeSet<&str> = faults.iter().copied().map(Fault::words).collect();
    assert_eq!(words.len(), faults.len());
    for word in words {
        let word = word.replace('\'', "&#39;");
        assert!(
            [format!("<small>{word}</small>"), format!("<td>{word}")].iter().any(|it| failures.contains(it)),
            "{word}"
        );
    }
}

#[test]
fn an_unfair_cell_is_listed_and_never_drawn() {
    let mut record = small().record();
    let unfair = |sample: &Sample| sample.cell.strategy == "rayon" && sample.cell.cores == 2;
    for sample in record.samples.iter_mut().filter(|sample| unfair(sample)) {
        (sample.status, sample.fault) = (Status::Unfair, Some(Fault::ForeignCores));
        sample.times.as_mut().expect("no failures here").wall_ns /= 2;
    }
    for task in tasks(&record) {
        assert!(!task.finding.leaders.contains(&"rayon".to_owned()));
        let chart = sizes(&task).expect("others are sound");
        assert!(chart.series.iter().all(|series| series.name != "rayon"));
        let used = resources::used(&task);
        assert_eq!(used.rows.iter().filter(|row| row.name == "rayon").count(), 1, "on one core only");
    }
    let page = page(&record);
    assert!(page.contains("<td>unfair <small>could run on cores that are not the cell&#39;s</small></td>"));
    assert!(page.contains("Anything about an unfair cell"));
}

/// A record in which one cell is unfair in some blocks, for a reason that load can cause.
fn unfair_in(blocks: &[u32], of: u32) -> (Record, TaskAnalysis) {
    let mut record = Synthetic { blocks: of, ..small() }.record();
    let size = record.run.tasks[0].default_size;
    for sample in &mut record.samples {
        let cell = (sample.cell.task.as_str(), sample.cell.strategy.as_str(), sample.cell.cores, sample.cell.size);
        if cell == ("count", "rayon", 2, size) && blocks.contains(&sample.block) && sample.index == 1 {
            (sample.status, sample.fault, sample.times) = (Status::Unfair, Some(Fault::TooFewJobs), None);
            sample.reason = "never more than 1 jobs were in progress".into();
        }
    }
    let task = analysed(&record, 0);
    (record, task)
}

#[test]
fn a_cell_with_one_unfair_try_keeps_its_other_blocks_and_the_page_shows_both() {
    let (record, task) = unfair_in(&[1], 6);
    let results = &task.results;
    let cell = results.at("rayon", 2, results.task.default_size).expect("measured");
    assert!(cell.sound && cell.unfair_block == Some(1));
    assert_eq!((cell.samples, cell.failures), (10, 0), "the fair sample of the unfair process does not count either");
    assert_eq!(cell.blocks.keys().copied().collect::<Vec<_>>(), [0, 2, 3, 4, 5]);
    let conclusion = task.conclusions.iter().find(|it| it.about == "tried_again").expect("it is told");
    assert!(
        conclusion.sentence.starts_with("1 cell of rayon looked unfair in one block, and"),
        "{}",
        conclusion.sentence
    );
    assert!(task.conclusions.iter().all(|it| it.about != "left_out"));
    let text = page(&record);
    let failures = between(&text, "id=\"failures\"", "</section>").next().expect("the unfair try is listed");
    assert!(failures.contains("fair in every other block, so the cell keeps its other samples"), "{failures}");
    assert!(words(&text).contains("5 blocks, 1 unfair") && text.contains("one unfair try"));
    assert!(text.contains("Why 1 cell looked unfair in one block") && !text.contains("Anything about an unfair cell"));
    assert!(!text.contains("gave no verified answer"), "nothing is left out");
    let analysis = Analysis::new(&record);
    for told in [terminal::text(&analysis, &ALL), markdown::markdown(&analysis), json::json(&analysis)] {
        assert!(told.contains("looked unfair"), "{told}");
    }
}

#[test]
fn a_cell_with_two_unfair_tries_or_no_second_one_is_left_out() {
    for (blocks, of, why) in [
        (&[1, 3][..], 6, "unfair again in another block, so the cell is left out"),
        (&[0], 1, "the sweep ended before a second try, so the cell is left out"),
    ] {
        let (record, task) = unfair_in(blocks, of);
        let results = &task.results;
        let cell = results.at("rayon", 2, results.task.default_size).expect("measured");
        assert!(!cell.sound && cell.unfair_block.is_none() && cell.failures == blocks.len());
        assert!(task.conclusions.iter().any(|it| it.about == "left_out"));
        let page = page(&record);
        assert!(page.contains(why) && page.contains("Anything about an unfair cell"), "{why}");
        assert!(blocks.iter().all(|block| page.contains(&format!("{block}.1"))), "both tries are listed");
    }
}

#[test]
fn under_load_nothing_is_named_the_fastest() {
    let load = "a loop of constant work lost 93.0 % of its time on the worst processor";
    let check =
        |name: &str, verdict| Check { name: name.to_owned(), verdict, sentence: format!("{load}: wait until it ends") };
    let quiet = Synthetic { blocks: 6, ..small() }.record();
    for (before, after, named) in [
        (Some(check("noise", Verdict::Refuse)), None, false),
        (Some(check("neighbours", Verdict::Refuse)), None, false),
        (None, Some(check("neighbours", Verdict::Warn)), false),
        (Some(check("noise", Verdict::Warn)), None, true),
        (Some(check("build", Verdict::Refuse)), None, true),
    ] {
        let mut record = quiet.clone();
        record.run.checks.extend(before.clone());
        record.ended.as_mut().expect("it ended").checks.extend(after);
        for TaskAnalysis { finding, results, conclusions, .. } in tasks(&record) {
            assert_eq!(finding.leaders.is_empty(), !named, "{before:?}");
            let why = "not decided, because other load on the machine spoils every comparison";
            assert_eq!(finding.headline.starts_with(why), !named, "{}", finding.headline);
            assert_eq!(results.rankings.is_empty(), !named);
            assert!(named || conclusions.iter().all(|it| !["enough_cores", "slowdown"].contains(&it.about)));
        }
        let page = page(&record);
        assert_eq!(page.contains("fastest on") || page.contains("tied fastest"), named, "{before:?}");
    }
}

/// The record with the samples of one partition size only.
fn at_one_size(mut record: Record) -> Record {
    let size =
        |sample: &Sample| record.run.tasks.iter().find(|task| task.name == sample.cell.task).map(|it| it.default_size);
    let sizes: Vec<_> = record.samples.iter().map(size).collect();
    let mut sizes = sizes.into_iter();
    record
        .samples
        .retain(|sample| sizes.next().flatten() == Some(sample.cell.size) || sample.cell.strategy == BASELINE);
    record
}

#[test]
fn captions_mention_only_what_is_drawn() {
    let captions = |record: &Record| {
        between(&page(record), "<figcaption>", "</figcaption>").map(str::to_owned).collect::<Vec<_>>().concat()
    };
    let few = at_one_size(Synthetic { blocks: 1, ..small() }.record());
    let none = captions(&few);
    assert!(!none.contains("Whiskers") && !none.contains("dotted line") && !none.contains("dash-dotted"), "{none}");
    let table = results::strategies(&analysed(&few, 0).results).caption;
    assert!(!table.contains("interval") && !table.contains("best partition size"), "{table}");
    let mut record = Synthetic { sizes: 5, failures: false, ..Synthetic::default() }.record();
    let all = captions(&record);
    assert!(
        all.contains("Whiskers show intervals") && all.contains("The dotted line marks the partition size"),
        "{all}"
    );
    let table = results::strategies(&analysed(&record, 0).results).caption;
    assert!(table.contains("interval") && table.contains("best partition size"), "{table}");
    // The boundary to second hardware threads lies left of the chart.
    record.run.machine.notes.insert(PHYSICAL_CORES.to_owned(), "1".to_owned());
    record.samples.retain(|sample| sample.cell.cores == 2 || sample.cell.strategy == BASELINE);
    assert!(!captions(&record).contains("dash-dotted"));
    assert!(captions(&record).contains("A band covers"));
    record.samples.retain(|sample| sample.cell.strategy == "rayon" || sample.cell.strategy == BASELINE);
    assert!(!captions(&record).contains("A band covers"));
}

/// The user may have named other sizes than the task's own, so the compared size need not be the default.
#[test]
fn no_size_is_called_the_default() {
    let several = Synthetic { sizes: 5, failures: false, ..Synthetic::default() }.record();
    for (record, lines) in [(several.clone(), 1), (at_one_size(several), 0)] {
        let chart = sizes(&analysed(&record, 0)).expect("there are sizes");
        let compared: Vec<_> = chart.references.iter().filter(|line| line.kind == chart::Kind::Compared).collect();
        assert_eq!(compared.len(), lines);
        assert!(compared.iter().all(|line| line.label == "compared"));
        assert!(!page(&record).replace("content=\"default-src", "").contains("default"));
    }
}

#[test]
fn what_was_used_is_the_median_of_the_samples() {
    let record = small().record();
    let task = &record.run.tasks[1];
    let of_cell: Vec<&Times> = record
        .samples
        .iter()
        .filter(|sample| (sample.cell.strategy.as_str(), sample.cell.cores) == ("rayon", 2))
        .filter(|sample| sample.cell.task == task.name && sample.cell.size == task.default_size)
        .filter_map(|sample| sample.times.as_ref())
        .collect();
    assert_eq!(of_cell.len(), 10);
    let median = |of: &dyn Fn(&Times) -> f64| {
        statistics::median(&of_cell.iter().map(|times| of(times)).collect::<Vec<_>>()).expect("measured")
    };
    let table = resources::used(&TaskAnalysis::new(&record, task));
    let row = table.rows.iter().find(|row| row.name == "rayon" && row.entries[0].value == "2").expect("a row");
    let entry = |column: &str| {
        let at = table.columns.iter().position(|head| *head == column).unwrap_or_else(|| panic!("no column {column}"));
        row.entries[at - 1].value.clone()
    };
    let busy = median(&|times| (times.user_ns + times.system_ns) as f64 / times.wall_ns as f64);
    assert!((1.8..2.0).contains(&busy));
    assert_eq!(entry("busy threads"), format::digits(busy));
    let faults = median(&|times| times.minor_faults as f64);
    assert_eq!(entry("page faults"), format::count(faults.round() as u64));
    let cycles = median(&|times| times.cycles.expect("every sample has them") as f64);
    assert_eq!(entry("cycles"), format::many(cycles));
    assert_eq!(entry("peak memory"), format::memory(54_000_000.0));
    for missing in ["cache misses", "energy"] {
        assert!(!table.columns.contains(&missing), "{missing} was not measured and has no column");
    }
    let page = page(&record);
    assert!(page.contains("Not measured: energy. /sys/class/powercap is empty here."));
    assert!(!page.contains("the record does not say why"));
}

#[test]
fn extra_threads_are_named() {
    let record = small().record();
    let table = resources::threads(&analysed(&record, 0));
    let row = |name: &str| {
        let row = table.rows.iter().find(|row| row.name == name && row.entries[0].value == "2").expect("a row");
        row.entries.iter().map(|entry| entry.value.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(row("rayon")[5..], ["3", "2", "2 rayon-worker, 1 goldilocks (no job)"]);
    assert_eq!(
        row("tokio_blocking")[5..],
        ["4", "2", "2 tokio_blocking-worker, 1 tokio-runtime-w (no job), 1 goldilocks (no job)"]
    );
}

#[test]
fn the_warm_up_is_told_against_the_first_sample_and_that_against_the_later_ones() {
    let mut record = Synthetic { samples: 3, ..small() }.record();
    for sample in &mut record.samples {
        let wall = [2_000, 1_000, 1_000][sample.index as usize];
        sample.times.as_mut().expect("no failures here").wall_ns = wall;
        sample.warm_up_ns = (sample.index == 0).then_some(3_000);
    }
    let table = resources::threads(&analysed(&record, 0));
    for row in &table.rows {
        assert_eq!((&*row.entries[2].value, &*row.entries[3].value), ("1.50", "2.00"), "{}", row.name);
    }
    record.samples.retain(|sample| sample.index == 0);
    let table = resources::threads(&analysed(&record, 0));
    assert_eq!(table.rows[1].entries[3].value, format::NONE, "there is no later sample");
}

#[test]
fn hostile_names_stay_text() {
    const HOSTILE: &str = "</style></title><script>alert('\"&')</script>{{x}}{% raw %}";
    let mut record = Synthetic { blocks: 1, samples: 1, ..small() }.record();
    let rename = |name: &mut String| *name = format!("{name}{HOSTILE}");
    for task in &mut record.run.tasks {
        task.answer.push((HOSTILE.into(), HOSTILE.into()));
        task.options.insert(HOSTILE.into(), HOSTILE.into());
        [&mut task.name, &mut task.about, &mut task.unit, &mut task.digest].into_iter().for_each(rename);
    }
    for strategy in &mut record.run.strategies {
        [&mut strategy.name, &mut strategy.about, &mut strategy.good, &mut strategy.bad, &mut strategy.trace]
            .into_iter()
            .for_each(rename);
    }
    for sample in &mut record.samples {
        rename(&mut sample.cell.task);
        if sample.cell.strategy != BASELINE {
            rename(&mut sample.cell.strategy);
        }
    }
    record.samples[0].status = Status::Failed;
    rename(&mut record.samples[0].reason);
    record.run.checks.push(Check { name: HOSTILE.into(), verdict: Verdict::Refuse, sentence: HOSTILE.into() });
    record.run.unmeasured.insert(HOSTILE.into(), HOSTILE.into());
    for times in record.samples.iter_mut().filter_map(|sample| sample.times.as_mut()) {
        let pool = Pool { name: HOSTILE.into(), threads: 1, working: 0, cpu_ns: 1 };
        times.census.iter_mut().for_each(|census| census.pools.push(pool.clone()));
    }
    let machine = &mut record.run.machine;
    machine.notes.insert(HOSTILE.into(), HOSTILE.into());
    [&mut record.run.id, &mut record.run.command, &mut record.run.program, &mut machine.processor]
        .into_iter()
        .for_each(rename);

    let page = page(&record);
    assert!(page.matches("<script").count() == 2 && page.matches("</script").count() == 2);
    assert!(page.matches("</style>").count() == 1 && page.matches("</title>").count() > 1);
    assert!(page.contains("count&#60;/style&#62;") || page.contains("count&lt;/style&gt;"));
    assert!(page.contains("{{x}}"));

    let markdown = markdown::markdown(&Analysis::new(&record));
    assert!(!markdown.contains("<script") && !markdown.contains("</style>"), "{markdown}");

    record.samples[0].reason = "\u{1b}[31mred\u{7}".into();
    record.skipped[0].reason = "\u{1b}[2J".into();
    assert!(!text(&record).contains('\u{1b}'));
}

#[test]
fn the_page_is_written_whole_or_not_at_all() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("report.html");
    let record = Synthetic { blocks: 1, samples: 1, ..small() }.record();
    html::write(&Analysis::new(&record), &path).expect("a folder to write to");
    let page = html::page(&Analysis::new(&record)).expect("a page");
    assert!(std::fs::read_to_string(&path).expect("the page") == page);
    assert_eq!(std::fs::read_dir(&folder).expect("the folder").count(), 1, "nothing else is left behind");
    let error =
        html::write(&Analysis::new(&record), folder.path().join("none/report.html")).expect_err("no such folder");
    assert!(error.to_string().starts_with("cannot write "), "{error}");
}

#[test]
fn a_wide_sweep_has_every_cell_and_every_core_count() {
    let record = Synthetic { cores: vec![1, 2, 4, 8, 16, 32], blocks: 3, samples: 1, ..small() }.record();
    let task = analysed(&record, 1);
    assert_eq!(task.results.cores, [1, 2, 4, 8, 16, 32]);
    assert_eq!(results::cells(&task.results).rows.len(), 9 * 6 * 2);
    let chart = plots::speed_up_by_cores(&task.results).expect("a chart");
    assert!(chart.series.iter().all(|series| series.points.iter().flatten().count() == 6));
    let inside = |point: &chart::Point| {
        (chart.x.low..chart.x.high).contains(&point.x) && (chart.y.low..chart.y.high).contains(&point.y.value)
    };
    assert!(chart.series.iter().flat_map(|series| series.points.iter().flatten()).all(inside));
}

#[test]
fn the_terminal_gets_the_findings_and_a_table() {
    let mut record = small().record();
    record.run.tasks.truncate(1);
    record.run.strategies.truncate(4);
    insta::assert_snapshot!(text(&record), @r"
    cursor_pages was not measured: no PostgreSQL server answers; start one with `just postgres`.

    count: threads_shared, channel_crossbeam and rayon tie: as a group they reach 1.98× (1.98–2.02) the plain one-thread loop’s speed on 2 cores; partitions of 10 to 1 000 numbers are within 5 % of the best.
      Strategy: any of 3; threads_shared, channel_crossbeam, rayon; compared on 2 cores with partitions of 1 000 numbers
      Cores: 2; 1 core takes 1.99× as long
      Partition size: 10 to 1 000 numbers; within 5 % of the best of 2 sizes on 2 cores
      Can you trust it? Yes: no check of the machine or the build warned, and the compared cells have 5 blocks.
      Nothing large limits it on 2 cores: 100 % of each worker’s time is the task’s work at the plain loop’s speed.

      Speed-up of the strategies that tie, with partitions of 1 000 numbers; | marks as many times as cores:
       1 core  #######################|                         0.995–0.999×
      2 cores  ###############################################| 1.98–1.99×

                                             median time            speed-up  efficiency         best partition size        samples
      plain loop (baseline)             911 ms (899–919)  1× (by definition)           –               no partitions  10 (5 blocks)
      threads_split (place 2)           482 ms (479–490)   1.88× (1.88–1.90)        94 %  1 000 (close: 10 to 1 000)  10 (5 blocks)
      threads_shared (tied fastest)     458 ms (451–462)   1.99× (1.97–2.02)        99 %  1 000 (close: 10 to 1 000)  10 (5 blocks)
      channel_crossbeam (tied fastest)  457 ms (454–465)   1.98× (1.97–2.00)        99 %  1 000 (close: 10 to 1 000)  10 (5 blocks)
      rayon (tied fastest)              456 ms (448–465)   1.99× (1.98–2.03)        99 %  1 000 (close: 10 to 1 000)  10 (5 blocks)
    ");
}

/// The style sheet's colours in one theme, by name.
fn theme(nth: usize) -> impl Fn(&str) -> [f64; 3] {
    let sheet = include_str!("../templates/page.css");
    let block = between(sheet, ":root {", "}").nth(nth).expect("three themes");
    move |name| {
        let hex = between(block, &format!("--{name}: #"), ";").next().expect("every theme has every colour").to_owned();
        [0, 2, 4].map(|at| f64::from(u8::from_str_radix(&hex[at..at + 2], 16).expect("six digits")) / 255.0)
    }
}

/// The contrast ratio of WCAG 2.2.
fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let luminance = |colour: [f64; 3]| {
        let [r, g, b] = colour.map(|c| if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn text_and_lines_have_contrast_in_every_theme() {
    for (nth, name) in ["light", "dark", "print"].into_iter().enumerate() {
        let colour = theme(nth);
        for ground in ["paper", "card", "notice", "lead"] {
            for ink in ["ink", "soft", "accent", "alarm"] {
                let ratio = contrast(colour(ink), colour(ground));
                assert!(ratio >= 4.5, "{name}: {ink} on {ground} {ratio:.2}");
            }
        }
        // The names at the ends of lines have the colours of their series.
        for place in 0..svg::COLOURS {
            let ratio = contrast(colour(&format!("series-{place}")), colour("paper"));
            assert!(ratio >= 4.5, "{name}: series {place} {ratio:.2}");
        }
        for line in ["line", "ink", "accent"] {
            assert!(contrast(colour(line), colour("paper")) >= 3.0, "{name}: {line}");
        }
        // The numbers in a heat map, and its colours in order.
        let steps: Vec<[f64; 3]> = (0..chart::Tile::STEPS).map(|step| colour(&format!("q{step}"))).collect();
        for (step, ground) in steps.iter().enumerate() {
            let text = colour(if step < 5 { "ink" } else { "paper" });
            let ratio = contrast(text, *ground);
            assert!(ratio >= 4.5, "{name}: text on step {step} {ratio:.2}");
        }
        let from_paper: Vec<f64> = steps.iter().map(|step| contrast(*step, colour("paper"))).collect();
        assert!(from_paper.is_sorted(), "{name}: {from_paper:?}");
    }
}

#[test]
fn other_programs_are_named_lines_beside_the_times_with_the_caveat() {
    let mut record = small().record();
    let task = 1;
    let bare = sizes(&analysed(&record, task)).expect("a chart");
    record.peers = synthetic::peers();
    let task = analysed(&record, task);
    let chart = sizes(&task).expect("a chart");
    assert!(chart.y.low < 0.1e9 && chart.y.high > 2.3e9 && bare.y.low > chart.y.low);
    let lines: Vec<(&str, f64)> = chart
        .references
        .iter()
        .filter(|line| line.kind == chart::Kind::Peer)
        .map(|line| (&*line.label, line.path[1].1 / 1e6))
        .collect();
    // Each with the most threads; two ends for names, and the third that is close joins the second.
    assert_eq!(lines, [("line_count", 101.0), ("polars", 2222.0), ("duckdb, sqlite", 2323.0), ("", 2373.5)]);
    assert!(
        !sizes(&analysed(&record, 0)).expect("a chart").references.iter().any(|line| line.kind == chart::Kind::Peer)
    );
    let page = page(&record);
    assert_eq!(page.matches(peers::CAVEAT).count(), 2 + 1, "under the chart, and above the table twice");
    assert!(page.contains("absent: No module named"), "who is absent is named");
    let table = peers::table("word_totals", &task.peers.results).expect("peers");
    let ratio = |name: &str, threads: &str| {
        let row = table.rows.iter().find(|row| row.name == name && row.entries[0].value == threads);
        row.expect("a row").entries[6].value.clone()
    };
    // Against this program with as many threads, a whole process too.
    assert_eq!((&*ratio("polars", "1"), &*ratio("polars", "2")), ("20.0×", "20.0×"));
    assert_eq!((&*ratio("line_count", "1"), &*ratio("fast", "1")), ("0.500×", format::NONE));
    let text = text(&record);
    assert!(
        text.contains("Median times of other programs for the job of word_totals") && text.contains("polars"),
        "{text}"
    );
}

#[test]
fn engines_stand_beside_one_core_and_the_best_strategy_with_their_cost() {
    let mut record = small().record();
    record.peers = synthetic::peers();
    let task = analysed(&record, 1);
    assert!(task.peers.results.iter().all(|it| it.peer.name != "sail"), "a query is not a whole process");
    let known = task.engines.expect("engines");
    let (one_core, best) = (known.one_core_ns.expect("a baseline"), known.best.expect("a best strategy"));
    for (times, cost) in [(0.5, "sail needs 2 cores."), (2.0, "sail is slower on 2 cores, the most it got.")] {
        let cost = cost.replace("2 cores", &format::cores(2));
        let sail = record.peers.iter_mut().find(|peer| peer.name == "sail").expect("one");
        sail.runs.iter_mut().for_each(|run| run.wall_ns = (one_core * times) as u64);
        let engines = analysed(&record, 1).engines.expect("engines");
        assert!(engines.cost.as_ref().is_some_and(|it| it.sentence.ends_with(&cost)), "{:?}", engines.cost);
        let table = reports::view::engines::table("word_totals", &engines);
        let value = |row: usize, entry: usize| &*table.rows[row].entries[entry].value;
        assert_eq!(value(0, 2), format!("{}×", format::digits(times)));
        assert_eq!(value(0, 3), format!("{}×", format::digits(one_core * times / best.ns)));
        let shares = [0.75, 0.25].map(format::percent).join(", ");
        assert_eq!(table.rows[0].entries[7].note, format!("workers {shares}"));
        // One that could not be started has a reason and no time.
        assert_eq!((value(1, 1), &*table.rows[1].entries[9].note), (format::NONE, "cannot start spark: no Java"));
    }
    assert!(page(&record).contains("What distributed engines take"));
    assert!(text(&record).contains("asked through Spark Connect"));
}

#[test]
fn a_best_size_is_called_so_only_where_all_were_measured_often_enough() {
    let note = |record: &Record| {
        let table = results::strategies(&analysed(record, 0).results);
        let at = table.columns.iter().position(|column| *column == "best partition size").expect("a column");
        table.rows.iter().find(|row| row.name == "rayon").expect("a row").entries[at - 1].note.clone()
    };
    let mut record = Synthetic { sizes: 3, failures: false, ..Synthetic::default() }.record();
    assert!(!note(&record).contains("so far"), "{}", note(&record));
    let few = record.samples.iter().filter(|sample| sample.block < 2).cloned().collect();
    assert_eq!(note(&Record { samples: few, ..record.clone() }), "so far");
    let size = record.run.tasks[0].default_size;
    record.samples.retain(|sample| sample.cell.size == size || sample.cell.strategy != "rayon");
    assert_eq!(note(&record), "of 1 of 3 sizes so far");
}

#[test]
fn a_better_kernel_is_set_against_more_cores() {
    let mut record = small().record();
    let of = |record: &Record| {
        let task = analysed(record, 1);
        kernels::time_by_kernel(&task.results, &task.peers)
    };
    assert_eq!(of(&record), None);
    record.peers = synthetic::peers();
    let chart = of(&record).expect("two kernels were timed");
    let path = |kind| {
        let lines = chart.references.iter().filter(|line| line.kind == kind);
        lines.map(|line| (&*line.label, &*line.path)).collect::<Vec<_>>()
    };
    let (book, runs) = (9_090e6, 202e6);
    assert_eq!(path(chart::Kind::Kernel), [("book", &[(1.0, book)][..]), ("runs", &[(1.0, runs), (2.0, 111e6)][..])]);
    assert_eq!(path(chart::Kind::Ideal), [("book, ideally", &[(1.0, book), (32.0, book / 32.0)][..])]);
    let [(_, [(low, level), (high, end)])] = path(chart::Kind::Baseline)[..] else {
        panic!("one line, from end to end")
    };
    assert_eq!((*low, *level, *high, *end), (chart.x.low, runs, chart.x.high, runs));
    let sentence = "On one core, runs takes 202 ms; book would take 284 ms on 32 cores with perfect scaling.";
    assert!(page(&record).replace('\u{202f}', " ").contains(sentence));
}

#[test]
fn an_increment_is_given_in_cycles_where_the_clock_was_measured() {
    let mut record = small().record();
    record.run.tasks[0].answer = vec![("numbers".into(), "100 000".into()), ("sum".into(), "1000000000".into())];
    let words = |record: &Record| overhead::unit_cost(&analysed(record, 0)).expect("count has a sum").1;
    let bare = words(&record);
    record.run.machine.notes.insert(CLOCK.into(), "2.00 GHz".into());
    let ns: f64 = bare.replace(format::SPACE, " ").trim_end_matches(" ns").parse().expect("a number of nanoseconds");
    assert!((0.85..0.95).contains(&ns), "{bare}");
    let cycles = words(&record);
    assert!(cycles.starts_with(&bare) && cycles.contains(&format!("{:.2}", 1.0 / (ns * 2.0))[..3]), "{cycles}");
    assert!(page(&record).contains("an increment of the plain loop"));
    assert_eq!(overhead::unit_cost(&analysed(&record, 1)), None);
    // The processor is the limit only if nothing else ran.
    assert!(cycles.contains("Each takes a branch"), "{cycles}");
    for (moment, name) in [("before", "neighbours"), ("after", "neighbours"), ("before", "steal"), ("after", "quota")] {
        let mut loaded = record.clone();
        let check = Check { name: name.into(), verdict: Verdict::Warn, sentence: "other load".into() };
        match moment {
            "before" => loaded.run.checks.push(check),
            _ => loaded.ended.as_mut().expect("it has ended").checks.push(check),
        }
        let cycles = words(&loaded);
        assert!(!cycles.contains("branch") && cycles.contains("an idle machine may do more"), "{name}: {cycles}");
    }
}

#[test]
fn what_handing_over_a_job_costs_is_told_for_one_alone_and_for_one_of_many() {
    let mut record = Synthetic { sizes: 5, failures: false, ..Synthetic::default() }.record();
    assert_eq!(overhead::dispatch(&analysed(&record, 0)), None);
    let largest = *record.run.tasks[0].sizes.last().expect("sizes");
    record.run.tasks[0].name = "noop".into();
    record.run.tasks[0].details = vec![Detail::DispatchCost];
    for sample in record.samples.iter_mut().filter(|sample| sample.cell.task == "count") {
        sample.cell.task = "noop".into();
        let times = sample.times.as_mut().expect("no failures here");
        times.partitions = if sample.cell.size == largest { 1 } else { 100_000 / sample.cell.size.max(1) };
        times.wall_ns = if times.partitions == 1 { 70_000 } else { 250 * times.partitions };
    }
    let table = overhead::dispatch(&analysed(&record, 0)).expect("a table");
    let rayon = table.rows.iter().find(|row| row.name == "rayon").expect("rayon has a row");
    let values: Vec<String> = rayon.entries.iter().map(|entry| entry.value.replace(format::SPACE, " ")).collect();
    assert_eq!(values, ["122 µs", "70.0 µs", "250 ns", "10 000"]);
    assert!(page(&record).contains("What handing over a job costs"));
}

/// A run of 32 cores with 14 strategies, some of them with long names.
fn fourteen() -> Record {
    let mut record = Synthetic { cores: vec![1, 2, 4, 8, 16, 32], failures: false, ..Synthetic::default() }.record();
    record.run.tasks.truncate(1);
    let task = record.run.tasks[0].name.clone();
    record.samples.retain(|sample| sample.cell.task == task);
    for nth in 0..5 {
        let name = format!("a_strategy_with_a_very_long_name_indeed_{nth}");
        let model = record.run.strategies[nth].clone();
        let samples: Vec<Sample> =
            record.samples.iter().filter(|sample| sample.cell.strategy == model.name).cloned().collect();
        for mut sample in samples {
            sample.cell.strategy.clone_from(&name);
            let times = sample.times.as_mut().expect("no failures here");
            times.wall_ns = times.wall_ns * (12 + nth as u64) / 10;
            record.samples.push(sample);
        }
        record.run.strategies.push(record::StrategyNote { name, ..model });
    }
    record
}

#[test]
fn fourteen_strategies_have_names_apart_and_ties_share_a_band() {
    let record = fourteen();
    let task = analysed(&record, 0);
    let chart = plots::speed_up_by_cores(&task.results).expect("a chart");
    assert_eq!(chart.series.len(), 14);
    let tied: Vec<&Vec<String>> = task.results.places.iter().filter(|tied| tied.len() > 1).collect();
    assert!(!tied.is_empty() && chart.bands.len() == tied.len());
    for series in &chart.series {
        assert_eq!(series.band, tied.iter().position(|tied| tied.contains(&series.name)), "{}", series.name);
    }
    for (band, tied) in chart.bands.iter().zip(tied) {
        let members = || chart.series.iter().filter(|series| tied.contains(&series.name));
        for (nth, point) in band.points.iter().enumerate() {
            let hull = point.as_ref().and_then(|point| point.y.interval).expect("five blocks");
            let intervals = || members().filter_map(|it| it.points[nth].as_ref()?.y.interval);
            assert_eq!(hull.low, intervals().map(|it| it.low).fold(f64::INFINITY, f64::min));
            assert_eq!(hull.high, intervals().map(|it| it.high).fold(0.0, f64::max));
        }
    }
    let svg = svg::draw(&chart, "x").expect("a drawing");
    let mut heights: Vec<f64> = between(&svg, "<text class=\"end\"", ">")
        .map(|text| between(text, " y=\"", "\"").next().and_then(|it| it.parse().ok()).expect("a height"))
        .collect();
    // The ideal, the plain loop, the bands, and strategies outside of bands.
    assert_eq!(heights.len(), 2 + chart.bands.len() + chart.series.iter().filter(|it| it.band.is_none()).count());
    heights.sort_by(f64::total_cmp);
    assert!(heights.windows(2).all(|pair| pair[1] - pair[0] > 17.0), "{heights:?}");
}

#[test]
fn the_ideal_line_is_straight_and_points_stand_at_their_core_counts() {
    for cores in [vec![1, 2], vec![1, 2, 4, 8, 16]] {
        let record = Synthetic { cores: cores.clone(), ..small() }.record();
        let chart = plots::speed_up_by_cores(&analysed(&record, 0).results).expect("a chart");
        let ideal = chart.references.iter().find(|line| line.kind == chart::Kind::Ideal).expect("a line");
        assert_eq!(ideal.path.len(), 2);
        // With both scales alike, speed-up equal to cores is a straight line.
        assert_eq!(chart.x.scale, chart.y.scale);
        for series in &chart.series {
            let xs: Vec<f64> = series.points.iter().flatten().map(|point| point.x).collect();
            assert_eq!(xs, cores.iter().map(|it| f64::from(*it)).collect::<Vec<_>>());
        }
    }
}

#[test]
fn the_region_of_a_heat_map_is_what_comparing_every_cell_gives() {
    let record = Synthetic { cores: vec![1, 2, 4, 8, 16], failures: true, ..Synthetic::default() }.record();
    for task in tasks(&record) {
        let results = &task.results;
        let maps = heat::heat_maps(results);
        assert_eq!(maps.len(), results.places.len(), "one for each place");
        for (map, tied) in maps.iter().zip(&results.places) {
            let median_of = |name: &str, cores: u32, size: u64| Some(results.sound(name, cores, size)?.time?.value);
            let median = |cores: u32, size: u64| {
                let times: Option<Vec<f64>> = tied.iter().map(|name| median_of(name, cores, size)).collect();
                statistics::median(&times?)
            };
            let all: Vec<f64> = results
                .sizes
                .iter()
                .flat_map(|size| results.cores.iter().filter_map(|it| median(*it, *size)))
                .collect();
            let best = all.iter().copied().fold(f64::INFINITY, f64::min);
            for ((_, tiles), size) in map.rows.iter().zip(&results.sizes) {
                for (tile, cores) in tiles.iter().zip(&results.cores) {
                    let time = median(*cores, *size);
                    assert_eq!(tile.is_some(), time.is_some());
                    let Some((tile, time)) = tile.as_ref().zip(time) else { continue };
                    assert_eq!((tile.close, tile.best), (time <= 1.05 * best, time == best), "{}", tile.words);
                }
            }
        }
        let page = page(&record);
        assert!(page.contains("class=\"region\"") && page.contains("class=\"best\""));
    }
    assert!(heat::heat_maps(&analysed(&at_one_size(small().record()), 0).results).is_empty(), "one size is no map");
}

#[test]
fn every_axis_with_several_values_has_a_chart() {
    type Change = fn(&mut Sample, usize);
    let cases: [(&str, Change, &[&str]); 3] = [
        ("workers", |sample, nth| sample.cell.workers = [2, 4, 8][nth], &["2 workers", "4 workers", "8 workers"]),
        (
            "delivery",
            |sample, nth| sample.cell.delivery = ["gather", "in_order", "x"][nth].into(),
            &["gather", "in_order", "x"],
        ),
        (
            "combine",
            |sample, nth| sample.cell.combine = ["per_partition", "sharded", "tree"][nth].into(),
            &["per_partition", "sharded", "tree"],
        ),
    ];
    let plain = small().record();
    for (name, change, values) in cases {
        assert!(!page(&plain).contains(&format!("Time against {name}")));
        let mut record = plain.clone();
        record.samples.clear();
        for sample in &plain.samples {
            let is_varied = sample.cell.cores == 2 && sample.cell.strategy != BASELINE;
            for nth in 0..if is_varied { 3 } else { 1 } {
                let mut sample = sample.clone();
                if is_varied {
                    change(&mut sample, nth);
                }
                if let Some(times) = &mut sample.times {
                    times.wall_ns += nth as u64 * 50_000_000;
                }
                record.samples.push(sample);
            }
        }
        let axis = AXES[["workers", "delivery", "combine"].iter().position(|it| *it == name).expect("an axis")];
        let task = analysed(&record, 0);
        let chart = plots::time_along(&task.results, axis).expect("three values");
        assert_eq!(chart.positions.iter().map(|it| &*it.name).collect::<Vec<_>>(), values);
        for series in &chart.series {
            let times: Vec<f64> = series.points.iter().flatten().map(|point| point.y.value).collect();
            assert!(times.len() == 3 && (times[2] - times[0] - 1e8).abs() < 1.0, "{name}: {times:?}");
        }
        assert!(page(&record).contains(&format!("Time against {name}")), "{name}");
    }
}

#[test]
fn a_page_of_a_thousand_cells_is_small_enough() {
    let record =
        Synthetic { cores: vec![1, 2, 4, 8, 16, 24, 32], blocks: 5, samples: 2, ..Synthetic::default() }.record();
    let cells: usize = tasks(&record).iter().map(|task| task.results.cells.len()).sum();
    let bytes = page(&record).len();
    assert!(cells >= 900 && bytes <= 2_000_000, "{cells} cells, {bytes} bytes");
}

#[test]
fn where_the_plain_loop_is_faster_the_answer_is_the_plain_loop() {
    let mut record = small().record();
    let value =
        |record: &Record| answer::parts(&analysed(record, 0)).into_iter().map(|it| it.value).collect::<Vec<_>>();
    assert_eq!(value(&record), ["any of 6", "2", "10 to 1\u{202f}000 numbers"]);
    for sample in record.samples.iter_mut().filter(|sample| sample.cell.strategy != BASELINE) {
        sample.times.as_mut().expect("no failures here").wall_ns *= 3;
    }
    assert_eq!(value(&record), ["plain loop", "1", "none"]);
    let few = Synthetic { blocks: 2, ..small() }.record();
    assert_eq!(value(&few), ["not decided"; 3]);
    assert!(page(&few).contains("Can you trust it? Not yet: the compared cells have 2 blocks"));
}
