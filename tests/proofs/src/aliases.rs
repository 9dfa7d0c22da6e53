//! Strategies of the catalogue under a second name. Any difference between the two names is an error of measurement.

use strategies::{Strategy, catalogue};

/// The aliases.
pub const ALL: &[Strategy] = &[
    Strategy { name: "threads_shared_again", source: "//! The same again.", start: catalogue::threads_shared::start },
    Strategy { name: "rayon_again", source: "//! The same again.", start: catalogue::rayon::start },
];
