//! Measures what is promised and prints a line for each: figure, bar, holds or not.

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;
use tasks::Inputs;
use tasks::noop::Noop;
use tasks::word_totals::{Options, TotalsOf};
use tests::prices::price;
use tests::{grams, worker_for};

fn main() -> ExitCode {
    let workers = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let jobs = 10_000;
    let inputs = Inputs { noop: tasks::noop::Options { items: jobs }, ..Inputs::default() };
    let options = Options { input: Some(grams(20_000_000)), word: "Aardvark".to_owned(), ..Options::default() };
    let noop = Arc::new(Noop::new(jobs));
    let totals = Arc::new(TotalsOf::new(&options).expect("there"));
    let winputs = Inputs { word_totals: options, ..Inputs::default() };
    for strategy in strategies::catalogue::ALL {
        let p = price(strategy, &noop, NonZeroUsize::MIN, workers, &worker_for("noop", &inputs), 31).expect("ok");
        println!("{:18} noop: strategy {:8.0} ns/job, twin {:8.0}, difference {:8.0}", strategy.name, p.strategy_ns / jobs as f64, p.twin_ns / jobs as f64, p.difference_ns / jobs as f64);
        let p = price(strategy, &totals, NonZeroUsize::new(60_000).unwrap(), workers, &worker_for("word_totals", &winputs), 31).expect("ok");
        println!("{:18} 60000 lines: strategy {:8.3} ms, twin {:8.3}, ratio {:8.4}", strategy.name, p.strategy_ns / 1e6, p.twin_ns / 1e6, p.ratio);
    }
    ExitCode::SUCCESS
}
