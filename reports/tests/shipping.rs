//! What worker processes cost: the cliff of small partitions and its cause, and the table of times and bytes.

mod synthetic;

use record::{BASELINE, Record, Times};
use reports::analysis::{Analysis, TaskAnalysis};
use reports::render::html;
use reports::view::shipping;
use synthetic::Synthetic;

const MS: u64 = 1_000_000;

/// What a worker spends, in milliseconds: on the task, on shipping, between jobs, at the ends, on the final reduce.
const GOOD: [u64; 5] = [90, 2, 3, 1, 4];

/// A run of one task with several partition sizes, in which workers spent their time as `spent` says. The flag is `true` for the
/// smallest partitions.
fn record(spent: impl Fn(&str, bool) -> [u64; 5]) -> Record {
    let mut record = Synthetic { sizes: 3, failures: false, ..Synthetic::default() }.record();
    record.run.tasks.truncate(1);
    let task = record.run.tasks[0].clone();
    record.samples.retain(|sample| sample.cell.task == task.name);
    let smallest = task.sizes.iter().min().copied();
    for sample in record.samples.iter_mut().filter(|sample| sample.cell.strategy != BASELINE) {
        let spent = spent(&sample.cell.strategy, Some(sample.cell.size) == smallest);
        let [task, shipping, between, ends, reduce] = spent.map(|ms| ms * MS);
        let all = |ns: u64| Some(u64::from(sample.cell.workers) * ns);
        let (run_ns, times) = (task + shipping + between + ends, sample.times.take().expect("no failures here"));
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

fn cliffs(record: &Record) -> Vec<String> {
    let task = TaskAnalysis::new(record, &record.run.tasks[0]);
    let cliffs = task.conclusions.into_iter().filter(|statement| statement.about == "cliff");
    cliffs.map(|statement| statement.sentence.replace('\u{202f}', " ")).collect()
}

#[test]
fn the_cliff_of_small_partitions_has_its_cause_and_strategies_with_the_same_cause_are_listed_once() {
    let record = record(|strategy, is_smallest| match (strategy, is_smallest) {
        ("processes", true) => [90, 902, 3, 1, 4],
        ("smol", true) => [90, 2, 203, 1, 4],
        ("async_std", true) => [90, 2, 503, 1, 4],
        ("rayon", true) => [90, 2, 60, 1, 4],
        _ => GOOD,
    });
    let found = cliffs(&record);
    let unit = &record.run.tasks[0].unit;
    let [shipping, between] = found.as_slice() else { panic!("two causes: {found:?}") };
    assert!(shipping.contains(&format!("{unit}, processes takes 10.0 times as long as with ")), "{shipping}");
    assert!(
        shipping
            .ends_with("Each worker spent 900 ms longer shipping jobs and partials, because workers share no memory.")
    );
    assert!(
        between.contains("async_std takes 6.00 times") && between.contains("500 ms longer between two jobs"),
        "{between}"
    );
    assert!(between.ends_with("The same cause slows smol (3.00 times)."), "{between}");
    assert!(html::page(&Analysis::new(&record)).expect("a page").replace('\u{202f}', " ").contains(shipping.as_str()));
}

#[test]
fn no_cliff_is_named_without_a_large_and_certain_difference() {
    assert_eq!(cliffs(&record(|_, is_smallest| if is_smallest { [90, 100, 3, 1, 4] } else { GOOD })), [""; 0]);
    let mut few = record(|_, is_smallest| if is_smallest { [90, 900, 3, 1, 4] } else { GOOD });
    assert!(!cliffs(&few).is_empty());
    few.samples.retain(|sample| sample.block < 4);
    assert_eq!(cliffs(&few), [""; 0]);
}

#[test]
fn the_table_has_the_times_and_bytes_of_each_strategy_that_ships_and_of_no_other() {
    let record = Synthetic { sizes: 3, failures: false, ..Synthetic::default() }.record();
    let task = TaskAnalysis::new(&record, &record.run.tasks[0]);
    let table = shipping::table(&task).expect("processes ships");
    assert!(table.rows.iter().all(|row| row.name == "processes") && table.rows.len() == task.results.sizes.len());
    let row: Vec<String> = table.rows[0].entries.iter().map(|entry| entry.note.replace('\u{202f}', " ")).collect();
    // Of 97 parts inside jobs, 80 are the task, and 17 are shipping: a tenth of it packing, a fifth unpacking.
    assert_eq!(row, ["", "82 %", "2 %", "12 %", "4 %", "27.0 B each", "400 KiB each"]);
    assert!(html::page(&Analysis::new(&record)).expect("a page").contains("time and bytes of shipping"));
    let mut older = record.clone();
    older.samples.iter_mut().filter_map(|sample| sample.times.as_mut()).for_each(|times| times.shipping = None);
    assert_eq!(shipping::table(&TaskAnalysis::new(&older, &older.run.tasks[0])), None);
}
