//! Conclusions as charts, tables and sentences: plain data.

pub mod chart;
pub mod format;
pub mod table;
