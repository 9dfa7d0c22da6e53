//! Word totals by every strategy, with every setting that must not change the result.

use super::{Case, KERNELS};
use rustix::thread::{CpuSet, sched_setaffinity};
use std::sync::Arc;
use strategies::{AnyTask, Cancel, Choice, Combine, Delivery, Strategy, Workers};
use tasks::Inputs;
use tasks::word_totals::Kernel;

/// Numbers of workers: fewer than, equal to and more than the number of cores.
pub(crate) const WORKERS: [usize; 5] = [1, 2, 3, 8, 32];

/// The book's partition size.
pub(crate) const BOOK: usize = 60_000;

/// A partition size larger than any file.
pub(crate) const ALL_LINES: usize = usize::MAX;

/// Restricts this thread to `cores` processors, or to all if the machine has fewer. Threads and processes that it starts
/// inherit the restriction.
pub(crate) fn pin(cores: usize) {
    // The program is built first, so that the compiler can use all processors.
    testbed::goldilocks();
    let mut set = CpuSet::new();
    harness::machine::processors().into_iter().take(cores).for_each(|processor| set.set(processor));
    sched_setaffinity(None, &set).expect("a thread may restrict itself to some of its processors");
}

/// Tries all combinations of settings.
pub(crate) fn cross(case: &Case, kernels: &[Kernel], sizes: &[usize]) {
    for kernel in kernels {
        for strategy in strategies::catalogue::ALL {
            for workers in WORKERS {
                every_setting(case, *kernel, strategy, workers, sizes);
            }
        }
    }
}

/// Tries all combinations of settings but one: the kernels alternate with the workers, because a strategy does not see them.
pub(crate) fn cross_with_kernels_in_turn(case: &Case, first: usize, sizes: &[usize]) {
    for (row, strategy) in strategies::catalogue::ALL.iter().enumerate() {
        for (column, workers) in WORKERS.into_iter().enumerate() {
            every_setting(case, KERNELS[(first + row + column) % KERNELS.len()], strategy, workers, sizes);
        }
    }
}

fn every_setting(case: &Case, kernel: Kernel, strategy: &Strategy, workers: usize, sizes: &[usize]) {
    let tried = Tried::new(case, kernel);
    let mut up = tried.start(strategy, workers);
    for size in sizes {
        for delivery in Delivery::ALL {
            for combine in Combine::APART {
                tried.run(&mut *up, *size, *delivery, *combine, &format!("{strategy:?}, {workers} workers"));
            }
        }
    }
}

/// Tries all combinations on large files, with a single kernel per file. All kernels would take hours, and the tests on
/// small files cover them.
pub(crate) fn every_way(cases: &[Case]) {
    for (case, kernel) in cases.iter().zip(KERNELS.iter().rev()) {
        cross(case, std::slice::from_ref(kernel), &[7, BOOK, ALL_LINES]);
    }
}

/// Tries every strategy with every number of workers at the book's partition size, and with one number of workers at
/// each other size. Deliveries, combines and kernels alternate, across files too, because all combinations would take
/// too long on large files.
pub(crate) fn take_turns(cases: &[Case], first: usize) {
    let mut turns = (first..).map(|turn| {
        let (delivery, combine) = (Delivery::ALL[turn % 3], Combine::APART[turn / 3 % 4]);
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
        testbed::start("word_totals", &self.inputs, strategy, workers)
    }

    fn run(&self, up: &mut dyn Workers, size: usize, delivery: Delivery, combine: Combine, who: &str) {
        let way = format!("{who}, size {size}, {}, {}, {:?}", delivery.name(), combine.name(), self.kernel);
        let choice = Choice { size: testbed::nonzero(size), delivery, combine };
        let outcome = strategies::run(&*self.task, up, choice, &Cancel::default());
        let (outcome, _) = outcome.unwrap_or_else(|error| panic!("{}, {way}: {error}", self.case.name));
        self.case.check(&testbed::written(&outcome), &way);
    }
}
