//! Checks that every strategy runs under the same conditions. A right answer does not show this.
//!
//! - `sample.rs` checks each sample: cores, jobs in progress, extra threads, work not done.
//! - `afterwards.rs` checks the workers once: they must obey a cancel, and their threads must end with them.

mod afterwards;
mod sample;

pub use afterwards::{ignored_cancel, leaked_threads};
pub use sample::{SampleFacts, judge};
