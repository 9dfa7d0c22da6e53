//! A record turned into conclusions.

pub mod caveats;
pub mod conclusions;
pub mod data_quality;
pub mod environment;
pub mod overhead;
pub mod peers;
pub mod resources;
pub mod results;
pub mod slowdown;
