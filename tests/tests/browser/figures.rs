//! The script computes what the analysis computes.

use crate::driver::Page;
use record::statistics::{self, Blocks, Estimate, LEVEL};
use reports::analysis::TaskAnalysis;
use reports::analysis::groups::group_cell;
use reports::view::plots;
use serde_json::json;

/// The script's function that compares two cells, with the data that it reads.
const STATISTICS: &str = include_str!("../../../reports/script/statistics.js");

fn blocks(random: &mut fastrand::Rng, count: u32, kinds: bool) -> Blocks {
    let time = |random: &mut fastrand::Rng, block: u32| {
        let slow = if kinds && block.is_multiple_of(3) { 1.6 } else { 1.0 };
        (1e6 * slow * (1.0 + 0.05 * random.f64())).round()
    };
    (0..count)
        .filter(|block| block % 7 != 5)
        .map(|block| (block, vec![time(random, block), time(random, block)]))
        .collect()
}

fn numbers(estimate: Option<Estimate>) -> Option<Vec<f64>> {
    estimate.map(|it| {
        [Some(it.value), it.interval.map(|it| it.low), it.interval.map(|it| it.high)].into_iter().flatten().collect()
    })
}

fn alike(one: &Option<Vec<f64>>, other: &Option<Vec<f64>>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return one == other };
    one.len() == other.len() && one.iter().zip(other).all(|(a, b)| (a / b - 1.0).abs() < 1e-9)
}

#[test]
fn ratios_and_intervals_of_the_script_are_those_of_the_library() {
    let Some(page) = Page::open("<!doctype html>") else { return };
    let random = &mut fastrand::Rng::with_seed(1);
    let (mut without, mut of_two_kinds) = (0, 0);
    for count in 0..40 {
        for kinds in [false, true] {
            let (over, under) = (blocks(random, count, kinds), blocks(random, count + 3, false));
            let limits = statistics::gap_limits(over.len());
            let script = format!(
                "(() => {{ const data = {}; {STATISTICS}; return ratio({}, {}); }})()",
                json!({ "limits": limits }),
                json!(over),
                json!(under),
            );
            let (script, library) = (page.ask(&script), numbers(statistics::ratio(&over, &under, LEVEL)));
            assert!(alike(&script, &library), "{count} blocks: {script:?} and {library:?}");
            without += usize::from(library.is_none_or(|it| it.len() == 1));
            of_two_kinds += usize::from(statistics::modes(&over).is_some());
        }
    }
    assert!(without >= 3 && of_two_kinds > 10, "every kind of interval is compared: {without}, {of_two_kinds}");
}

#[test]
fn the_data_on_the_page_are_the_analysis_and_lead_to_the_same_speed_ups() {
    let Some(page) = Page::open(&crate::report()) else { return };
    let analysis = crate::analysis();
    let mut compared = 0;
    for (nth, task) in analysis.shown().enumerate() {
        let plain = json!(task.results.baseline.as_ref().expect("a plain loop").blocks);
        // The plain loop's samples are not on the page, so the test brings them.
        let computed: Vec<Option<Vec<f64>>> = page.ask(&format!(
            "(() => {{ const data = JSON.parse(document.getElementById('data').text); {STATISTICS};
             return data.tasks[{nth}].cells.map(it => it.time && ratio({plain}, it.blocks)); }})()"
        ));
        let shown: Vec<[Option<Vec<f64>>; 2]> = page.ask(&format!(
            "JSON.parse(document.getElementById('data').text).tasks[{nth}].cells.map(it => [it.time, it.speedUp])"
        ));
        // The cells of groups that tie follow those of strategies. Their blocks hold whole nanoseconds.
        let cells = task.results.cells.len();
        assert!(shown.len() > cells && computed.len() == shown.len());
        for (computed, [_, speed_up]) in computed[cells..].iter().zip(&shown[cells..]) {
            let [computed, speed_up] = [computed, speed_up].map(|it| it.as_ref().expect("a group’s speed-up"));
            assert!((computed[0] / speed_up[0] - 1.0).abs() < 1e-5, "{computed:?} and {speed_up:?}");
            // The interval of a group covers those of its members.
            assert!(speed_up[1] <= speed_up[0] && speed_up[0] <= speed_up[2], "{speed_up:?}");
        }
        for ((cell, computed), [time, speed_up]) in task.results.cells.iter().zip(computed).zip(shown) {
            if !cell.sound {
                assert_eq!((time, speed_up, computed), (None, None, None));
                continue;
            }
            assert!(alike(&time, &numbers(cell.time)) && alike(&speed_up, &numbers(cell.speed_up)), "{:?}", cell.cell);
            assert!(alike(&computed, &speed_up), "{:?}: {computed:?} and {speed_up:?}", cell.cell);
            compared += 1;
        }
    }
    assert!(compared > 800, "{compared}");
}

/// The time and the efficiency of a strategy or of a group that ties, at the size of comparisons.
fn shown(task: &TaskAnalysis, name: &str, cores: u32) -> Option<(Estimate, f64)> {
    let (results, size) = (&task.results, task.results.task.default_size);
    let bands = plots::speed_up_by_cores(results)?.bands;
    let groups = results.places.iter().filter(|tied| tied.len() > 1);
    if let Some((_, tied)) = bands.iter().zip(groups).find(|(band, _)| band.label == name) {
        let names: Vec<&str> = tied.iter().map(String::as_str).collect();
        let cell = group_cell(results, &names, cores, size)?;
        return Some((cell.time, cell.efficiency?.value));
    }
    let cell = results.sound(name, cores, size)?;
    Some((cell.time?, cell.efficiency?))
}

#[test]
fn the_script_writes_numbers_as_the_page_does() {
    let Some(page) = Page::open(&crate::report()) else { return };
    let analysis = crate::analysis();
    let task = analysis.shown().next().expect("a task");
    // Each point of a chart that the script draws has its words, which the table of cells has too.
    for (quantity, column) in [("time", 0), ("efficiency", 2)] {
        page.click(&format!("#task-0 [data-over=cores] [value={quantity}]"));
        let words: Vec<String> = page
            .ask("[...document.querySelectorAll('#task-0 [data-over=cores] .point title')].map(it => it.textContent)");
        assert!(words.len() > 40);
        for words in words {
            let (place, value) = words.split_once(": ").expect("a place and a value");
            let (strategy, cores) = place.split_once(", ").expect("a strategy and cores");
            let cores = cores.split('\u{202f}').next().and_then(|cores| cores.parse().ok()).expect("a number");
            let (time, efficiency) = shown(task, strategy, cores).expect("a sound cell or a group");
            let expected = match column {
                0 => reports::format::sentence(reports::format::time_estimate(time)),
                _ => format!("{}\u{202f}% (", reports::format::digits(efficiency * 100.0)),
            };
            assert!(value.starts_with(&expected), "{words}: {expected}");
        }
    }
    page.run("document.querySelector('#task-0 [data-key=base]').value = 'rayon'");
    page.run("document.querySelector('#task-0 [data-key=base]').dispatchEvent(new Event('input', {bubbles: true}))");
    let rows: Vec<(String, String)> = page.ask(
        "[...document.querySelectorAll('#task-0 .cells tbody tr')].map(it => [it.cells[0].firstChild.textContent.trim(), it.cells[4].textContent.trim()])",
    );
    let expected = task.results.cells.iter().map(|result| {
        let cell = &result.cell;
        let base = task.results.sound("rayon", cell.cores, cell.size).filter(|_| result.sound);
        let ratio = base.and_then(|base| statistics::ratio(&base.blocks, &result.blocks, LEVEL));
        let (value, interval) = ratio.map_or_else(|| ("–".into(), String::new()), reports::format::speed_up);
        (cell.strategy.clone(), format!("{value} {interval}").trim().to_owned())
    });
    let expected: Vec<(String, String)> = expected.collect();
    assert_eq!(rows, expected);
}
