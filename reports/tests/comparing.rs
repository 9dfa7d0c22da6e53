//! Two runs beside each other: what is named, what is not, and what is refused.

mod synthetic;

use record::Record;
use record::{BASELINE, Status};
use reports::analysis::Analysis;
use reports::comparison::difference::{By, Compared, Comparison, Outcome};
use reports::comparison::refusal::Refusal;
use reports::render;
use reports::render::wrap::Look;
use synthetic::Synthetic;

fn compare(a: &Record, b: &Record) -> Result<Comparison, Refusal> {
    reports::comparison::compare(&Analysis::new(a), &Analysis::new(b))
}

/// Everything that the terminal shows, with each paragraph on one line.
fn text(comparison: &Comparison) -> String {
    render::comparison::text(comparison, &Look { width: 10_000, unicode: false, verbose: true })
}

/// Two tasks and three strategies of [`whole`].
fn run(session: u64) -> Record {
    let mut record = whole(session);
    let kept = ["threads_shared", "rayon", "smol", BASELINE];
    record.run.tasks.truncate(2);
    let tasks: Vec<String> = record.run.tasks.iter().map(|task| task.name.clone()).collect();
    record.run.strategies.retain(|strategy| kept.contains(&strategy.name.as_str()));
    record.samples.retain(|it| tasks.contains(&it.cell.task) && kept.contains(&it.cell.strategy.as_str()));
    record
}

/// A run of ten blocks without failures; another session is another draw of the same truth.
fn whole(session: u64) -> Record {
    let mut record = Synthetic { sizes: 1, blocks: 10, failures: false, session, ..Synthetic::default() }.record();
    record.run.id = format!("session-{session}");
    record
}

/// Makes a strategy of a task take so many per cent of its time.
fn stretch(record: &mut Record, task: &str, strategy: &str, percent: u64) {
    for sample in &mut record.samples {
        if (sample.cell.task.as_str(), sample.cell.strategy.as_str()) == (task, strategy) {
            let times = sample.times.as_mut().expect("no failures here");
            times.wall_ns = times.wall_ns * percent / 100;
        }
    }
}

/// The strategies and cores with an outcome.
fn with(compared: &Compared, outcome: Outcome) -> Vec<(&str, u32)> {
    let cells = compared.cells.iter().filter(|found| found.outcome == outcome);
    cells.map(|found| (found.cell.strategy.as_str(), found.cell.cores)).collect()
}

#[test]
fn two_sessions_of_the_same_show_no_difference() {
    let comparison = compare(&whole(7), &whole(8)).expect("the same data and build");
    assert_eq!(comparison.by, By::Time);
    assert_eq!(comparison.tasks.len(), 3);
    for task in &comparison.tasks {
        assert_eq!(task.cells.len(), 1 + 9 * 2, "the baseline, and nine strategies on one and two cores");
        assert_eq!(task.sentence, "no difference shown in 19 cells.");
        for found in &task.cells {
            let [a, b, ratio] = [found.a, found.b, found.ratio].map(|figure| figure.expect("it is compared"));
            assert!((ratio.value - b.value / a.value).abs() < 1e-9, "the ratio is that of the times beside it");
            assert!(ratio.low <= Some(ratio.value) && Some(ratio.value) <= ratio.high);
        }
    }
    assert!(text(&comparison).contains("no difference shown"));
}

#[test]
fn a_strategy_that_got_slower_is_named_and_no_other() {
    let mut slower = run(8);
    stretch(&mut slower, "count", "rayon", 110);
    let comparison = compare(&run(7), &slower).expect("the same data and build");
    assert_eq!(with(&comparison.tasks[0], Outcome::Worse), [("rayon", 1), ("rayon", 2)]);
    assert_eq!(with(&comparison.tasks[0], Outcome::Better), []);
    assert_eq!(with(&comparison.tasks[1], Outcome::Worse), []);
    assert!(comparison.tasks[0].sentence.starts_with("slower in B: rayon on"), "{}", comparison.tasks[0].sentence);
    assert!(comparison.tasks[0].sentence.ends_with("no difference shown in the other 5 cells."));
    let ratio = comparison.tasks[0].cells.iter().find(|found| found.outcome == Outcome::Worse).and_then(|it| it.ratio);
    assert!((ratio.expect("it is compared").value - 1.1).abs() < 0.01);

    let back = compare(&slower, &run(7)).expect("the same data and build");
    assert_eq!(with(&back.tasks[0], Outcome::Better), [("rayon", 1), ("rayon", 2)]);
}

#[test]
fn few_blocks_show_nothing_and_say_how_many_would() {
    let few = |session| Synthetic { sizes: 1, blocks: 5, failures: false, session, ..Synthetic::default() }.record();
    let mut slower = few(8);
    stretch(&mut slower, "count", "rayon", 200);
    let comparison = compare(&few(7), &slower).expect("the same data and build");
    assert!(comparison.tasks.iter().all(|task| with(task, Outcome::Worse).is_empty()));
    let told = "Nothing is decided: with 5 blocks in A and 5 in B, 57 comparisons cannot show any difference, however large. \
                7 blocks in each run could.";
    assert_eq!(comparison.headline, told);
    assert!(text(&comparison).starts_with(told), "the reason comes first");
}

#[test]
fn a_machine_that_got_slower_is_not_blamed_on_the_strategies() {
    let mut slower = run(8);
    stretch(&mut slower, "count", BASELINE, 120);
    let comparison = compare(&run(7), &slower).expect("the same data and build");
    assert_eq!(with(&comparison.tasks[0], Outcome::Worse), [(BASELINE, 1)]);
    let told = |note: &String| {
        note.starts_with("count: the plain loop itself takes 1.2") && note.contains("as long in B as in A")
    };
    assert!(comparison.notes.iter().any(told), "{:?}", comparison.notes);
}

#[test]
fn a_cell_with_a_failure_is_not_compared() {
    let mut failing = run(8);
    let mut cells = failing.samples.iter_mut();
    let sample =
        cells.find(|it| it.cell.strategy == "smol" && it.cell.cores == 2 && it.cell.size == 1_000).expect("smol");
    sample.status = Status::Wrong;
    let comparison = compare(&run(7), &failing).expect("the same data and build");
    assert_eq!(with(&comparison.tasks[0], Outcome::NotCompared), [("smol", 2)]);
    let reasons = comparison.tasks[0].cells.iter().map(|found| found.reason.as_str());
    assert_eq!(reasons.filter(|reason| !reason.is_empty()).collect::<Vec<_>>(), ["1 of 20 samples failed in B"]);
    assert!(comparison.tasks[0].sentence.ends_with("1 cell not compared."));
}

#[test]
fn other_data_and_another_build_are_refused_by_name() {
    let a = run(7);
    let refused = |change: fn(&mut Record)| {
        let mut b = run(8);
        change(&mut b);
        let refusal = compare(&a, &b).expect_err("this is to be refused");
        assert_eq!(refusal.differences.len(), 1, "{refusal}");
        refusal.to_string()
    };
    let digest = refused(|b| {
        b.run.tasks[1].digest = "b3:another".into();
    });
    assert_eq!(
        digest,
        "session-7 and session-8 are not compared: word_totals: the answer’s digest differs: b3:word_totals in A, \
         b3:another in B."
    );
    let option = refused(|b| {
        b.run.tasks[0].options.insert("kernel".into(), "book".into());
    });
    assert!(option.ends_with("count: the option kernel differs: bytes in A, book in B."), "{option}");
    assert!(refused(|b| b.run.tasks[0].items = Some(5)).contains("count: the number of numbers differs"));
    let debug = refused(|b| b.run.machine.profile = "debug".into());
    assert!(debug.ends_with("The build’s profile differs: release in A, debug in B."), "{debug}");
    let compiler = refused(|b| b.run.machine.compiler = "rustc 1.96.0".into());
    assert!(compiler.contains("The compiler differs: rustc 1.95.0 in A, rustc 1.96.0 in B."));
    assert!(refused(|b| b.samples.clear()).ends_with("No task was measured in both."));
}

#[test]
fn a_newer_program_and_a_file_kept_elsewhere_are_no_reason_to_refuse() {
    let (mut a, mut b) = (run(7), run(8));
    b.run.program = "goldilocks 0.2.0 (fffffff)".into();
    a.run.tasks[1].options.insert("input".into(), "here/grams.tsv".into());
    b.run.tasks[1].options.insert("input".into(), "/elsewhere/grams.tsv".into());
    assert!(compare(&a, &b).is_ok());
}

#[test]
fn between_machines_shapes_are_compared_and_never_times() {
    let mut other = run(8);
    other.run.machine.processor = "Another Processor at 1.2 GHz".into();
    // Everything takes three times as long there, so speed-ups are the same but for what is changed on purpose.
    for sample in &mut other.samples {
        sample.times.as_mut().expect("no failures here").wall_ns *= 3;
    }
    stretch(&mut other, "word_totals", "smol", 125);
    let comparison = compare(&run(7), &other).expect("other machines are no reason to refuse");
    assert_eq!(comparison.by, By::SpeedUp);
    assert_eq!(comparison.tasks[0].sentence, "no difference shown in 6 cells.");
    assert_eq!(with(&comparison.tasks[1], Outcome::Worse), [("smol", 1), ("smol", 2)]);
    for found in comparison.tasks.iter().flat_map(|task| &task.cells) {
        let value = found.a.expect("it is compared").value;
        assert!((0.5..2.1).contains(&value), "{value} is no speed-up");
        let [efficiency, _] = found.efficiency.expect("speed-ups are compared");
        assert!((efficiency - value / f64::from(found.cell.cores)).abs() < 1e-12);
    }
    let text = text(&comparison);
    assert!(text.contains("only the speed-up over each machine’s own baseline"));
    for unit in [" ms", " µs", " s ("] {
        assert!(!text.contains(unit), "a time: {text}");
    }
}

#[test]
fn a_comparison_is_the_same_every_time_and_speaks_json() {
    let comparison = compare(&run(7), &run(8)).expect("the same data and build");
    assert_eq!(comparison, compare(&run(7), &run(8)).expect("the same data and build"));
    let json = serde_json::to_value(&comparison).expect("string keys only");
    assert_eq!(json["by"], "time");
    assert_eq!(json["tasks"][0]["cells"][0]["outcome"], "none_shown");
    assert_eq!(json["a"]["run"], "session-7");
}
