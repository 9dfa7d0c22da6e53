//! The analysis as files and text.

pub mod bmf;
pub mod csv;
pub mod html;
pub mod json;
pub mod markdown;
pub mod script;
pub mod svg;
pub mod terminal;
