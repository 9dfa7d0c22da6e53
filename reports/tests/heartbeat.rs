//! The heartbeat of strategies: on the page and in a sentence if a run has one, and nowhere if it has none.

mod synthetic;

use record::{Heartbeat, Record, Times};
use reports::analysis::{Analysis, TaskAnalysis};
use reports::render::html;
use reports::view::heartbeat::table;
use reports::view::plots::lateness_by_cores;
use synthetic::Synthetic;

const MS: u64 = 1_000_000;

/// A run in which `tokio_tasks` delays its ticks by `blocked_ms`, and `tokio_blocking` by 2 ms. A job takes 20 ms.
fn record(blocked_ms: u64) -> Record {
    let mut record = Synthetic { sizes: 1, failures: false, ..Synthetic::default() }.record();
    for sample in &mut record.samples {
        let Some(times) = sample.times.take() else { continue };
        let (late_ms, on_runtime) = match &*sample.cell.strategy {
            "tokio_tasks" => (blocked_ms, true),
            "tokio_blocking" => (2, true),
            _ => (40, false),
        };
        let beat = Heartbeat { ticks: 200, p50_ns: MS, p99_ns: late_ms * MS, max_ns: (late_ms + 9) * MS, on_runtime };
        sample.times = Some(Times { heartbeat: Some(beat), in_jobs_ns: Some(20 * MS * times.partitions), ..times });
    }
    record
}

fn first_task(record: &Record) -> TaskAnalysis {
    TaskAnalysis::new(record, &record.run.tasks[0])
}

fn sentences(task: &TaskAnalysis) -> Vec<String> {
    let about = task.conclusions.iter().filter(|it| it.about == "heartbeat");
    about.map(|it| it.sentence.replace(reports::format::SPACE, " ")).collect()
}

#[test]
fn a_strategy_that_blocks_its_runtime_is_named_and_the_others_are_not() {
    let task = first_task(&record(35));
    let blocking: Vec<&str> =
        task.heartbeats.iter().filter(|it| it.blocks_runtime).map(|it| &*it.cell.strategy).collect();
    assert_eq!(blocking, ["tokio_tasks", "tokio_tasks"], "on one core and on two");
    let sentences = sentences(&task);
    assert_eq!(
        sentences,
        [
            "tokio_tasks blocks its own runtime: on 2 cores, one tick of 1 ms in a hundred is at least 35.0 ms late, and a job \
          takes 20.0 ms. tokio_blocking keeps its runtime responsive: 99 of 100 ticks are at most 2.00 ms late."
        ]
    );
}

#[test]
fn ticks_that_are_late_but_not_for_a_whole_job_block_nothing() {
    let task = first_task(&record(19));
    assert!(task.heartbeats.iter().all(|it| !it.blocks_runtime));
    assert!(!sentences(&task)[0].contains("tokio_tasks"));
}

#[test]
fn the_page_has_a_table_only_if_the_run_has_a_heartbeat() {
    let with = record(35);
    let shown = table(&first_task(&with)).expect("there is a heartbeat");
    let row = shown.rows.iter().find(|row| row.name == "tokio_tasks").expect("it has a row");
    let texts: Vec<String> = row.entries.iter().map(|it| it.value.replace(reports::format::SPACE, " ")).collect();
    assert_eq!(texts[..6], ["1", "its runtime", "1.00 ms", "35.0 ms", "44.0 ms", "20.0 ms"]);
    assert_eq!(row.entries[3].doubt, "blocks its runtime");
    let page = |record: &Record| html::page(&Analysis::new(record)).expect("a page can be made");
    let chart = lateness_by_cores(&first_task(&with)).expect("there is a chart");
    let line = chart.series.iter().find(|series| series.name == "tokio_tasks").expect("it has a line");
    let ends =
        line.points.iter().flatten().map(|point| (point.y.value / 1e6, point.y.interval.map(|it| it.high / 1e6)));
    assert_eq!(ends.collect::<Vec<_>>(), [(35.0, Some(44.0)); 2]);
    assert!(page(&with).contains("Responsiveness against cores"));
    assert!(page(&with).contains("class=\"heartbeat\"") && page(&with).contains("tokio_tasks blocks its own runtime"));
    let without = Synthetic { sizes: 1, failures: false, ..Synthetic::default() }.record();
    assert_eq!((table(&first_task(&without)), lateness_by_cores(&first_task(&without))), (None, None));
    assert!(!page(&without).contains("class=\"heartbeat\"") && sentences(&first_task(&without)).is_empty());
}
