//! `goldilocks`: not too big, not too small.

#![deny(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;

fn main() -> ExitCode {
    harness::cli::main()
}
