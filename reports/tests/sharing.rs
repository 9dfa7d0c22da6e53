//! What workers share while they map: the fastest and the slowest way are named, with the reason that the record gives.

mod synthetic;

use record::statistics::Verdict;
use record::{BASELINE, Record, SharedUpdates, Times};
use reports::analysis::{Analysis, TaskAnalysis};
use reports::render::html;
use synthetic::Synthetic;

const MS: u64 = 1_000_000;

/// A way to keep the total: its name, the time of a run in ms, and what its updates cost.
type Way = (&'static str, u64, Option<SharedUpdates>);

fn updates(contended: u64, waited_ns: u64, held_ns: u64) -> Option<SharedUpdates> {
    Some(SharedUpdates { updates: 1_000_000, contended, waited_ns, held_ns })
}

/// A run of one task with one strategy on two cores, once for each way. The plain loop takes 80 ms.
fn record(ways: &[Way]) -> Record {
    let mut record = Synthetic { sizes: 1, failures: false, ..Synthetic::default() }.record();
    record.run.tasks.truncate(1);
    let is_used = |strategy: &str| [BASELINE, "rayon"].contains(&strategy);
    let task = record.run.tasks[0].name.clone();
    record.samples.retain(|it| it.cell.task == task && is_used(&it.cell.strategy));
    let samples = std::mem::take(&mut record.samples);
    for mut sample in samples {
        let times = sample.times.take().expect("no failures here");
        // A little noise, which is alike for all ways.
        let noise = u64::from(sample.block * 7 % 5 + sample.index) * MS / 20;
        if sample.cell.strategy == BASELINE {
            sample.times = Some(Times { wall_ns: 80 * MS + noise, ..times });
            record.samples.push(sample);
            continue;
        }
        for (combine, ms, shared) in ways.iter().filter(|_| sample.cell.cores == 2) {
            let (mut sample, run_ns) = (sample.clone(), ms * MS + noise);
            sample.cell.combine = (*combine).to_owned();
            let in_task = Some(2 * run_ns);
            let times = Times {
                wall_ns: run_ns,
                run_ns,
                reduce_ns: 0,
                in_jobs_ns: in_task,
                in_task_ns: in_task,
                ..times.clone()
            };
            sample.times = Some(Times { at_ends_ns: Some(0), shared: *shared, ..times });
            record.samples.push(sample);
        }
    }
    record
}

fn sentence(record: &Record, about: &str) -> Option<String> {
    let task = TaskAnalysis::new(record, &record.run.tasks[0]);
    task.conclusions.into_iter().find(|it| it.about == about).map(|it| it.sentence)
}

#[test]
fn the_slowest_way_is_named_with_the_time_that_its_workers_wait() {
    let record = record(&[
        ("per_worker", 41, None),
        ("locked_shards", 60, updates(5_000, 4 * MS, 20 * MS)),
        ("mutex", 200, updates(400_000, 240 * MS, 30 * MS)),
    ]);
    let said = sentence(&record, "shared_state").expect("the ways differ");
    assert!(
        said.contains(
            "With rayon on 2\u{202f}cores, per_worker is the fastest way to keep the total, and mutex the slowest: 4.87×"
        ),
        "{said}"
    );
    assert!(said.contains("spend 60\u{202f}% of their time until they have a lock"), "{said}");
    assert!(said.contains("taken at 40\u{202f}% of"), "{said}");
    assert!(said.contains("hold it for 30.0\u{202f}ns"), "{said}");
    let task = TaskAnalysis::new(&record, &record.run.tasks[0]);
    let verdicts: Vec<_> = task.sharing.iter().map(|it| (&*it.combine, it.verdict)).collect();
    let (fastest, slower) = (Some(Verdict::Fastest), Some(Verdict::Slower));
    assert_eq!(verdicts, [("locked_shards", slower), ("mutex", slower), ("per_worker", fastest)]);
    // 2 × 200 ms of two workers, 80 ms of the plain loop, a million updates.
    let update_ns = task.sharing[1].update_ns.expect("there are updates");
    assert!((319.0..322.0).contains(&update_ns), "{update_ns}");
    assert_eq!(task.results.setting.expect("there are cells").combine, "per_worker", "what is shared is the exception");
}

#[test]
fn false_sharing_is_named_only_if_the_blocks_show_it() {
    let none = updates(0, 0, 0);
    let ways = |close: u64, padded: u64| record(&[("atomic_neighbours", close, none), ("atomic_padded", padded, none)]);
    let said = sentence(&ways(120, 60), "false_sharing").expect("both are there");
    assert!(said.contains("share a cache line take 2.0") && said.contains("Padding saves 120\u{202f}ns"), "{said}");
    let said = sentence(&ways(60, 60), "false_sharing").expect("both are there");
    assert!(said.contains("not decided"), "{said}");
    assert_eq!(sentence(&record(&[("mutex", 60, none)]), "false_sharing"), None);
}

#[test]
fn the_page_has_a_table_only_if_something_is_shared() {
    let page = |ways: &[Way]| html::page(&Analysis::new(&record(ways))).expect("a page");
    let shared = page(&[("per_worker", 41, None), ("mutex", 200, updates(400_000, 240 * MS, 30 * MS))]);
    for words in ["What the workers share, and what that costs", "waiting for a lock", "Time against combine"] {
        assert!(shared.contains(words), "the page lacks: {words}");
    }
    let apart = page(&[("per_worker", 41, None), ("tree", 45, None)]);
    assert!(!apart.contains("What the workers share, and what that costs"));
}

#[test]
fn load_forbids_a_verdict_but_not_the_times() {
    let mut record = record(&[("per_worker", 41, None), ("mutex", 200, updates(4, 2 * MS, 30 * MS))]);
    record.run.checks.iter_mut().filter(|check| check.name == "neighbours").for_each(|check| {
        check.verdict = record::Verdict::Refuse;
    });
    record.run.checks.push(record::Check {
        name: "neighbours".to_owned(),
        verdict: record::Verdict::Refuse,
        sentence: "other programs use 2 cores: end them".to_owned(),
    });
    let task = TaskAnalysis::new(&record, &record.run.tasks[0]);
    assert_eq!((task.sharing.len(), task.sharing.iter().filter_map(|it| it.verdict).count()), (2, 0));
    assert_eq!(sentence(&record, "shared_state"), None);
}
