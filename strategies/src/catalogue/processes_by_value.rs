//! Worker processes as in `processes`; a request contains the bytes of its part of the input, as Python pickles them.
//!
//! Good when: workers cannot read the input, because it is not in a file or because they run elsewhere.
//! Bad when:  the input is large or partitions are small: every byte is read here, encoded, piped and decoded.
//! In the trace: spans are much longer than the work inside them; the difference is the transfer.

use super::processes;
use strategies::{Job, Result, Setup, Workers};

/// Starts the worker processes. Each loads the task and waits for its first partition.
pub fn start(setup: &Setup) -> Result<Box<dyn Workers>> {
    processes::start_with(setup, Job::pack_with_input)
}
