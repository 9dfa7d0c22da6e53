//! Reads files of 1-grams or text, compressed or not, with bounded memory.

use super::foreign::Foreign;
use super::format::{Compression, Contents, HEAD, Lines, MARK, recognise};
use super::kind::Kind;
use super::version3;
use super::zstd::Frames;
use flate2::bufread::MultiGzDecoder;
use kernels::line;
use std::io::{self, BufRead, BufReader, Cursor, ErrorKind, Read, Write};

/// The longest line of 1-grams.
const LONGEST_LINE: usize = Kind::Grams.longest_line();

/// The number of bytes that are read at once.
const BLOCK: usize = 256 * 1024;

/// A source whose first bytes were recognised.
pub(super) struct Reader<'a> {
    source: Box<dyn Read + 'a>,
    pub(super) compression: Option<Compression>,
    pub(super) lines: Lines,
    /// `true` if the text begins with a byte order mark, which the reader skips.
    pub(super) mark: bool,
}

/// The reason why a source is refused.
pub(super) enum Refusal {
    Foreign(Foreign),
    /// A line, counted from 1, is malformed.
    Line(u64, String),
    /// The source cannot be decompressed.
    Damaged(Compression, io::Error),
    Read(io::Error),
    Write(io::Error),
}

impl<'a> Reader<'a> {
    /// Recognises a source by its first bytes.
    pub(super) fn new(kind: Kind, source: impl Read + 'a) -> Result<Self, Refusal> {
        let (contents, source) = peek(kind, source).map_err(Refusal::Read)?;
        let compression = match contents {
            Contents::Lines { lines, mark } => return Ok(Reader { source, compression: None, lines, mark }),
            Contents::Foreign(foreign) => return Err(Refusal::Foreign(foreign)),
            Contents::Compressed(compression) => compression,
        };
        let source = BufReader::with_capacity(BLOCK, source);
        let source: Box<dyn Read + 'a> = match compression {
            Compression::Gzip => Box::new(MultiGzDecoder::new(source)),
            Compression::Zstd => Box::new(Frames::new(source)),
        };
        let (contents, source) = peek(kind, source).map_err(|error| not_read(Some(compression), error))?;
        let foreign = match contents {
            Contents::Lines { lines, mark } => {
                return Ok(Reader { source, compression: Some(compression), lines, mark });
            }
            Contents::Foreign(foreign) => foreign,
            Contents::Compressed(inner) => Foreign::compressed(inner.name()),
        };
        Err(Refusal::Foreign(foreign.inside(compression.name())))
    }

    /// Writes all lines, each with a line feed, and 1-grams in the format of version 2.
    pub(super) fn write(self, out: &mut dyn Write) -> Result<(), Refusal> {
        let Reader { source, compression, lines, mark } = self;
        let mut source = BufReader::with_capacity(BLOCK, source);
        if mark {
            source.read_exact(&mut [0; MARK.len()]).map_err(|error| not_read(compression, error))?;
        }
        if lines == Lines::Text {
            return copy(&mut source, compression, out);
        }
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let mut bounded = (&mut source).take(LONGEST_LINE as u64);
            bounded.read_until(b'\n', &mut line).map_err(|error| not_read(compression, error))?;
            if line.is_empty() {
                break;
            }
            match line.pop_if(|byte| *byte == b'\n') {
                Some(_) => {}
                // This is the last line, or the rest of this line is still to come.
                None if source.fill_buf().map_err(|error| not_read(compression, error))?.is_empty() => {}
                None => return Err(Refusal::Line(number, Kind::Grams.too_long(&line))),
            }
            let checked = match lines {
                Lines::Version3 => version3::write(&line, out).map_err(Refusal::Write)?,
                Lines::Version2 | Lines::Text => match line::reason(&line) {
                    Some(reason) => Err(reason),
                    None => {
                        line.push(b'\n');
                        out.write_all(&line).map_err(Refusal::Write)?;
                        Ok(())
                    }
                },
            };
            checked.map_err(|reason| Refusal::Line(number, reason))?;
        }
        Ok(())
    }
}

/// Copies a text and ends its last line, so that the next text begins a line.
fn copy(source: &mut impl BufRead, compression: Option<Compression>, out: &mut dyn Write) -> Result<(), Refusal> {
    let mut last = b'\n';
    loop {
        let block = match source.fill_buf() {
            Ok([]) => break,
            Ok(block) => block,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(not_read(compression, error)),
        };
        out.write_all(block).map_err(Refusal::Write)?;
        last = block.last().copied().unwrap_or(last);
        let length = block.len();
        source.consume(length);
    }
    if last == b'\n' { Ok(()) } else { out.write_all(b"\n").map_err(Refusal::Write) }
}

/// Reads the first bytes of a source. Returns what they mean, and the source with these bytes.
fn peek<'a>(kind: Kind, mut source: impl Read + 'a) -> io::Result<(Contents, Box<dyn Read + 'a>)> {
    let mut head = Vec::new();
    (&mut source).take(HEAD as u64).read_to_end(&mut head)?;
    let contents = recognise(kind, &head, head.len() < HEAD);
    Ok((contents, Box::new(Cursor::new(head).chain(source))))
}

/// Distinguishes a damaged file from a disk that cannot be read.
fn not_read(compression: Option<Compression>, error: io::Error) -> Refusal {
    match (compression, error.kind()) {
        (Some(compression), ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::UnexpectedEof) => {
            Refusal::Damaged(compression, error)
        }
        _ => Refusal::Read(error),
    }
}
