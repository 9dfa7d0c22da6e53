//! What the seam costs is measured against these: the same work written by hand, with the same means of each library, but
//! without jobs, spans, reports or a catalogue.
//!
//! A twin uses the task's own cut, map and reduce, keeps the partials in a list, and reduces them in the end, as a run
//! with `gather` and `per_partition` does. What it lacks is everything else.

use rayon::iter::{ParallelBridge, ParallelIterator};
use std::io::{Read, Write};
use std::num::NonZeroUsize;
use std::process::{Child, ChildStdin, ChildStdout};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use strategies::wire::{self, HEAD, TICKET};
use strategies::{Error, Partitions, Result, Task, WorkerCommand};

/// Workers of a twin that are up: what a strategy's `start` brings up, a twin's brings up too.
pub trait Twin<T: Task> {
    /// Runs the task once.
    ///
    /// # Errors
    /// When a partition fails.
    fn run(&mut self, task: &Arc<T>, size: NonZeroUsize) -> Result<T::Partial>;
}

/// The twin of the strategy of that name, with its workers up.
///
/// # Errors
/// When they cannot be started, or there is no such twin.
pub fn start<T: Task>(name: &str, workers: usize, worker: &WorkerCommand) -> Result<Box<dyn Twin<T>>> {
    Ok(match name {
        "sequential" => Box::new(Sequential),
        "threads_split" => Box::new(ThreadsSplit(workers)),
        "threads_shared" => Box::new(ThreadsShared(workers)),
        "rayon" => {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(workers).build();
            Box::new(Rayon(pool.map_err(Error::worker)?))
        }
        "tokio_blocking" => {
            let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(workers).build();
            Box::new(TokioBlocking(runtime.map_err(Error::worker)?, workers))
        }
        "async_std" => Box::new(AsyncStd(workers)),
        "channel_crossbeam" => Box::new(ChannelCrossbeam(workers)),
        "channel_flume" => Box::new(ChannelFlume(workers)),
        "processes" => Box::new(Processes((0..workers).map(|_| Piped::start(worker)).collect::<Result<_>>()?)),
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

struct Sequential;

impl<T: Task> Twin<T> for Sequential {
    fn run(&mut self, task: &Arc<T>, size: NonZeroUsize) -> Result<T::Partial> {
        let partials: Vec<_> = task.partitions(size)?.map(|partition| map(&**task, partition)).collect();
        reduce::<T>(partials)
    }
}

struct ThreadsSplit(usize);

impl<T: Task> Twin<T> for ThreadsSplit {
    fn run(&mut self, task: &Arc<T>, size: NonZeroUsize) -> Result<T::Partial> {
        let mut all: Vec<_> = task.partitions(size)?.collect();
        let share = all.len().div_ceil(self.0).max(1);
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
}

struct ThreadsShared(usize);

fn take<T: Task>(partitions: &Mutex<Partitions<T::Partition>>) -> Option<Result<T::Partition>> {
    partitions.lock().ok()?.next()
}

impl<T: Task> Twin<T> for ThreadsShared {
    fn run(&mut self, task: &Arc<T>, size: NonZeroUsize) -> Result<T::Partial> {
        let partitions = Mutex::new(task.partitions(size)?);
        let (sender, partials) = mpsc::channel();
        let work = |sender: mpsc::Sender<_>| {
            while let Some(partition) = take::<T>(&partitions) {
                let _ = sender.send(map(&**task, partition));
            }
        };
        thread::scope(|scope| {
            for _ in 1..self.0 {
                let sender = sender.clone();
                scope.spawn(|| work(sender));
            }
            work(sender);
        });
        reduce::<T>(partials)
    }
}

struct Rayon(rayon::ThreadPool);

impl<T: Task> Twin<T> for Rayon {
    fn run(&mut self, task: &Arc<T>, size: NonZeroUsize) -> Result<T::Partial> {
        let partitions = task.partitions(size)?;
        let partials: Vec<_> =
            self.0.install(|| partitions.par_bridge().map(|partition| map(&**task, partition)).collect());
        reduce::<T>(partials)
    }
}

struct TokioBlocking(tokio::runtime::Runtime, usize);

impl<T: Task> Twin<T> for TokioBlocking {
    fn run(&mut self, task: &Arc<T>, size: NonZeroUsize) -> Result<T::Partial> {
        let partitions = task.partitions(size)?;
        let partials = self.0.block_on(async {
            let (mut running, mut partials) = (tokio::task::JoinSet::new(), Vec::new());
            for partition in partitions {
                if running.len() == 2 * self.1 {
                    partials.extend(running.join_next().await);
                }
                let task = Arc::clone(task);
                running.spawn_blocking(move || map(&*task, partition));
            }
            while let Some(partial) = running.join_next().await {
                partials.push(partial);
            }
            partials
        });
        reduce::<T>(partials.into_iter().map(|partial| partial.unwrap_or_else(|error| Err(Error::worker(error)))))
    }
}

struct AsyncStd(usize);

impl<T: Task> Twin<T> for AsyncStd {
    fn run(&mut self, task: &Arc<T>, size: NonZeroUsize) -> Result<T::Partial> {
        let partitions = task.partitions(size)?;
        let workers = self.0;
        let partials = async_std::task::block_on(async {
            let (sender, receiver) = async_std::channel::bounded(workers);
            let loops: Vec<_> = (0..workers)
                .map(|_| {
                    let (task, receiver) = (Arc::clone(task), receiver.clone());
                    async_std::task::spawn_blocking(move || {
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
        });
        reduce::<T>(partials)
    }
}

macro_rules! pipeline {
    ($name:ident, $bounded:path) => {
        struct $name(usize);

        impl<T: Task> Twin<T> for $name {
            fn run(&mut self, task: &Arc<T>, size: NonZeroUsize) -> Result<T::Partial> {
                let partitions = task.partitions(size)?;
                let (cut, to_map) = $bounded(self.0);
                let (mapped, to_reduce) = $bounded(self.0);
                let partials: Vec<_> = thread::scope(|scope| {
                    for _ in 0..self.0 {
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
        }
    };
}
pipeline!(ChannelCrossbeam, crossbeam::channel::bounded);
pipeline!(ChannelFlume, flume::bounded);

struct Processes(Vec<Piped>);

impl<T: Task> Twin<T> for Processes {
    fn run(&mut self, task: &Arc<T>, size: NonZeroUsize) -> Result<T::Partial> {
        let partitions = Mutex::new(task.partitions(size)?);
        let (sender, partials) = mpsc::channel();
        thread::scope(|scope| {
            for piped in &mut self.0 {
                let (sender, partitions) = (sender.clone(), &partitions);
                scope.spawn(move || {
                    while let Some(partition) = take::<T>(partitions) {
                        let answer = partition.and_then(|partition| {
                            let answer = piped.ask(&wire::encode(&partition)?).map_err(Error::worker)?;
                            wire::decode::<T::Partial>(answer)
                        });
                        let _ = sender.send(answer);
                    }
                });
            }
        });
        drop(sender);
        reduce::<T>(partials)
    }
}

/// A child process that answers one message after the other: its length, then its bytes.
struct Piped {
    child: Child,
    to: Option<ChildStdin>,
    from: ChildStdout,
    answer: Vec<u8>,
}

impl Piped {
    fn start(command: &WorkerCommand) -> Result<Self> {
        let mut child = testbed::piped(command)?;
        let (to, from) = (child.stdin.take(), child.stdout.take().ok_or_else(|| Error::worker("no pipe"))?);
        let mut piped = Piped { child, to, from, answer: Vec::new() };
        piped.read().map_err(Error::worker)?;
        Ok(piped)
    }

    fn ask(&mut self, request: &[u8]) -> std::io::Result<&[u8]> {
        // The serving end is the strategy's own: its requests begin with a ticket and its answers with a head, which are
        // of no interest here.
        let mut message = ((TICKET + request.len()) as u32).to_le_bytes().to_vec();
        message.extend_from_slice(&[0; TICKET]);
        message.extend_from_slice(request);
        if let Some(to) = &mut self.to {
            to.write_all(&message)?;
        }
        self.read()?;
        Ok(&self.answer[HEAD..])
    }

    fn read(&mut self) -> std::io::Result<()> {
        let mut length = [0; 4];
        self.from.read_exact(&mut length)?;
        self.answer.resize(u32::from_le_bytes(length) as usize, 0);
        self.from.read_exact(&mut self.answer)
    }
}

impl Drop for Piped {
    fn drop(&mut self) {
        drop(self.to.take());
        let _ = self.child.wait();
    }
}
