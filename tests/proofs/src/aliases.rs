//! Strategies of the catalogue under a second name: whoever finds a difference between the two is wrong.

use strategies::{Strategy, catalogue};

/// Two of them.
pub const ALL: &[Strategy] = &[
    Strategy { name: "threads_shared_again", source: "//! The same again.", start: catalogue::threads_shared::start },
    Strategy { name: "rayon_again", source: "//! The same again.", start: catalogue::rayon::start },
];
