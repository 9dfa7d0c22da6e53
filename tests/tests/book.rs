//! Examples from a book, with the book's own numbers and our own text.
//!
//! Matthew Fowler, *Python Concurrency with asyncio* (Manning, 2022): counting to 1, 3, 5, 22 and 100 000 000 in a
//! process pool, in order and as completed, and MapReduce over four lines of text (chapter 6).

use datasets::book::{LINES, TOTALS};
use std::num::NonZeroUsize;
use strategies::{Cancel, Choice, Combine, Delivery, Outcome, Strategy};
use tasks::Inputs;
use tasks::count::Profile;
use tasks::word_totals::Kernel;
use testbed::{nonzero, start};

/// Four numbers that take almost no time to count to, and one that takes long.
const NUMBERS: [u64; 5] = [1, 3, 5, 22, 100_000_000];

fn run(task: &str, inputs: &Inputs, strategy: &Strategy, workers: usize, choice: Choice) -> Outcome {
    let mut up = start(task, inputs, strategy, workers);
    let entry = tasks::find(task).expect("the task is in the catalogue");
    let task = (entry.load)(inputs).expect("its input is there");
    let ran = strategies::run(&*task, &mut *up, choice, &Cancel::default());
    ran.unwrap_or_else(|error| panic!("{strategy:?}, {workers} workers: {error}")).0
}

fn written(outcome: &Outcome) -> String {
    String::from_utf8(testbed::written(outcome)).expect("the book's words are text")
}

/// Counts to the book's numbers, with one number per partition. Returns the partitions in the order of delivery.
fn count(strategy: &Strategy, workers: usize, delivery: Delivery) -> Vec<u64> {
    let mut inputs = Inputs::default();
    inputs.count.profile = Profile::Book;
    let choice = Choice { size: NonZeroUsize::MIN, delivery, combine: Combine::PerPartition };
    let outcome = run("count", &inputs, strategy, workers, choice);
    let counted: Vec<u64> = written(&outcome).lines().map(|line| line.parse().expect("a number a line")).collect();
    assert_eq!(counted, NUMBERS, "{strategy:?}, {workers} workers, {}", delivery.name());
    outcome.spans.iter().map(|span| span.job).collect()
}

#[test]
fn gathered_and_in_order_results_keep_the_order_of_the_input() {
    for strategy in strategies::catalogue::ALL {
        for workers in [1, 2, 5] {
            for delivery in [Delivery::Gather, Delivery::InOrder] {
                let order = count(strategy, workers, delivery);
                assert_eq!(order, [0, 1, 2, 3, 4], "{strategy:?}, {workers} workers, {}", delivery.name());
            }
        }
    }
}

/// The large number is the last of the input. Every strategy therefore completes it last:
/// - `threads_split` gives two workers the partitions 0 to 2 and 3 to 4, so the second worker ends with the large number.
/// - `sequential` completes the partitions in the order of the input.
#[test]
fn as_completed_delivers_the_small_numbers_first() {
    for strategy in strategies::catalogue::ALL {
        for workers in [2, 3, 5] {
            let mut order = count(strategy, workers, Delivery::AsCompleted);
            assert_eq!(order.last(), Some(&4), "{strategy:?}, {workers} workers: delivered {order:?}");
            order.sort_unstable();
            assert_eq!(order, [0, 1, 2, 3, 4], "{strategy:?}, {workers} workers");
        }
    }
}

/// With the large number first, the order of the input differs from the order of completion.
#[test]
fn a_large_first_number_delays_only_gathered_and_in_order_results() {
    let mut inputs = Inputs::default();
    inputs.count.numbers = vec![100_000_000, 22, 5, 3, 1];
    let delivered = |strategy: &Strategy, delivery: Delivery| -> Vec<u64> {
        let choice = Choice { size: NonZeroUsize::MIN, delivery, combine: Combine::PerPartition };
        run("count", &inputs, strategy, 5, choice).spans.iter().map(|span| span.job).collect()
    };
    let is_parallel = |strategy: &Strategy| start("count", &inputs, strategy, 5).is_parallel();
    for strategy in strategies::catalogue::ALL {
        assert_eq!(delivered(strategy, Delivery::Gather), [0, 1, 2, 3, 4], "{strategy:?}");
        assert_eq!(delivered(strategy, Delivery::InOrder), [0, 1, 2, 3, 4], "{strategy:?}");
        let completed = delivered(strategy, Delivery::AsCompleted);
        let expected = if is_parallel(strategy) { Some(&0) } else { Some(&4) };
        assert_eq!(completed.last(), expected, "{strategy:?}: delivered {completed:?}");
    }
}

#[test]
fn map_reduce_over_four_lines_of_text_gives_their_totals() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.tsv");
    // Each word of the text becomes a line with a count of one, in the year of the book.
    let words = LINES.iter().flat_map(|line| line.split(' '));
    std::fs::write(&path, words.map(|word| format!("{word}\t2022\t1\t1\n")).collect::<String>()).unwrap();
    let expected: String = TOTALS.iter().map(|(word, total)| format!("{word}\t{total}\n")).collect();
    let mut inputs = Inputs::default();
    inputs.word_totals.input = Some(path);
    for kernel in [Kernel::Book, Kernel::Bytes, Kernel::Runs] {
        inputs.word_totals.kernel = kernel;
        for strategy in strategies::catalogue::ALL {
            // A partition is one word, about a line of the text, or the whole text.
            for size in [1, 5, 100] {
                for delivery in Delivery::ALL {
                    for combine in Combine::APART {
                        let choice = Choice { size: nonzero(size), delivery: *delivery, combine: *combine };
                        let outcome = run("word_totals", &inputs, strategy, 2, choice);
                        assert_eq!(written(&outcome), expected, "{strategy:?}, {choice:?}, {kernel:?}");
                    }
                }
            }
        }
    }
}
