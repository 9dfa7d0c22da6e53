//! Computes on rows while the next rows travel: the share of the time that each strategy hides, beside the share that the parts
//! allow, and the amount of work at which the cores take over from the stream as the limit.
//!
//! The server has one core and the client another, so that neither takes time from the other. The server waits 2 ms before each
//! thousandth row, as for a slow disk. A table in memory would leave almost no time to hide, because the client decodes its rows
//! about as fast as they come.
//!
//! The parts of a run are the time S of the stream alone, the processor time C that the client spends in it, and the time W that
//! the work adds inside the jobs of this very run. Without overlap, a run takes S + W. With perfect overlap it takes S, or C + W
//! if that is longer, because one core decodes and computes. Besides, nothing can be computed before the first page is there,
//! and the work on the last page begins when the stream has ended. A strategy that pulls every page before it runs the first job
//! can overlap nothing.

use crate::Proofs;
use anyhow::{Context, Result};
use datasets::products::{BYTES_PER_ROW, Products};
use fastrand::Rng;
use harness::measure::resource_usage::used_so_far;
use postgres::{Environment, Server};
use proofs::access_methods::pinning::Pinning;
use proofs::overhead::median;
use std::num::NonZeroUsize;
use std::sync::Arc;
use strategies::{AnyTask, Cancel, Choice, Combine, Delivery, Setup, Strategy, Workers, catalogue};
use tasks::Inputs;
use tasks::count::kernel::proportion;
use testbed::worker_for;

/// The rows of the table.
const ROWS: u64 = 50_000;

/// The rows of a page, for which `--work-us` is the time of the work.
const PAGE: NonZeroUsize = NonZeroUsize::new(1_000).unwrap();

/// The amounts of work, as multiples of the predicted crossing point. The first is the stream alone.
const LEVELS: [f64; 6] = [0.0, 0.25, 0.5, 1.0, 2.0, 4.0];

/// The timed rounds. Each runs every level once, in a shuffled order.
const ROUNDS: usize = 9;

/// The largest difference between a share of overlap and what the parts allow.
const WITHIN: f64 = 0.05;

pub(crate) fn prove(proofs: &mut Proofs) -> Result<()> {
    let server = Server::open(&Environment::of_this_process(), ROWS * BYTES_PER_ROW)?;
    server.load(&Products::new(1, ROWS)?)?;
    let pinning = Pinning::new().context("client and server need a core each, and this machine has one")?;
    pinning.server(server.process().context("the server must be a private one")?)?;
    let table = server.table::<Products>();
    let slow = format!("{table}_slow");
    let (client, mut driver) = postgres::connect(&server.url())?;
    driver.block_on(client.batch_execute(&format!(
        "CREATE VIEW {slow} AS SELECT product_id, product_name FROM {table} \
         WHERE product_id % {PAGE} <> 0 OR pg_sleep(0.002) IS NOT NULL"
    )))?;
    drop((client, driver));
    pinning.on_client_core(|| on_this_core(&server.url(), &table, &slow, proofs))??;
    server.stop().map_err(Into::into)
}

fn on_this_core(url: &str, table: &str, slow: &str, proofs: &mut Proofs) -> Result<()> {
    let (_, increment_ns) = proportion(5_000_000, 15);
    let mut inputs = Inputs::default();
    inputs.cursor_pages.database_url = Some(url.to_owned());
    inputs.cursor_work.increments_per_ms = (1e6 / increment_ns) as u64;
    let reference = catalogue::find("threads_shared").context("no such strategy")?;
    inputs.cursor_pages.table = Some(table.to_owned());
    let in_memory = measure(reference, &inputs, &[0])?;
    inputs.cursor_pages.table = Some(slow.to_owned());
    let slow_alone = measure(reference, &inputs, &[0])?;
    let crossing_us = slow_alone.expected_crossing_us();
    let works = LEVELS.map(|level| (level * crossing_us) as u64);
    println!(
        "{ROWS} rows, one core each for client and server. The stream alone takes {:.1} ms, and the client {:.1} ms of it; from \
         memory {:.1} ms and {:.1} ms, so {:.0} µs of work on 1,000 rows would make it CPU-bound.\nThe share that is hidden of \
         the time that could be, by µs of work on 1,000 rows, with {} pages in flight:",
        slow_alone.alone(|run| run.wall) / 1e6,
        slow_alone.alone(|run| run.client) / 1e6,
        in_memory.alone(|run| run.wall) / 1e6,
        in_memory.alone(|run| run.client) / 1e6,
        in_memory.expected_crossing_us(),
        inputs.cursor_pages.depth
    );
    let mut head = vec!["strategy".to_owned(), "stream".to_owned()];
    head.extend(works[1..].iter().map(|work_us| format!("{work_us} µs")));
    head.push("crossing".to_owned());
    let mut rows = vec![head];
    let mut lines = Vec::new();
    for strategy in catalogue::ALL {
        let measured = measure(strategy, &inputs, &works)?;
        let mut row = vec![strategy.name.to_owned(), format!("{:.1} ms", measured.alone(|run| run.wall) / 1e6)];
        row.extend((1..works.len()).map(|level| percent(measured.share(level))));
        let found = measured.crossing_us();
        row.push(format!("{found:.0} µs"));
        rows.push(row);
        lines.push((strategy.name, measured, found));
    }
    println!("{}", reports::render::wrap::aligned(&rows));
    for (strategy, measured, found) in lines {
        let bound = measured.bound();
        let shares: Vec<f64> = (2..=4).map(|level| measured.share(level)).collect();
        let off = shares.iter().map(|share| (share - bound).abs()).fold(0.0, f64::max);
        let figure = shares.iter().map(|share| percent(*share)).collect::<Vec<_>>().join(", ");
        proofs.line(
            format!("overlap of {strategy} at half, all and twice the work of the crossing point"),
            figure,
            format!("{}, within 5 points", percent(bound)),
            off <= WITHIN,
        );
        if bound > 0.0 {
            let expected = measured.expected_crossing_us();
            proofs.line(
                format!("from I/O-bound to CPU-bound, {strategy}"),
                format!("at {found:.0} µs of work on 1,000 rows"),
                format!("{expected:.0} µs, from its parts, within 10 %"),
                (found / expected - 1.0).abs() <= 0.1,
            );
        }
    }
    Ok(())
}

/// The times of one run, in nanoseconds.
#[derive(Clone, Copy)]
struct Run {
    /// The time of the run.
    wall: f64,
    /// The time inside its jobs.
    in_jobs: f64,
    /// The processor time of the client.
    client: f64,
    pages: f64,
}

/// The runs of a strategy, for each amount of work. The first is the stream alone.
struct Measured {
    runs: Vec<Vec<Run>>,
    /// Whether the strategy pulls every page before it runs the first job.
    splits_in_advance: bool,
}

impl Measured {
    /// The median of a figure over the runs with the stream alone.
    fn alone(&self, of: fn(&Run) -> f64) -> f64 {
        median(self.runs[0].iter().map(of).collect())
    }

    /// The time that the work takes in a run.
    fn work(&self, run: &Run) -> f64 {
        run.in_jobs - self.alone(|run| run.in_jobs)
    }

    /// The part of the time that could be hidden that is hidden: 1 with perfect overlap, 0 without.
    fn share(&self, level: usize) -> f64 {
        let (stream, client) = (self.alone(|run| run.wall), self.alone(|run| run.client));
        let share = |run: &Run| {
            let (work, first_page) = (self.work(run), (stream - client / run.pages) / run.pages);
            let perfect = (stream + work / run.pages).max(first_page + client + work);
            (stream + work - run.wall) / (stream + work - perfect)
        };
        median(self.runs[level].iter().map(share).collect())
    }

    /// The share of overlap that the parts allow.
    fn bound(&self) -> f64 {
        if self.splits_in_advance { 0.0 } else { 1.0 }
    }

    /// The work on 1,000 rows that takes as long as the client waits for rows in the stream alone.
    fn expected_crossing_us(&self) -> f64 {
        self.on_a_page(self.alone(|run| run.wall) - self.alone(|run| run.client))
    }

    /// The work on 1,000 rows at which a run becomes longer than the stream alone, from the runs with the most work.
    fn crossing_us(&self) -> f64 {
        let most = self.runs.last().map_or(&[][..], Vec::as_slice);
        let beside_work = median(most.iter().map(|run| run.wall - self.work(run)).collect());
        self.on_a_page(self.alone(|run| run.wall) - beside_work)
    }

    fn on_a_page(&self, ns: f64) -> f64 {
        ns / 1e3 / self.alone(|run| run.pages)
    }
}

/// An amount of work: the task with it, its workers, and their runs.
type Level = (Arc<dyn AnyTask>, Box<dyn Workers>, Vec<Run>);

/// Runs a strategy with one worker on these amounts of work.
fn measure(strategy: &Strategy, inputs: &Inputs, works: &[u64]) -> Result<Measured> {
    let choice = Choice { size: PAGE, delivery: Delivery::Gather, combine: Combine::PerPartition };
    let mut levels: Vec<Level> = Vec::new();
    for work_us in works {
        let mut loaded = inputs.clone();
        loaded.cursor_work.work_us = *work_us;
        // A worker process loads the task by itself.
        let worker = Some(worker_for("cursor_work", &loaded));
        let up = strategy.start(&Setup { workers: NonZeroUsize::MIN, worker })?;
        levels.push(((tasks::cursor_work::ENTRY.load)(&loaded)?, up, Vec::new()));
    }
    let splits_in_advance = levels[0].1.splits_in_advance();
    let mut order: Vec<usize> = (0..works.len()).collect();
    let mut rng = Rng::with_seed(1);
    for round in 0..=ROUNDS {
        rng.shuffle(&mut order);
        for level in &order {
            let (task, up, runs) = &mut levels[*level];
            let before = used_so_far(&system::process::family());
            let (outcome, phases) = strategies::run(&**task, &mut **up, choice, &Cancel::default())?;
            let used = used_so_far(&system::process::family()).since(before);
            // This checks that the work is complete.
            outcome.answer()?;
            if round > 0 {
                runs.push(Run {
                    wall: (phases.run_ns + phases.reduce_ns) as f64,
                    in_jobs: outcome.spans.iter().map(|span| span.busy_ns as f64).sum(),
                    client: used.processor_time().as_nanos() as f64,
                    pages: outcome.spans.len() as f64,
                });
            }
        }
    }
    Ok(Measured { runs: levels.into_iter().map(|(_, _, runs)| runs).collect(), splits_in_advance })
}

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}
