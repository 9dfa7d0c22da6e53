//! The lower bound of every kernel: reads all bytes and does almost nothing with them.

use crate::lines::{Input, Read};
use datasets::input::Kind;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use strategies::{Error, Result};

/// The number of bytes that a thread takes at once.
const PARTITION: u64 = 8 * 1024 * 1024;

/// Adds up the bytes of a file on `threads` threads, eight bytes at a time as one number.
///
/// With `release`, the threads release the parts of a map that they have read, as `word_totals` does. Without
/// `release`, the end of the process unmaps the file, as for a plain program.
///
/// # Errors
/// When the file cannot be read.
pub fn sum_of_bytes(path: PathBuf, read: Read, threads: NonZeroUsize, release: bool) -> Result<u64> {
    let input = Input::open(Kind::Grams, path, read)?;
    let next = AtomicU64::new(0);
    let work = &|| -> Result<u64> {
        let mut sum = 0u64;
        loop {
            let begin = next.fetch_add(PARTITION, Ordering::Relaxed);
            if begin >= input.length() {
                return Ok(sum);
            }
            let end = input.length().min(begin + PARTITION);
            input.pieces((begin, end), |bytes, _| {
                sum = sum.wrapping_add(add(bytes));
                Ok(())
            })?;
            if release {
                input.mark_read((begin, end));
            }
        }
    };
    std::thread::scope(|scope| {
        let others = (1..threads.get()).map(|_| std::thread::Builder::new().spawn_scoped(scope, work));
        let others: std::io::Result<Vec<_>> = others.collect();
        let others = others.map_err(|error| Error::task(format!("cannot start a thread: {error}")))?;
        let own = work();
        others.into_iter().fold(own, |sum, other| {
            let other = other.join().unwrap_or_else(|_| Err(Error::Panicked("while adding up bytes".to_owned())));
            Ok(sum?.wrapping_add(other?))
        })
    })
}

fn add(bytes: &[u8]) -> u64 {
    let (eights, rest) = bytes.as_chunks::<8>();
    let sum = eights.iter().fold(0u64, |sum, eight| sum.wrapping_add(u64::from_le_bytes(*eight)));
    rest.iter().fold(sum, |sum, byte| sum.wrapping_add(u64::from(*byte)))
}
