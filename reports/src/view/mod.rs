//! Charts and tables of the analysis as plain data.

pub mod chart;
pub mod embedded;
pub mod overhead;
pub mod peers;
pub mod plots;
pub mod resources;
pub mod results;
pub mod run;
pub mod table;
