//! Turns records into reports. Pure functions, without a clock or the environment.
//!
//! ```text
//! render      html, terminal, csv, json, markdown, bmf
//! view        charts and tables as plain data
//! analysis    conclusions from a record as plain data
//! format      numbers and lists as text
//! ```
//!
//! Each module depends only on modules listed below it. `comparison` compares two analyses.

#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod analysis;
pub mod comparison;
pub mod error;
pub mod format;
pub mod render;
pub mod view;
