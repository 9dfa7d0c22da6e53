//! Whether a file is in memory.

use rustix::fs::{Advice, fadvise};
use rustix::io::{Errno, ReadWriteFlags, preadv2};
use std::fs::File;
use std::io::IoSliceMut;
use std::path::Path;

/// How many places of a file are tried.
const LOOKS: u64 = 256;

/// The part of the file at `path` that the system has in memory, from 0 to 1, by trying one place in each of
/// its stretches. Nothing if it is empty, cannot be read, or lies on a file system that does not say.
///
/// A read that must not wait fails where a disk would be needed. `mincore` would tell too, but wants a mapping.
pub fn resident(path: &Path) -> Option<f64> {
    let file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    let looks = LOOKS.min(length.div_ceil(4096));
    if looks == 0 {
        return None;
    }
    // A look that fails makes the kernel fetch what it missed. It shall fetch no more than that, nothing ahead that is
    // yet to be looked at (hence from the end to the beginning), and nothing that the next doctor will look at again
    // (hence places at random).
    let _ = fadvise(&file, 0, None, Advice::Random);
    let mut there = 0;
    for look in (0..looks).rev() {
        let stretch = |look: u64| (u128::from(length) * u128::from(look) / u128::from(looks)) as u64;
        let offset = fastrand::u64(stretch(look)..stretch(look + 1));
        let mut byte = [0];
        match preadv2(&file, &mut [IoSliceMut::new(&mut byte)], offset, ReadWriteFlags::NOWAIT) {
            Ok(_) => there += 1,
            Err(Errno::AGAIN) => {}
            Err(_) => return None,
        }
    }
    Some(f64::from(there) / looks as f64)
}
