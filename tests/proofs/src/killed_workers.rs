//! Kills one of four worker processes in the middle of a run.

use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::thread;
use std::time::Instant;
use strategies::{Cancel, Choice, Combine, Delivery, Error, Setup, catalogue};
use system::process::children;
use tasks::Inputs;
use testbed::{grams, nonzero, worker_for};

/// The number of worker processes.
pub const WORKERS: usize = 4;

/// The end of a run in which a worker process was killed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The answer is right. The number of partitions that ran again.
    Right(usize),
    /// The run failed with this error, which names the worker, the signal, the partition and what to do.
    Named(String),
    /// Anything else.
    Bad(String),
}

/// Runs a task with `strategy`, and kills one of its worker processes. `seed` chooses the task, the worker and the moment.
///
/// # Errors
/// When the workers cannot be started, or a run without a kill fails.
pub fn kill_one(strategy: &str, seed: u64) -> Result<Ending> {
    let mut random = Rng::with_seed(seed);
    let mut inputs = Inputs::default();
    (inputs.virtual_work.waits, inputs.virtual_work.wait_us) = (120, 1_000);
    inputs.word_totals.input = Some(grams(2_000_000));
    let (name, size) = if seed.is_multiple_of(2) { ("virtual_work", 1) } else { ("word_totals", 500) };
    let task = (tasks::find(name).context("it is in the catalogue")?.load)(&inputs)?;
    let expected = task.baseline()?.answer()?;
    let strategy = catalogue::find(strategy).context("no such strategy")?;
    let mut worker = worker_for(name, &inputs);
    // Other threads of this process may have workers too.
    worker.name = OsString::from(format!("killed-worker-{seed}-{}", random.u64(..)));
    let shown = worker.name.as_encoded_bytes().to_vec();
    let mut workers = strategy.start(&Setup { workers: nonzero(WORKERS), worker: Some(worker) })?;
    let own = |child: &u32| std::fs::read(format!("/proc/{child}/cmdline")).is_ok_and(|line| line.starts_with(&shown));
    let processes: Vec<u32> = children(std::process::id()).into_iter().filter(own).collect();
    ensure!(processes.len() == WORKERS, "{} worker processes and not {WORKERS}", processes.len());
    let choice = Choice {
        size: nonzero(size),
        delivery: Delivery::ALL[random.usize(..Delivery::ALL.len())],
        combine: Combine::APART[random.usize(..Combine::APART.len())],
    };
    let mut run = || strategies::run(&*task, &mut *workers, choice, &Cancel::default());
    let began = Instant::now();
    run()?;
    let moment = began.elapsed().mul_f64(random.f64());
    let victim = processes[random.usize(..WORKERS)];
    let killer = thread::spawn(move || {
        thread::sleep(moment);
        i32::try_from(victim).ok().and_then(Pid::from_raw).map(|victim| kill_process(victim, Signal::KILL))
    });
    let first = ending(run(), &expected);
    let killed = killer.join().ok().flatten();
    ensure!(killed.is_some_and(|killed| killed.is_ok()), "worker process {victim} cannot be killed");
    // The next run needs the dead worker too, if the kill came after its last partition.
    let second = ending(run(), &expected);
    Ok(match (first, second) {
        (Ending::Right(one), Ending::Right(other)) => Ending::Right(one + other),
        (first, Ending::Right(_)) => first,
        (_, second) => Ending::Bad(format!("the next run ended with {second:?}")),
    })
}

fn ending(ran: strategies::Result<(strategies::Outcome, strategies::Phases)>, expected: &strategies::Answer) -> Ending {
    match ran {
        Ok((outcome, _)) => match outcome.answer() {
            Ok(answer) if answer == *expected => {
                Ending::Right(outcome.shipped.map_or(0, |shipped| shipped.repeated.len()))
            }
            other => Ending::Bad(format!("a wrong answer: {other:?}")),
        },
        Err(error @ Error::Partition { .. }) => {
            let sentence = error.to_string();
            let named = ["partition ", "worker process ", "SIGKILL", "smaller partitions"];
            let is_named = named.iter().all(|part| sentence.contains(part));
            if is_named { Ending::Named(sentence) } else { Ending::Bad(sentence) }
        }
        Err(error) => Ending::Bad(error.to_string()),
    }
}
