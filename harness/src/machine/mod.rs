//! The machine that measures: its processors, its description in the record, and the doctor.

pub mod description;
pub mod doctor;
pub mod topology;

pub use description::{core_counts, core_counts_here, describe, processors};
