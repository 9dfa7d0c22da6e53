//! Every task gives the same answer with every strategy as with its plain loop. Its partitions and partials survive the
//! transport to another process.

use harness::data::Prepared;
use harness::interrupt::Interrupt;
use std::sync::Arc;
use strategies::{
    Answer, AnyTask, Cancel, Choice, Combine, Delivery, Error, Jobs, Outcome, Reply, Result, Workers, wire, worker_loop,
};
use tasks::Inputs;
use tasks::count::Profile;
use tasks::word_count::Split;

/// A task with its inputs, and the partition sizes and numbers of workers to try.
struct Case {
    task: &'static str,
    inputs: Inputs,
    sizes: &'static [usize],
    workers: &'static [usize],
}

/// Workers that pack, serve and finish each job on one thread: the transport to a worker process, without a process.
struct Loopback(Arc<dyn AnyTask>);

impl Workers for Loopback {
    fn run(&mut self, jobs: Jobs) -> Result<()> {
        for mut job in jobs {
            let answered = job.pack().map(|request| worker_loop::answer(&*self.0, &request));
            let frame = answered.map(|(head, body)| [&head[..], &body].concat());
            let reply = frame.as_deref().map_err(Error::clone).and_then(wire::reply);
            job.finish(reply.unwrap_or_else(Reply::failed));
        }
        Ok(())
    }
}

/// The short answer, and the whole total.
fn all_of(outcome: &Outcome) -> (Answer, Vec<u8>) {
    (outcome.answer().expect("nothing is wrong with the input"), testbed::written(outcome))
}

fn choices(sizes: &'static [usize]) -> impl Iterator<Item = Choice> {
    let choice = move |(turn, size): (usize, &usize)| Choice {
        size: testbed::nonzero(*size),
        delivery: Delivery::ALL[turn % 3],
        combine: Combine::APART[turn / sizes.len()],
    };
    Combine::APART.iter().flat_map(move |_| sizes).enumerate().map(choice)
}

/// Runs `case` with the plain loop, through the wire format and with every strategy. Returns the answer, which must be
/// the same every time.
fn try_everything(case: &Case) -> (Answer, Vec<u8>) {
    let entry = tasks::find(case.task).expect("the task is in the catalogue");
    let task = (entry.load)(&case.inputs).expect("its input is there");
    let expected = all_of(&task.baseline().expect("nothing is wrong with the input"));
    let check = |up: &mut dyn Workers, choice: Choice, who: &str| {
        let way = || format!("{}, {who}, {choice:?}", case.task);
        let ran = strategies::run(&*task, up, choice, &Cancel::default());
        let (outcome, _) = ran.unwrap_or_else(|error| panic!("{}: {error}", way()));
        let (answer, written) = all_of(&outcome);
        assert_eq!(answer, expected.0, "{}", way());
        assert!(written == expected.1, "{}: the answer is the same in short and another in full", way());
    };
    for choice in choices(case.sizes) {
        check(&mut Loopback(Arc::clone(&task)), choice, "packed, served and finished");
    }
    for strategy in strategies::catalogue::ALL {
        for workers in case.workers {
            let mut up = testbed::start(case.task, &case.inputs, strategy, *workers);
            for choice in choices(case.sizes) {
                check(&mut *up, choice, &format!("{strategy:?}, {workers} workers"));
            }
        }
    }
    expected
}

#[test]
fn count_agrees() {
    let sizes = &[1, 7, 25, 1000];
    let mut inputs = Inputs::default();
    (inputs.count.how_many, inputs.count.increments) = (100, Some(100_000));
    inputs.count.profile = Profile::Even;
    let (even, _) = try_everything(&Case { task: "count", inputs: inputs.clone(), sizes, workers: &[1, 3] });
    assert_eq!(even.figures[1], ("sum".to_owned(), "100000".to_owned()));
    inputs.count.profile = Profile::Uneven;
    try_everything(&Case { task: "count", inputs: inputs.clone(), sizes, workers: &[1, 3] });
    inputs.count.numbers = vec![1, 3, 5, 22, 1000];
    let (_, written) = try_everything(&Case { task: "count", inputs, sizes, workers: &[1, 3] });
    assert_eq!(written, b"1\n3\n5\n22\n1000\n");
}

#[test]
fn word_totals_agree() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sample.tsv");
    std::fs::write(&path, datasets::sample::LINES).unwrap();
    let mut inputs = Inputs::default();
    inputs.word_totals.input = Some(path);
    let (_, written) =
        try_everything(&Case { task: "word_totals", inputs, sizes: &[10, 333, 60_000], workers: &[1, 3] });
    assert_eq!(String::from_utf8(written).unwrap(), datasets::sample::EXPECTED);
}

#[test]
fn noop_agrees() {
    let mut inputs = Inputs::default();
    for items in [0, 1, 1000] {
        inputs.noop.items = items;
        let (_, written) =
            try_everything(&Case { task: "noop", inputs: inputs.clone(), sizes: &[1, 7, 5000], workers: &[1, 3] });
        assert_eq!(String::from_utf8(written).unwrap(), format!("{items}\n"));
    }
}

#[test]
fn virtual_work_agrees() {
    let mut inputs = Inputs::default();
    (inputs.virtual_work.waits, inputs.virtual_work.wait_us) = (40, 50);
    for (uneven_waits, spin) in [(false, true), (true, false)] {
        (inputs.virtual_work.uneven_waits, inputs.virtual_work.spin) = (uneven_waits, spin);
        try_everything(&Case { task: "virtual_work", inputs: inputs.clone(), sizes: &[1, 3, 100], workers: &[1, 3] });
    }
}

#[test]
fn word_count_agrees() {
    let folder = tempfile::tempdir().unwrap();
    let mut inputs = Inputs::default();
    inputs.word_count.files = vec![datasets::book::file(folder.path()).unwrap()];
    for split in [Split::Blanks, Split::Space, Split::Unicode] {
        inputs.word_count.split = split;
        let (_, written) =
            try_everything(&Case { task: "word_count", inputs: inputs.clone(), sizes: &[1, 3, 100], workers: &[1, 3] });
        let expected = datasets::book::TOTALS.map(|(word, total)| format!("{word}\t{total}\n")).concat();
        assert_eq!(String::from_utf8(written).unwrap(), expected);
    }
}

#[test]
fn cursor_pages_agree() {
    // Pages of one row, pages that do and do not divide the rows, exactly one page, and a page that is never full.
    on_a_table("cursor_pages", &[1, 50, 999, 1000, 10_000, 20_000]);
}

#[test]
fn cursor_ranges_agree() {
    // Ranges of one block, ranges of several blocks, and one range with all blocks.
    on_a_table("cursor_ranges", &[1, 999, 5_000, 20_000]);
}

/// Tries a task that reads a table, on a full table and on an empty one.
fn on_a_table(task: &'static str, sizes: &'static [usize]) {
    let mut inputs = Inputs::default();
    inputs.cursor_pages.rows = Some(10_000);
    let folder = tempfile::tempdir().expect("a folder");
    let prepared = Prepared::prepare(&[task], inputs, folder.path(), &Interrupt::default(), &|_| ());
    let prepared = prepared.expect("the input can be made");
    assert_eq!(prepared.skipped, [], "this test needs PostgreSQL; `goldilocks setup` installs it");
    for depth in [1, 8] {
        let mut inputs = prepared.inputs.clone();
        inputs.cursor_pages.depth = depth;
        let (answer, _) = try_everything(&Case { task, inputs: inputs.clone(), sizes, workers: &[3] });
        assert_eq!(answer.figures[0], ("rows".to_owned(), "10000".to_owned()));

        let table = inputs.cursor_pages.table.as_mut().expect("a table was made");
        let empty = format!("{table}_empty_{depth}");
        let url = inputs.cursor_pages.database_url.as_deref().expect("a server was brought up");
        let (client, mut driver) = postgres::connect(url).expect("the server answers");
        let make = format!("CREATE TABLE {empty} AS SELECT * FROM {table} WITH NO DATA");
        driver.block_on(client.batch_execute(&make)).expect("a table can be made");
        *table = empty;
        let (answer, written) = try_everything(&Case { task, inputs, sizes: &[1, 1000], workers: &[1, 3] });
        assert_eq!(answer.figures[0], ("rows".to_owned(), "0".to_owned()));
        assert_eq!(written, b"");
    }
    prepared.end().expect("what was brought up can be taken down");
}

/// The strategies whose heart beats on their own runtime.
const ON_A_RUNTIME: [&str; 5] = ["async_std", "smol", "tokio_blocking", "tokio_rayon", "tokio_tasks"];

#[test]
fn every_strategy_has_a_heartbeat_if_one_is_wanted_and_gives_the_same_answer() {
    // A run sleeps for more than a tick.
    let mut inputs = Inputs::default();
    (inputs.virtual_work.waits, inputs.virtual_work.wait_us) = (12, 2_000);
    let task = (tasks::find("virtual_work").expect("it is in the catalogue").load)(&inputs).expect("it has no input");
    let expected = all_of(&task.baseline().expect("nothing fails"));
    let choice = Choice { size: testbed::nonzero(1), delivery: Delivery::Gather, combine: Combine::PerPartition };
    for strategy in strategies::catalogue::ALL {
        for workers in [1, 2, 3, 5, 8, 32] {
            let mut up = testbed::start("virtual_work", &inputs, strategy, workers);
            // The second run comes after the end of the first heart.
            for wanted in [true, true, false] {
                let run = if wanted { strategies::run_with_heartbeat } else { strategies::run };
                let (outcome, _) = run(&*task, &mut *up, choice, &Cancel::default()).expect("nothing fails");
                assert_eq!(all_of(&outcome), expected, "{strategy:?}, {workers} workers");
                let beat = outcome.heartbeat;
                assert_eq!(beat.is_some(), wanted, "{strategy:?}, {workers} workers");
                let Some(beat) = beat else { continue };
                assert!(beat.ticks > 0 && beat.p50_ns <= beat.p99_ns && beat.p99_ns <= beat.max_ns, "{beat:?}");
                assert_eq!(beat.on_runtime, ON_A_RUNTIME.contains(&strategy.name), "{strategy:?}");
            }
        }
    }
}

#[test]
fn cursor_work_agrees() {
    // The pages are those of `cursor_pages`.
    on_a_table("cursor_work", &[999]);
}

#[test]
fn the_work_of_cursor_work_is_checked_and_changes_no_answer() {
    let rows = |inputs: &mut Inputs, work_us| {
        (inputs.cursor_pages.rows, inputs.cursor_work.work_us) = (Some(3_000), work_us);
    };
    let folder = tempfile::tempdir().expect("a folder");
    let mut answers = Vec::new();
    for (task, work_us) in [("cursor_pages", 0), ("cursor_work", 0), ("cursor_work", 700)] {
        let mut inputs = Inputs::default();
        rows(&mut inputs, work_us);
        let prepared = Prepared::prepare(&[task], inputs, folder.path(), &Interrupt::default(), &|_| ());
        let prepared = prepared.expect("the input can be made");
        assert_eq!(prepared.skipped, [], "this test needs PostgreSQL; `goldilocks setup` installs it");
        // The preparation has measured how fast this machine counts.
        assert_eq!(prepared.inputs.cursor_work.increments_per_ms > 0, task == "cursor_work");
        let loaded = (tasks::find(task).expect("it is in the catalogue").load)(&prepared.inputs).expect("it loads");
        answers.push(loaded.baseline().expect("the plain loop runs").answer().expect("the work is complete").digest);
        prepared.end().expect("what was brought up can be taken down");
    }
    assert!(answers.iter().all(|digest| *digest == answers[0]), "{answers:?}");
}

#[test]
fn no_task_is_left_out() {
    let tried =
        ["count", "word_totals", "cursor_pages", "cursor_ranges", "cursor_work", "noop", "virtual_work", "word_count"];
    let untried: Vec<&str> = tasks::ALL.iter().map(|task| task.name).filter(|name| !tried.contains(name)).collect();
    assert!(untried.is_empty(), "add a test to this file for {untried:?}");
}
