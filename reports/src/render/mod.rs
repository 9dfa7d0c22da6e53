//! Charts, tables and sentences as files.

pub mod csv;
pub mod html;
pub mod svg;
pub mod terminal;
