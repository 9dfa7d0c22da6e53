//! The analysis as files and text.

pub mod bars;
pub mod bmf;
pub mod calls;
pub mod comparison;
pub mod csv;
pub mod html;
pub mod json;
pub mod lanes;
pub mod markdown;
pub mod runs;
pub mod script;
pub mod svg;
pub mod terminal;
pub mod trace;
pub mod wrap;
