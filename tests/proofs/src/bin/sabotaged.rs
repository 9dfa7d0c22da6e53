//! `goldilocks` with strategies and tasks that cheat, and tasks with a known use of the machine. Only tests and proofs
//! start it.

use proofs::{aliases, instruments, sabotage};
use std::process::ExitCode;

fn main() -> ExitCode {
    let strategies = [sabotage::strategies::ALL, aliases::ALL].concat();
    let tasks = [sabotage::tasks::ALL, instruments::ALL].concat();
    harness::add(strategies, tasks);
    harness::cli::main()
}
