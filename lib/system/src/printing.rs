//! The only place that prints. An output that has gone away or is full never ends the program.

use crate::printable::{obeyed, printable};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, write};
use std::fmt::Display;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};

/// One of the two outputs of this process, as a writer of bytes.
///
/// If the reader of standard output has closed the pipe, as `head` does, the bytes are dropped, and that is no error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

impl io::Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match self {
            Stream::Output => write_all(io::stdout().as_fd(), bytes),
            Stream::Error => write_all(io::stderr().as_fd(), bytes),
        };
        match written {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes a line to standard error. Characters that a terminal obeys are escaped.
///
/// Errors are ignored: nobody would see a message about them, and the work is worth more than the line.
pub fn say(line: impl Display) {
    // One write a line, so that lines of several processes do not mix.
    let _ = Stream::Error.write_all(printable(&format!("{line}\n")).as_bytes());
}

/// Writes a text to standard output. Characters that a terminal obeys are escaped.
///
/// # Errors
/// Any error of the operating system, such as a full disk; none if the reader has closed the pipe.
pub fn print(text: impl Display) -> io::Result<()> {
    Stream::Output.write_all(printable(&text.to_string()).as_bytes())
}

/// Escapes the characters that a terminal obeys in JSON. They are in strings only, whose values stay.
pub fn printable_json(text: &str) -> String {
    let escaped = |letter: char| match obeyed(letter) {
        true => letter.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
        false => letter.to_string(),
    };
    text.chars().map(escaped).collect()
}

/// Writes all bytes. Unlike the standard library, this also works if another process has made the pipe non-blocking.
fn write_all(output: BorrowedFd<'_>, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match write(output, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => match poll(&mut [PollFd::new(&output, PollFlags::OUT)], None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            },
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{OFlags, fcntl_setfl};
    use rustix::pipe::pipe;
    use std::fs::File;
    use std::io::Read;

    #[test]
    fn json_keeps_its_values_and_holds_nothing_that_a_terminal_obeys() {
        assert_eq!(printable_json("[\"ä\u{9b}\u{202e}\u{e0001}\"]\n"), "[\"ä\\u009b\\u202e\\udb40\\udc01\"]\n");
    }

    #[test]
    fn a_non_blocking_pipe_gets_every_byte_and_a_closed_one_is_reported() {
        let (reader, writer) = pipe().unwrap();
        fcntl_setfl(&writer, OFlags::NONBLOCK).unwrap();
        // More than any pipe takes at once.
        let text = vec![b'x'; 4 << 20];
        let mut reader = File::from(reader);
        let read = std::thread::spawn(move || {
            let mut all = Vec::new();
            reader.read_to_end(&mut all).map(|_| all)
        });
        write_all(writer.as_fd(), &text).unwrap();
        drop(writer);
        assert_eq!(read.join().unwrap().unwrap(), text);
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        assert_eq!(write_all(writer.as_fd(), b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
