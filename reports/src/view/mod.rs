//! Charts and tables of the analysis as plain data.

pub mod answer;
pub mod chart;
pub mod heat;
pub mod kernels;
mod lines;
pub mod overhead;
pub mod peers;
pub mod plots;
pub mod resources;
pub mod results;
pub mod run;
pub mod table;
mod ticks;
