//! Word totals by every strategy, crossed with everything that may not change them.

use super::{Case, KERNELS};
use rustix::thread::{CpuSet, sched_setaffinity};
use std::num::NonZeroUsize;
use std::sync::Arc;
use strategies::{AnyTask, Cancel, Choice, Combine, Delivery, Setup, Strategy, Workers};
use tasks::Inputs;
use tasks::word_totals::Kernel;

/// Fewer than, as many as and more than the cores.
pub(crate) const WORKERS: [usize; 5] = [1, 2, 3, 8, 32];

/// The book's partition size.
pub(crate) const BOOK: usize = 60_000;

/// More lines than any file has.
pub(crate) const ALL_LINES: usize = usize::MAX;

/// Restricts this thread, and every thread and process that it starts, to so many processors; to all of them where
/// there are fewer.
pub(crate) fn pin(cores: usize) {
    // Before, so that the compiler has all of them.
    testbed::goldilocks();
    let mut set = CpuSet::new();
    harness::machine::processors().into_iter().take(cores).for_each(|processor| set.set(processor));
    sched_setaffinity(None, &set).expect("a thread may restrict itself to some of its processors");
}

/// Everything with everything.
pub(crate) fn cross(case: &Case, kernels: &[Kernel], sizes: &[usize]) {
    for kernel in kernels {
        let tried = Tried::new(case, *kernel);
        for strategy in strategies::catalogue::ALL {
            for workers in WORKERS {
                let mut up = tried.start(strategy, workers);
                for size in sizes {
                    for delivery in Delivery::ALL {
                        for combine in Combine::ALL {
                            tried.run(
                                &mut *up,
                                *size,
                                *delivery,
                                *combine,
                                &format!("{strategy:?}, {workers} workers"),
                            );
                        }
                    }
                }
            }
        }
    }
}

/// Everything with everything on large files, with a kernel for each: with all of them it would take hours, and the
/// smaller tests have every one.
pub(crate) fn every_way(cases: &[Case]) {
    for (case, kernel) in cases.iter().zip(KERNELS.iter().rev()) {
        cross(case, std::slice::from_ref(kernel), &[7, BOOK, ALL_LINES]);
    }
}

/// Every strategy with every number of workers at the book's size, and with some of them at the others. Deliveries,
/// combines and kernels take turns, and go on doing so from one file to the next, for a file of this size takes too
/// long for everything with everything.
pub(crate) fn take_turns(cases: &[Case], first: usize) {
    let mut turns = (first..).map(|turn| {
        let (delivery, combine) = (Delivery::ALL[turn % 3], Combine::ALL[turn / 3 % 4]);
        (delivery, combine, KERNELS[turn / 12 % KERNELS.len()], turn)
    });
    for case in cases {
        for strategy in strategies::catalogue::ALL {
            let mut one = |size: usize, workers: Option<usize>| {
                let (delivery, combine, kernel, turn) = turns.next().expect("turns do not end");
                let workers = workers.unwrap_or(WORKERS[turn % WORKERS.len()]);
                let tried = Tried::new(case, kernel);
                let mut up = tried.start(strategy, workers);
                tried.run(&mut *up, size, delivery, combine, &format!("{strategy:?}, {workers} workers"));
            };
            WORKERS.iter().for_each(|workers| one(BOOK, Some(*workers)));
            one(ALL_LINES, None);
            one(7, None);
        }
    }
}

/// A case and a kernel.
struct Tried<'a> {
    case: &'a Case,
    kernel: Kernel,
    inputs: Inputs,
    task: Arc<dyn AnyTask>,
}

impl<'a> Tried<'a> {
    fn new(case: &'a Case, kernel: Kernel) -> Self {
        let inputs = case.inputs(kernel);
        let task = (tasks::word_totals::ENTRY.load)(&inputs).expect("the file is there");
        Tried { case, kernel, inputs, task }
    }

    fn start(&self, strategy: &Strategy, workers: usize) -> Box<dyn Workers> {
        let workers = NonZeroUsize::new(workers).expect("there is at least one worker");
        let worker = Some(testbed::worker_for("word_totals", &self.inputs));
        strategy.start(&Setup { workers, worker }).expect("workers can be started")
    }

    fn run(&self, up: &mut dyn Workers, size: usize, delivery: Delivery, combine: Combine, who: &str) {
        let way = format!("{who}, size {size}, {}, {}, {:?}", delivery.name(), combine.name(), self.kernel);
        let size = NonZeroUsize::new(size).expect("a partition has at least one line");
        let choice = Choice { size, delivery, combine };
        let outcome = strategies::run(&*self.task, up, choice, &Cancel::default());
        let (outcome, _) = outcome.unwrap_or_else(|error| panic!("{}, {way}: {error}", self.case.name));
        let mut totals = Vec::new();
        outcome.write(&mut totals).expect("memory takes it");
        self.case.check(&totals, &way);
    }
}
