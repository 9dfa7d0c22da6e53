//! A total that all workers change while they map is complete, with every strategy whose workers share memory.

use std::sync::Arc;
use strategies::{AnyTask, Cancel, Choice, Combine, Contention, Delivery, Outcome, Result, Strategy, catalogue};
use tasks::count::Profile;
use tasks::word_totals::Kernel;
use tasks::{Entry, Inputs};
use testbed::{nonzero, start, written};

const WORKERS: [usize; 5] = [1, 2, 3, 8, 32];

fn shares_memory() -> impl Iterator<Item = &'static Strategy> {
    catalogue::ALL.iter().filter(|strategy| strategy.shares_memory())
}

/// Runs every state of a task with every strategy and number of workers. Each run must answer like the plain loop and count
/// `updates`.
fn every_way(entry: &Entry, inputs: &Inputs, sizes: &[usize], updates: u64) {
    let task = (entry.load)(inputs).expect("the input is there");
    let expected = written(&task.baseline().expect("nothing is wrong with the input"));
    let (mut turn, states) = (0, entry.hooks.states.iter().chain(&[Combine::Progress]));
    assert!(!entry.hooks.states.is_empty());
    for strategy in shares_memory() {
        for workers in WORKERS {
            let mut up = start(entry.name, inputs, strategy, workers);
            for state in states.clone() {
                turn += 1;
                let (size, delivery) = (nonzero(sizes[turn % sizes.len()]), Delivery::ALL[turn % 3]);
                let choice = Choice { size, delivery, combine: *state };
                let way = || format!("{}, {strategy:?}, {workers} workers, {choice:?}", entry.name);
                let ran = strategies::run(&*task, &mut *up, choice, &Cancel::default());
                let (outcome, _) = ran.unwrap_or_else(|error| panic!("{}: {error}", way()));
                assert!(written(&outcome) == expected, "{}: other totals than the plain loop's", way());
                let cost = outcome.contention.expect("the run shares something");
                let counted = if *state == Combine::Progress { outcome.spans.len() as u64 } else { updates };
                assert_eq!(cost.updates, counted, "{}", way());
                assert!(cost.contended == 0 || workers > 1, "{}: one worker never finds a lock taken: {cost:?}", way());
            }
        }
    }
}

#[test]
fn count_agrees() {
    let mut inputs = Inputs::default();
    (inputs.count.how_many, inputs.count.increments) = (60, Some(60_000));
    inputs.count.profile = Profile::Uneven;
    let task = (tasks::count::ENTRY.load)(&inputs).unwrap();
    let numbers = written(&task.baseline().unwrap());
    let numbers = String::from_utf8(numbers).unwrap();
    // Ten increments are added at once.
    let updates = numbers.lines().map(|number| number.parse::<u64>().unwrap().div_ceil(10)).sum();
    every_way(&tasks::count::ENTRY, &inputs, &[1, 7, 100], updates);
}

fn words(folder: &tempfile::TempDir, lines: &[u8]) -> Inputs {
    let path = folder.path().join("words.tsv");
    std::fs::write(&path, lines).expect("a folder of our own");
    let mut inputs = Inputs::default();
    (inputs.word_totals.input, inputs.word_totals.kernel) = (Some(path), Kernel::Bytes);
    inputs
}

#[test]
fn word_totals_agree() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = datasets::ngrams::Recipe { bytes: 60_000, shuffled: true, ..Default::default() };
    let lines = std::fs::read(recipe.file(folder.path(), &mut |_| ()).unwrap()).unwrap();
    let updates = lines.iter().filter(|byte| **byte == b'\n').count() as u64;
    every_way(&tasks::word_totals::ENTRY, &words(&folder, &lines), &[100, 1_000, 60_000], updates);
}

fn run(task: &Arc<dyn AnyTask>, strategy: &str, inputs: &Inputs, combine: Combine) -> Result<Outcome> {
    let choice = Choice { size: nonzero(1), delivery: Delivery::Gather, combine };
    let mut up = start("word_totals", inputs, catalogue::find(strategy).expect("it is in the catalogue"), 5);
    strategies::run(&**task, &mut *up, choice, &Cancel::default()).map(|(outcome, _)| outcome)
}

#[test]
fn a_shared_total_refuses_what_the_plain_loop_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let most = u64::MAX;
    let beyond = format!("a\t1\t{most}\t1\nb\t1\t2\t1\nb\t2\t2\t1\na\t2\t1\t1\n");
    for (lines, reason) in [(&*beyond, "line 4"), ("a\t1\t1\t1\nb\tx\t1\t1\n", "line 2")] {
        let inputs = words(&folder, lines.as_bytes());
        let task = (tasks::word_totals::ENTRY.load)(&inputs).unwrap();
        let plain = task.baseline().and_then(|outcome| outcome.answer()).unwrap_err().to_string();
        assert!(plain.contains(reason), "{plain}");
        for state in tasks::word_totals::ENTRY.hooks.states {
            let refused = run(&task, "threads_shared", &inputs, *state).and_then(|outcome| outcome.answer());
            let refused = refused.unwrap_err().to_string();
            assert!(refused.contains(&plain), "{state}: {refused}");
        }
    }
}

#[test]
fn what_cannot_be_shared_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut inputs = words(&folder, b"a\t1\t1\t1\n");
    let task = |inputs: &Inputs| (tasks::word_totals::ENTRY.load)(inputs).unwrap();
    let error = |inputs: &Inputs, strategy, state| {
        let outcome: Result<Option<Contention>> = run(&task(inputs), strategy, inputs, state).map(|it| it.contention);
        outcome.unwrap_err().to_string()
    };
    let apart = error(&inputs, "processes", Combine::Mutex);
    assert!(apart.contains("a worker process shares no memory"), "{apart}");
    let unknown = error(&inputs, "rayon", Combine::Atomic);
    assert!(unknown.contains("it can in mutex, rwlock, locked_shards, concurrent_map"), "{unknown}");
    inputs.word_totals.kernel = Kernel::Runs;
    let kernel = error(&inputs, "rayon", Combine::Mutex);
    assert!(kernel.contains("pass --kernel bytes"), "{kernel}");
    let noop = (tasks::noop::ENTRY.load)(&inputs).unwrap();
    let none = run(&noop, "rayon", &inputs, Combine::Mutex).map(|outcome| outcome.spans).unwrap_err().to_string();
    assert!(none.contains("this task cannot keep its total in `mutex`"), "{none}");
}
