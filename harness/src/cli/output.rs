//! Writing to the terminal or a pipe.

use super::exit::Exit;
use anyhow::{Context, Result};
use std::io::{ErrorKind, Write};

/// Writes `bytes` to standard output. A reader that closes the pipe early, such as `head`, causes no error.
pub(crate) fn print(bytes: &[u8]) -> Result<Exit> {
    match std::io::stdout().write_all(bytes) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Exit::Done),
        written => written.map(|()| Exit::Done).context("cannot write to the standard output"),
    }
}
