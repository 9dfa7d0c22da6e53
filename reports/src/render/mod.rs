//! The analysis as files and text.

pub mod bmf;
pub mod csv;
pub mod html;
pub mod json;
pub mod lanes;
pub mod markdown;
pub mod svg;
pub mod terminal;
pub mod trace;
