//! Why a strategy is far behind: each cause is named when it is true, and no other.

mod synthetic;

use record::Record;
use record::{BASELINE, Times};
use reports::analysis::slowdown::{Cause, MoreTime, Slowdown};
use reports::analysis::{Analysis, TaskAnalysis};
use reports::render::html;
use reports::render::{terminal, wrap::Look};
use synthetic::Synthetic;

const MS: u64 = 1_000_000;

/// What a worker of a strategy that is like all others spends, in milliseconds: on the task, on shipping, between jobs, at
/// the ends, on the final reduce.
const LIKE_ALL: [u64; 5] = [90, 2, 3, 1, 4];

/// A run in which workers spent their time as `spent` says for each strategy.
fn record(spent: impl Fn(&str) -> [u64; 5]) -> Record {
    record_by_block(|strategy, _| spent(strategy))
}

/// The same, if it depends on the block too.
fn record_by_block(spent: impl Fn(&str, u32) -> [u64; 5]) -> Record {
    let mut record = Synthetic { sizes: 1, failures: false, ..Synthetic::default() }.record();
    record.run.tasks.truncate(1);
    record.samples.retain(|sample| sample.cell.task == record.run.tasks[0].name);
    for sample in record.samples.iter_mut().filter(|sample| sample.cell.strategy != BASELINE) {
        let [task, shipping, between, ends, reduce] = spent(&sample.cell.strategy, sample.block).map(|ms| ms * MS);
        let all = |ns: u64| Some(u64::from(sample.cell.workers) * ns);
        let run_ns = task + shipping + between + ends;
        let times = sample.times.take().expect("no failures here");
        sample.times = Some(Times {
            wall_ns: run_ns + reduce,
            run_ns,
            reduce_ns: reduce,
            in_jobs_ns: all(task + shipping),
            in_task_ns: all(task),
            at_ends_ns: all(ends),
            ..times
        });
    }
    record
}

/// The same for all, but for `async_std`.
fn but_for_one(more: [u64; 5]) -> Record {
    record(|strategy| match strategy {
        "async_std" => std::array::from_fn(|place| LIKE_ALL[place] + more[place]),
        _ => LIKE_ALL,
    })
}

fn longer(cause: Cause, ns: f64) -> MoreTime {
    MoreTime { cause, ns }
}

fn found(record: &Record) -> Vec<Slowdown> {
    TaskAnalysis::new(record, &record.run.tasks[0]).slowdowns
}

#[test]
fn a_reason_is_named_when_it_is_true_and_no_other_is() {
    let reasons = [
        (Cause::Task, "in the task’s own work"),
        (Cause::Shipping, "shipping jobs and partials"),
        (Cause::Between, "between two jobs"),
        (Cause::Ends, "at the start or end"),
        (Cause::Reduce, "in the final reduce"),
    ];
    for (place, (cause, _)) in reasons.iter().enumerate() {
        let mut more = [0; 5];
        more[place] = 40;
        let record = but_for_one(more);
        let found = found(&record);
        let [only] = found.as_slice() else { panic!("one strategy is behind: {found:?}") };
        assert_eq!((&*only.strategy, only.causes.as_slice()), ("async_std", &[longer(*cause, 40e6)][..]));
        let sentence = only.sentence();
        for (other, words) in reasons {
            assert_eq!(sentence.contains(words), other == *cause, "{sentence}");
        }
        assert!(html::page(&Analysis::new(&record)).expect("a page").contains(&sentence), "{sentence}");
        let look = Look { width: 1_000, verbose: true, ..Look::default() };
        assert!(terminal::text(&Analysis::new(&record), &look).contains("async_std takes 40 % longer than"));
    }
}

#[test]
fn of_several_reasons_the_largest_comes_first_and_small_ones_are_left_out() {
    let found = found(&but_for_one([5, 30, 60, 5, 0]));
    assert_eq!(found[0].causes, [longer(Cause::Between, 60e6), longer(Cause::Shipping, 30e6)]);
    assert!((found[0].explained_ns - 90e6).abs() < 1.0);
    let sentence = found[0].sentence().replace('\u{202f}', " ");
    let fastest = &found[0].fastest;
    assert_eq!(
        sentence,
        format!(
            "async_std takes 100 % longer than {fastest}, 200 ms instead of 100 ms. Each worker idled 60.0 ms longer between two \
             jobs; spent 30.0 ms longer shipping jobs and partials, because workers share no memory."
        )
    );
}

#[test]
fn longer_work_is_said_but_is_nothing_that_the_strategy_spent() {
    let found = found(&but_for_one([50, 0, 0, 0, 0]));
    assert_eq!(found[0].causes, [longer(Cause::Task, 50e6)]);
    assert!(found[0].explained_ns.abs() < 1.0);
}

#[test]
fn what_was_saved_elsewhere_explains_nothing() {
    // 40 more in the task, 60 more between jobs, 30 less at the ends: of the difference of 70, only 30 are the strategy's.
    let found = found(&record(|strategy| if strategy == "async_std" { [130, 2, 63, 1, 4] } else { [90, 2, 3, 31, 4] }));
    assert_eq!(found[0].causes, [longer(Cause::Between, 60e6), longer(Cause::Task, 40e6)]);
    assert!((found[0].explained_ns - 30e6).abs() < 1.0, "{}", found[0].explained_ns);
}

#[test]
fn processes_of_two_kinds_are_explained_as_their_time_is_measured() {
    // In two of three blocks the final reduce took long; those in the third were quick, and sampled far more often.
    let mut record = record_by_block(|strategy, block| match strategy {
        "async_std" if block % 3 != 0 => [90, 2, 3, 1, 64],
        _ => LIKE_ALL,
    });
    let quick: Vec<_> = record.samples.iter().filter(|sample| sample.block % 3 == 0).cloned().collect();
    (0..9).for_each(|_| record.samples.extend(quick.iter().cloned()));
    assert_eq!(found(&record)[0].causes, [longer(Cause::Reduce, 60e6)]);
}

#[test]
fn a_strategy_that_ties_is_not_said_to_take_longer() {
    // Far behind in three of five blocks, and level in the others.
    let record = record_by_block(|strategy, block| match strategy {
        "async_std" if block % 5 < 3 => [90, 2, 63, 1, 4],
        _ => LIKE_ALL,
    });
    let found = found(&record);
    let sentence = found[0].sentence().replace('\u{202f}', " ");
    assert!(!found[0].surely, "{found:?}");
    assert!(sentence.starts_with("async_std ties with ") && sentence.contains("60 % longer"), "{sentence}");
}

#[test]
fn no_cause_is_given_for_a_strategy_that_is_not_far_behind() {
    assert_eq!(found(&but_for_one([0, 0, 25, 0, 0])), []);
    assert_eq!(found(&but_for_one([0, 0, 26, 0, 0])).len(), 1);
}

#[test]
fn a_record_that_does_not_tell_what_workers_did_gives_no_reason() {
    let mut record = but_for_one([0, 0, 40, 0, 0]);
    for sample in &mut record.samples {
        let times = sample.times.as_mut().expect("no failures here");
        (times.in_jobs_ns, times.in_task_ns, times.at_ends_ns) = (None, None, None);
    }
    assert_eq!(found(&record), []);
    assert!(!html::page(&Analysis::new(&record)).expect("a page").contains("Each worker"));
}
