//! Names that no other call has used.

use std::hash::{BuildHasher, RandomState};

/// Eight characters that differ from call to call, because the standard library seeds its hashers at random.
pub(crate) fn unique() -> String {
    format!("{:08x}", RandomState::new().hash_one(std::process::id()) as u32)
}
