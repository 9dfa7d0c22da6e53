//! From records to one HTML page: pure functions, no clock and no environment.
//!
//! ```text
//! run.jsonl ─ read ─► Record ─┬─ sweep ─► Sweep per task ─┬─ finding ─► sentences ─┐
//!                             │      (statistics)         └─ chart ─ svg ─► figures ┴─► page, text
//!                             ├─ export ─► CSV
//!              another Record ┴─ compare ─► Comparison ─► text, JSON
//! ```
//!
//! The same record gives the same bytes, always: what is simulated is drawn from a fixed seed, and nothing else is random.

pub mod behind;
pub mod chart;
pub mod checks;
pub mod compare;
pub mod costs;
pub mod doubts;
pub mod error;
pub mod export;
pub mod figures;
pub mod finding;
pub mod limits;
pub mod page;
pub mod peers;
pub mod read;
pub mod record;
pub mod resources;
pub mod schema;
pub mod statistics;
pub mod svg;
pub mod sweep;
pub mod table;
pub mod text;
mod unpaired;
mod whole;

pub use error::{Error, Result};
pub use page::{page, write};
pub use read::{Record, read};
pub use text::text;
pub use whole::fill;
