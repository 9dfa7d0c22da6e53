//! Whether a strategy ran under the same conditions as every other: what a right answer does not show.
//!
//! - `sample.rs` judges each sample: cores, jobs in progress, extra threads, work not done.
//! - `afterwards.rs` judges the workers once: whether they obey a cancel, and whether their threads end with them.

mod afterwards;
mod sample;

pub use afterwards::{ignored_cancel, leaked_threads};
pub use sample::{SampleFacts, judge};
