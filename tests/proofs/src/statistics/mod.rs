//! The statistics on simulated sessions whose truth is known.

pub mod promises;
pub mod simulation;
