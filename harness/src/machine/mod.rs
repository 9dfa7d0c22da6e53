//! The machine that measures.

pub mod description;
pub mod doctor;
pub mod topology;

pub use description::{core_counts, describe, processors};
