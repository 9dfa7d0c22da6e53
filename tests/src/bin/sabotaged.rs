//! `goldilocks` with strategies and tasks that cheat, and tasks whose use of the machine is known: only the tests start
//! it.

use std::process::ExitCode;
use tests::{again, instruments, sabotage};

fn main() -> ExitCode {
    let strategies = [sabotage::strategies::ALL, again::ALL].concat();
    let tasks = [sabotage::tasks::ALL, instruments::ALL].concat();
    harness::add(strategies, tasks);
    harness::command::main()
}
