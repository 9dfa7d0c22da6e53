//! Recognises what a file contains by its first bytes.
//!
//! A compressed file or an archive may store text as it is, so its first line may look valid. Therefore their first bytes
//! count before the first line. The first bytes of other types are letters with which a word may begin, so they count
//! after it.

use super::foreign::{self, Foreign};
use super::kind::Kind;
use super::version3;
use kernels::line;

/// The number of bytes that show what a file contains. Google's longest lines have 10 KiB.
pub(super) const HEAD: usize = 64 * 1024;

/// The UTF-8 byte order mark. It would be part of the first word.
pub(super) const MARK: &[u8] = b"\xef\xbb\xbf";

/// The lines of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lines {
    /// `ngram TAB year TAB match_count TAB volume_count`, the format of 2012 (version 2).
    Version2,
    /// `ngram TAB year,match_count,volume_count TAB …`, the format of 2020 (version 3).
    Version3,
    /// Lines of any text.
    Text,
}

/// A compression that the reader decompresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    Zstd,
}

impl Compression {
    pub(super) fn name(self) -> &'static str {
        match self {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        }
    }
}

/// The contents of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Contents {
    /// Lines, possibly after a byte order mark. A line of 1-grams may still be malformed.
    Lines {
        lines: Lines,
        mark: bool,
    },
    Compressed(Compression),
    Foreign(Foreign),
}

/// Recognises the contents of a file of this kind from its first bytes. `whole` is `true` if these are all its bytes.
pub(super) fn recognise(kind: Kind, head: &[u8], whole: bool) -> Contents {
    if head.starts_with(b"\x1f\x8b") {
        return Contents::Compressed(Compression::Gzip);
    }
    // A file may begin with a frame that a decompressor skips.
    let skipped =
        head.first_chunk().is_some_and(|[first, rest @ ..]: &[u8; 4]| first & 0xf0 == 0x50 && rest == b"\x2a\x4d\x18");
    if skipped || head.starts_with(b"\x28\xb5\x2f\xfd") {
        return Contents::Compressed(Compression::Zstd);
    }
    if let Some(foreign) = foreign::packed(head) {
        return Contents::Foreign(foreign);
    }
    let text = head.strip_prefix(MARK).unwrap_or(head);
    let mark = text.len() < head.len();
    if kind == Kind::Text {
        return foreign::no_text(text).map_or(Contents::Lines { lines: Lines::Text, mark }, Contents::Foreign);
    }
    let mut lines = text.split(|byte| *byte == b'\n');
    // Without a line feed the first line may continue beyond the head.
    let complete = whole || text.contains(&b'\n');
    let first = lines.next().filter(|_| complete).unwrap_or_default();
    if line::parse(first).is_ok() {
        return Contents::Lines { lines: Lines::Version2, mark };
    }
    if version3::is_line(first) {
        return Contents::Lines { lines: Lines::Version3, mark };
    }
    match foreign::named(text, whole).or_else(|| foreign::columns(first, lines.next().unwrap_or_default())) {
        Some(foreign) => Contents::Foreign(foreign),
        // The reader names the first malformed line.
        None => Contents::Lines { lines: Lines::Version2, mark },
    }
}
