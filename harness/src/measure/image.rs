//! Starts this program again. The kernel keeps the image of a running program, but cargo may replace, move or remove its
//! file at any moment. A sweep that started its processes from the file would mix two programs, or end.

use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The image of the process that starts this path as a program.
pub const PROGRAM: &str = "/proc/self/exe";

/// Returns the name under which this program was started. A process that it starts gets the same name as its argument 0,
/// because `ps` would otherwise show `/proc/self/exe`.
pub fn name() -> OsString {
    std::env::args_os().next().unwrap_or_else(|| "goldilocks".into())
}

/// Gives this process the name that the kernel would have taken from the program's file. `top` and the census show it.
pub fn keep_name() {
    let name = name();
    let file = Path::new(&name).file_name().map(|file| CString::new(file.as_bytes()));
    if let Some(Ok(file)) = file {
        // A process that the kernel shows as `exe` measures just as well.
        let _ = rustix::thread::set_name(&file);
    }
}
