//! Strategies of the catalogue under a second name: any difference found between the two names is an error.

use strategies::{Strategy, catalogue};

/// Two of them.
pub const ALL: &[Strategy] = &[
    Strategy { name: "threads_shared_again", source: "//! The same again.", start: catalogue::threads_shared::start },
    Strategy { name: "rayon_again", source: "//! The same again.", start: catalogue::rayon::start },
];
