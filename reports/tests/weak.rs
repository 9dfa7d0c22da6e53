//! A run whose work grows with the cores: n cores do n times the work of the plain loop.

mod synthetic;

use record::{BASELINE, Grown, Record};
use reports::analysis::{Analysis, TaskAnalysis};
use reports::format;
use reports::render::html;
use reports::view::chart::{Chart, Kind};
use reports::view::plots;
use synthetic::Synthetic;

/// The same truth twice: every cell does the same work, and cells on n cores do n times the work in n times the time.
fn both() -> [Record; 2] {
    let synthetic = Synthetic { cores: vec![1, 2, 4, 8], sizes: 3, failures: false, ..Synthetic::default() };
    let mut strong = synthetic.record();
    strong.peers = synthetic::peers();
    let mut weak = strong.clone();
    for task in &mut weak.run.tasks {
        let grown = |cores: u32| Grown {
            cores,
            factor: cores.into(),
            items: task.items.map(|items| items * u64::from(cores)),
            digest: task.digest.clone(),
        };
        task.grown = [2, 4, 8].map(grown).into();
    }
    for sample in weak.samples.iter_mut().filter(|sample| sample.cell.strategy != BASELINE) {
        let (work, times) = (u64::from(sample.cell.cores), sample.times.as_mut().expect("no failures"));
        for ns in [&mut times.wall_ns, &mut times.run_ns, &mut times.reduce_ns] {
            *ns *= work;
        }
        for ns in [&mut times.in_jobs_ns, &mut times.in_task_ns, &mut times.at_ends_ns].into_iter().flatten() {
            *ns *= work;
        }
    }
    [strong, weak]
}

fn pairs() -> Vec<(TaskAnalysis, TaskAnalysis)> {
    let [strong, weak] = both().map(|record| Analysis::new(&record).tasks);
    strong.into_iter().zip(weak).collect()
}

fn is_near(one: f64, other: f64) -> bool {
    (one / other - 1.0).abs() < 1e-9
}

/// The value of the plain loop's line.
fn plain_line(chart: &Chart) -> f64 {
    chart.references.iter().find(|line| line.kind == Kind::Baseline).expect("there is a baseline").path[0].1
}

#[test]
fn speed_ups_are_those_of_equal_work_and_so_is_the_answer() {
    let mut compared = 0;
    for (strong, weak) in pairs() {
        for (one, other) in strong.results.cells.iter().zip(&weak.results.cells) {
            let [one, other] = [one, other].map(|it| it.speed_up.expect("a sound cell"));
            assert!(is_near(one.value, other.value), "{one:?} {other:?}");
            compared += 1;
        }
        let (one, other) = (&strong.finding, &weak.finding);
        assert_eq!(
            (&one.leaders, one.enough_cores, &one.good_sizes),
            (&other.leaders, other.enough_cores, &other.good_sizes)
        );
        let [(few, longer), (also_few, also_longer)] = [one, other].map(|it| it.fewer_cores.expect("fewer cores"));
        assert!(few == also_few && is_near(longer, also_longer), "{longer} {also_longer}");
        let gain = |task: &TaskAnalysis| task.finding.gain.expect("a gain").value;
        assert!(gain(&weak) > 2.0 && is_near(gain(&strong), gain(&weak)));
    }
    assert!(compared > 300, "{compared}");
}

#[test]
fn the_serial_part_is_estimated_from_equal_work_only() {
    let has = |task: &TaskAnalysis, about: &str| task.conclusions.iter().any(|it| it.about == about);
    let pairs = pairs();
    assert!(pairs.iter().any(|(strong, _)| has(strong, "serial_part")), "the same truth has a serial part");
    for (strong, weak) in &pairs {
        assert!(!has(weak, "serial_part"));
        assert!(has(weak, "growing_work") && !has(strong, "growing_work"));
    }
}

#[test]
fn charts_of_time_compare_with_the_plain_loop_at_as_much_work() {
    for (strong, weak) in pairs() {
        let chart = |task: &TaskAnalysis| plots::time_by_size(&task.results, &task.peers).expect("times");
        let (strong, weak) = (chart(&strong), chart(&weak));
        assert!(is_near(plain_line(&weak), 8.0 * plain_line(&strong)), "{} {}", plain_line(&weak), plain_line(&strong));
        assert!(!weak.has_line(Kind::Peer), "other programs did less work");
    }
}

#[test]
fn the_page_says_what_grows_and_offers_no_throughput() {
    let [strong, weak] =
        both().map(|record| html::page(&Analysis::new(&record)).expect("a page").replace(format::SPACE, " "));
    for (words, everywhere) in [
        (
            "Speed-ups are scaled: if a cell on n cores does n times the work in the plain loop’s time, its speed-up is n.",
            false,
        ),
        ("Each number is the time for the plain loop’s work divided by the best time of its map.", false),
        ("× as long for the same work", false),
        ("value=\"efficiency\"", true),
    ] {
        assert!(weak.contains(words), "{words}");
        assert_eq!(strong.contains(words), everywhere, "{words}");
    }
    for words in ["value=\"throughput\"", "fit a serial part"] {
        assert!(strong.contains(words) && !weak.contains(words), "{words}");
    }
}
