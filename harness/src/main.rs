//! `goldilocks`: not too big, not too small.

use std::process::ExitCode;

fn main() -> ExitCode {
    harness::cli::main()
}
