//! Charts and tables of the analysis as plain data.

pub mod answer;
pub mod calls;
pub mod chart;
pub mod embedded;
pub mod engines;
pub mod glossary;
pub mod heat;
pub mod kernels;
pub mod lanes;
pub mod limits;
mod lines;
pub mod overhead;
pub mod peers;
pub mod plots;
pub mod reproduce;
pub mod resources;
pub mod results;
pub mod run;
pub mod runs;
pub mod rust_source;
pub mod sharing;
pub mod shipping;
pub mod strategies;
pub mod summary;
pub mod table;
mod ticks;
pub mod timeline;
