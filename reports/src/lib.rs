//! From records to one HTML page: pure functions, no clock and no environment.

pub mod analysis;
pub mod comparison;
pub mod error;
pub mod render;
pub mod view;

pub use error::{Error, Result};
pub use render::html::{page, write};
pub use render::terminal::text;
