//! Twins: handwritten versions of the strategies, without jobs, spans, reports or a catalogue. A twin uses the same parts
//! of the same library as its strategy. The overhead of the seam is the difference between the two.
//!
//! A twin uses the task's own partitions, map and reduce. It collects the partials in a list and reduces them at the end,
//! as a run with `gather` and `per_partition` does.

use crate::worker_process::WorkerProcess;
use crossbeam::deque;
use rayon::iter::{ParallelBridge, ParallelIterator};
use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::{Arc, Condvar, Mutex, PoisonError, mpsc};
use std::thread;
use strategies::wire::{self, HEAD, TICKET};
use strategies::{Error, Partitions, Result, Task, WorkerCommand};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// A twin with started workers, as after a strategy's `start`.
pub trait Twin<T: Task> {
    /// Runs the task once.
    fn run(&mut self, task: &Arc<T>, size: NonZeroUsize) -> Result<T::Partial>;
}

/// A function that runs a task once is a twin.
impl<T: Task, F: FnMut(&Arc<T>, NonZeroUsize) -> Result<T::Partial>> Twin<T> for F {
    fn run(&mut self, task: &Arc<T>, size: NonZeroUsize) -> Result<T::Partial> {
        self(task, size)
    }
}

fn by<T: Task>(run: impl FnMut(&Arc<T>, NonZeroUsize) -> Result<T::Partial> + 'static) -> Box<dyn Twin<T>> {
    Box::new(run)
}

/// Starts the twin of the strategy `name`.
pub fn start<T: Task>(name: &str, workers: usize, worker: &WorkerCommand) -> Result<Box<dyn Twin<T>>> {
    Ok(match name {
        "sequential" => by(sequential),
        "threads_split" => by(move |task, size| threads_split(task, size, workers)),
        "threads_shared" => by(move |task, size| threads_shared(task, size, workers)),
        "rayon" => {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(workers).build().map_err(Error::worker)?;
            by(move |task: &Arc<T>, size| {
                let partitions = task.partitions(size)?;
                reduce::<T>(pool.install(|| partitions.par_bridge().map(|it| map(&**task, it)).collect::<Vec<_>>()))
            })
        }
        "threads_per_job" => by(move |task, size| threads_per_job(task, size, workers)),
        "thread_pool_condvar" => by(move |task, size| pool_by_hand(task, size, workers)),
        "work_stealing" => by(move |task, size| work_stealing(task, size, workers)),
        "std_channel" => by(move |task, size| std_channel(task, size, workers)),
        "tokio_tasks" => {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build();
            let runtime = runtime.map_err(Error::worker)?;
            by(move |task: &Arc<T>, size| {
                let run = |running: &mut JoinSet<_>, partition| {
                    let task = Arc::clone(task);
                    running.spawn(async move { map(&*task, partition) });
                };
                joined::<T>(runtime.block_on(in_join_set(task.partitions(size)?, workers, run)))
            })
        }
        "tokio_rayon" => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::worker)?;
            let pool = rayon::ThreadPoolBuilder::new().num_threads(workers).build().map_err(Error::worker)?;
            by(move |task: &Arc<T>, size| {
                let run = |running: &mut JoinSet<_>, partition| {
                    let (task, (send, answer)) = (Arc::clone(task), oneshot::channel());
                    pool.spawn(move || drop(send.send(map(&*task, partition))));
                    running.spawn(async { answer.await.unwrap_or_else(|lost| Err(Error::worker(lost))) });
                };
                joined::<T>(runtime.block_on(in_join_set(task.partitions(size)?, workers, run)))
            })
        }
        "tokio_blocking" => {
            let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(workers).build();
            let runtime = runtime.map_err(Error::worker)?;
            by(move |task: &Arc<T>, size| {
                let run = |running: &mut JoinSet<_>, partition| {
                    let task = Arc::clone(task);
                    running.spawn_blocking(move || map(&*task, partition));
                };
                joined::<T>(runtime.block_on(in_join_set(task.partitions(size)?, workers, run)))
            })
        }
        "async_std" => by(move |task: &Arc<T>, size| {
            reduce::<T>(async_std::task::block_on(async_std(task, task.partitions(size)?, workers)))
        }),
        "smol" => {
            by(move |task: &Arc<T>, size| reduce::<T>(smol::block_on(smol(task, task.partitions(size)?, workers))))
        }
        "channel_crossbeam" => by(move |task, size| channel_crossbeam(task, size, workers)),
        "channel_flume" => by(move |task, size| channel_flume(task, size, workers)),
        "processes" | "processes_by_value" => {
            let started: Result<Vec<_>> = (0..workers).map(|_| WorkerProcess::start(worker)).collect();
            let (mut processes, by_value) = (started?, name == "processes_by_value");
            by(move |task, size| run_in_processes(task, size, &mut processes, by_value))
        }
        _ => return Err(Error::worker(format!("`{name}` has no twin; write one in tests/proofs/src/twins.rs"))),
    })
}

fn map<T: Task>(task: &T, partition: Result<T::Partition>) -> Result<T::Partial> {
    let mut partial = T::Partial::default();
    task.map(partition?, &mut partial)?;
    Ok(partial)
}

fn reduce<T: Task>(partials: impl IntoIterator<Item = Result<T::Partial>>) -> Result<T::Partial> {
    let mut total = T::Partial::default();
    for partial in partials {
        T::reduce(&mut total, partial?);
    }
    Ok(total)
}

fn sequential<T: Task>(task: &Arc<T>, size: NonZeroUsize) -> Result<T::Partial> {
    let partials: Vec<_> = task.partitions(size)?.map(|partition| map(&**task, partition)).collect();
    reduce::<T>(partials)
}

fn threads_split<T: Task>(task: &Arc<T>, size: NonZeroUsize, workers: usize) -> Result<T::Partial> {
    let mut all: Vec<_> = task.partitions(size)?.collect();
    let share = all.len().div_ceil(workers).max(1);
    thread::scope(|scope| {
        let work = |mine: Vec<_>| mine.into_iter().map(|partition| map(&**task, partition)).collect::<Vec<_>>();
        let mut threads = Vec::new();
        while all.len() > share {
            let mine: Vec<_> = all.drain(..share).collect();
            threads.push(scope.spawn(move || work(mine)));
        }
        let own = work(all);
        reduce::<T>(threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).chain(own))
    })
}

fn next<T: Task>(partitions: &Mutex<Partitions<T::Partition>>) -> Option<Result<T::Partition>> {
    partitions.lock().ok()?.next()
}

fn threads_shared<T: Task>(task: &Arc<T>, size: NonZeroUsize, workers: usize) -> Result<T::Partial> {
    let partitions = Mutex::new(task.partitions(size)?);
    let (sender, partials) = mpsc::channel();
    let work = |sender: mpsc::Sender<_>| {
        while let Some(partition) = next::<T>(&partitions) {
            let _ = sender.send(map(&**task, partition));
        }
    };
    thread::scope(|scope| {
        for _ in 1..workers {
            let sender = sender.clone();
            scope.spawn(|| work(sender));
        }
        work(sender);
    });
    reduce::<T>(partials)
}

fn threads_per_job<T: Task>(task: &Arc<T>, size: NonZeroUsize, workers: usize) -> Result<T::Partial> {
    let partitions = task.partitions(size)?;
    let (sender, partials) = mpsc::channel();
    thread::scope(|scope| {
        let mut running = VecDeque::new();
        for partition in partitions {
            if running.len() == workers {
                let _ = running.pop_front().map(thread::ScopedJoinHandle::join);
            }
            let sender = sender.clone();
            running.push_back(scope.spawn(move || drop(sender.send(map(&**task, partition)))));
        }
    });
    drop(sender);
    reduce::<T>(partials)
}

fn std_channel<T: Task>(task: &Arc<T>, size: NonZeroUsize, workers: usize) -> Result<T::Partial> {
    let partitions = task.partitions(size)?;
    let ((cut, to_map), (sender, partials)) = (mpsc::sync_channel(workers), mpsc::channel());
    let to_map = Mutex::new(to_map);
    let receive = || to_map.lock().ok()?.recv().ok();
    thread::scope(|scope| {
        for _ in 0..workers {
            let sender = sender.clone();
            scope.spawn(move || {
                while let Some(partition) = receive() {
                    let _ = sender.send(map(&**task, partition));
                }
            });
        }
        for partition in partitions {
            let _ = cut.send(partition);
        }
        drop(cut);
    });
    drop(sender);
    reduce::<T>(partials)
}

/// Unlike the strategy's, its threads live for one run.
fn pool_by_hand<T: Task>(task: &Arc<T>, size: NonZeroUsize, workers: usize) -> Result<T::Partial> {
    let partitions = task.partitions(size)?;
    let (queue, work, room) = (Mutex::new((VecDeque::new(), false)), Condvar::new(), Condvar::new());
    let (sender, partials) = mpsc::channel();
    let take = || {
        let mut state = work.wait_while(queue.lock().ok()?, |(queue, ends)| queue.is_empty() && !*ends).ok()?;
        let next = state.0.pop_front();
        room.notify_one();
        next
    };
    thread::scope(|scope| {
        for _ in 0..workers {
            let sender = sender.clone();
            scope.spawn(move || {
                while let Some(partition) = take() {
                    let _ = sender.send(map(&**task, partition));
                }
            });
        }
        for partition in partitions {
            let locked = queue.lock().unwrap_or_else(PoisonError::into_inner);
            let state = room.wait_while(locked, |(queue, _)| queue.len() >= workers);
            state.unwrap_or_else(PoisonError::into_inner).0.push_back(partition);
            work.notify_one();
        }
        queue.lock().unwrap_or_else(PoisonError::into_inner).1 = true;
        work.notify_all();
    });
    drop(sender);
    reduce::<T>(partials)
}

fn work_stealing<T: Task>(task: &Arc<T>, size: NonZeroUsize, workers: usize) -> Result<T::Partial> {
    let mut deques: Vec<_> = (0..workers).map(|_| deque::Worker::new_fifo()).collect();
    for (nth, partition) in task.partitions(size)?.enumerate() {
        deques[nth % workers].push(partition);
    }
    let stealers: Vec<_> = deques.iter().map(deque::Worker::stealer).collect();
    let steal = || loop {
        match stealers.iter().map(deque::Stealer::steal).collect() {
            deque::Steal::Retry => {}
            found => break found.success(),
        }
    };
    let work = |own: deque::Worker<_>| {
        let mut partials = Vec::new();
        while let Some(partition) = own.pop().or_else(steal) {
            partials.push(map(&**task, partition));
        }
        partials
    };
    let own = deques.pop().unwrap_or_else(deque::Worker::new_fifo);
    thread::scope(|scope| {
        let threads: Vec<_> = deques.into_iter().map(|deque| scope.spawn(|| work(deque))).collect();
        let own = work(own);
        let lost = |_| vec![Err(Error::worker("a thread panicked"))];
        reduce::<T>(threads.into_iter().flat_map(|thread| thread.join().unwrap_or_else(lost)).chain(own))
    })
}

type Joined<T> = std::result::Result<Result<<T as Task>::Partial>, tokio::task::JoinError>;

/// Lets `run` start a task for each partition, at most two for each worker at a time.
async fn in_join_set<P, R: Send + 'static>(
    partitions: Partitions<P>,
    workers: usize,
    run: impl Fn(&mut JoinSet<R>, Result<P>),
) -> Vec<std::result::Result<R, tokio::task::JoinError>> {
    let (mut running, mut partials) = (JoinSet::new(), Vec::new());
    for partition in partitions {
        if running.len() == 2 * workers {
            partials.extend(running.join_next().await);
        }
        run(&mut running, partition);
    }
    while let Some(partial) = running.join_next().await {
        partials.push(partial);
    }
    partials
}

fn joined<T: Task>(partials: Vec<Joined<T>>) -> Result<T::Partial> {
    reduce::<T>(partials.into_iter().map(|partial| partial.unwrap_or_else(|lost| Err(Error::worker(lost)))))
}

macro_rules! blocking_loops {
    ($name:ident, $bounded:path, $spawn:path) => {
        async fn $name<T: Task>(
            task: &Arc<T>,
            partitions: Partitions<T::Partition>,
            workers: usize,
        ) -> Vec<Result<T::Partial>> {
            let (sender, receiver) = $bounded(workers);
            let loops: Vec<_> = (0..workers)
                .map(|_| {
                    let (task, receiver) = (Arc::clone(task), receiver.clone());
                    $spawn(move || {
                        let mut partials = Vec::new();
                        while let Ok(partition) = receiver.recv_blocking() {
                            partials.push(map(&*task, partition));
                        }
                        partials
                    })
                })
                .collect();
            drop(receiver);
            for partition in partitions {
                let _ = sender.send(partition).await;
            }
            sender.close();
            let mut partials = Vec::new();
            for ended in loops {
                partials.extend(ended.await);
            }
            partials
        }
    };
}
blocking_loops!(async_std, async_std::channel::bounded, async_std::task::spawn_blocking);
blocking_loops!(smol, smol::channel::bounded, smol::unblock);

macro_rules! pipeline {
    ($name:ident, $bounded:path) => {
        fn $name<T: Task>(task: &Arc<T>, size: NonZeroUsize, workers: usize) -> Result<T::Partial> {
            let partitions = task.partitions(size)?;
            let (cut, to_map) = $bounded(workers);
            let (mapped, to_reduce) = $bounded(workers);
            let partials: Vec<_> = thread::scope(|scope| {
                for _ in 0..workers {
                    let (to_map, mapped) = (to_map.clone(), mapped.clone());
                    scope.spawn(move || {
                        for partition in to_map {
                            let _ = mapped.send(map(&**task, partition));
                        }
                    });
                }
                drop((to_map, mapped));
                scope.spawn(move || {
                    for partition in partitions {
                        let _ = cut.send(partition);
                    }
                });
                to_reduce.into_iter().collect()
            });
            reduce::<T>(partials)
        }
    };
}
pipeline!(channel_crossbeam, crossbeam::channel::bounded);
pipeline!(channel_flume, flume::bounded);

fn run_in_processes<T: Task>(
    task: &Arc<T>,
    size: NonZeroUsize,
    processes: &mut [WorkerProcess],
    by_value: bool,
) -> Result<T::Partial> {
    let partitions = Mutex::new(task.partitions(size)?);
    let (sender, partials) = mpsc::channel();
    thread::scope(|scope| {
        for process in processes {
            let (sender, partitions) = (sender.clone(), &partitions);
            scope.spawn(move || {
                while let Some(partition) = next::<T>(partitions) {
                    let answer = partition.and_then(|partition| {
                        let partition = if by_value { task.with_input(partition)? } else { partition };
                        // The twin shares the worker program with the strategy. A request begins with a ticket, an answer
                        // with a head.
                        let answer = process.request(&[0; TICKET], &wire::encode(&partition)?)?;
                        wire::decode::<T::Partial>(&answer[HEAD..])
                    });
                    let _ = sender.send(answer);
                }
            });
        }
    });
    drop(sender);
    reduce::<T>(partials)
}
