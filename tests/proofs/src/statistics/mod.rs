//! The statistics on simulated sessions with a known truth.

pub mod promises;
pub mod simulation;
