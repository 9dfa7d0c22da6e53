//! Which cells there are, and in which order a block runs them.

pub mod cells;
