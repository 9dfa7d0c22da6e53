//! The interface between tasks and strategies, and one file per strategy.
//!
//! A [`Task`] defines the computation and cuts the input. A [`Strategy`] receives [`Job`]s and runs each of them. A
//! strategy and a task share only jobs, and only [`AnyTask`] connects the two.
//!
//! Read `job.rs` first, then any file of [`catalogue`](mod@catalogue).

#![deny(clippy::print_stdout, clippy::print_stderr)]

// The files of the catalogue name this crate as any other crate would, so that each can be copied into `exercises`.
extern crate self as strategies;

mod any_task;
pub mod catalogue;
mod choice;
mod collector;
mod error;
mod heartbeat;
mod job;
mod lock;
mod meter;
mod reduce;
mod run;
mod shards;
mod source;
mod span;
mod strategy;
mod task;
pub mod wait;
pub mod wire;
pub mod worker_loop;
mod worker_process;
mod worker_slots;

pub use any_task::{AnyTask, FinalReduce, Outcome};
pub use choice::{Cancel, Choice, Combine, Delivery};
pub use error::{Error, Result};
pub use heartbeat::Lateness;
pub use job::{Job, Jobs, Report};
pub use meter::{Contention, Meter};
pub use run::{Phases, run, run_with_heartbeat};
pub use source::{Source, Waiting};
pub use span::{Span, WorkerTime, most_in_progress};
pub use strategy::{Header, Setup, Strategy, WorkerCommand, Workers};
pub use task::{Answer, Part, Partitions, Shared, Task, Wire};
pub use wire::{Reply, Shipped};
pub use worker_process::WorkerProcess;
