//! One cell in a process of its own, measured and verified.

pub mod cell;
pub mod census;
pub mod child;
pub mod fairness;
pub mod protocol;
pub mod resource_usage;
