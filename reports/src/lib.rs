//! From records to reports: pure functions, no clock and no environment.
//!
//! ```text
//! render      html, terminal, csv, json, markdown, bmf
//! view        charts and tables as plain data
//! analysis    a record turned into conclusions, as plain data
//! format      numbers and lists in words, for all of them
//! ```
//!
//! Arrows point downwards only. `comparison` sets two analyses beside each other.

pub mod analysis;
pub mod comparison;
pub mod error;
pub mod format;
pub mod render;
pub mod view;
