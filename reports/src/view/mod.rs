//! The analysis as charts and tables: plain data, before it is drawn or written.

pub mod chart;
pub mod overhead;
pub mod peers;
pub mod plots;
pub mod resources;
pub mod results;
pub mod run;
pub mod table;
