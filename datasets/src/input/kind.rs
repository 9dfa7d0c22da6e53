//! The kinds of files that a user may name.

/// The kind of the lines that a task expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Lines of a file of 1-grams.
    Grams,
    /// Lines of any text.
    Text,
}

const MIB: usize = 1024 * 1024;

impl Kind {
    /// The longest line in bytes, with its line feed. A longer one is an error, because memory must stay bounded.
    pub const fn longest_line(self) -> usize {
        match self {
            Kind::Grams => 2 * MIB,
            // Some programs write a whole document as one line.
            Kind::Text => 64 * MIB,
        }
    }

    /// What a file of this kind looks like, as a clause.
    pub const fn expected(self) -> &'static str {
        match self {
            Kind::Grams => {
                "expected are lines of four columns, ngram, year, match_count and volume_count, such as `Aardvark TAB 1999 TAB 5 TAB 1`"
            }
            Kind::Text => "expected is text in UTF-8",
        }
    }

    /// Returns the reason why a line that begins with these bytes is too long.
    pub fn too_long(self, begin: &[u8]) -> String {
        let limit = self.longest_line() / MIB;
        match self {
            Kind::Grams => kernels::line::nul(begin)
                .unwrap_or_else(|| format!("the line is longer than {limit} MiB, so this is no file of 1-grams")),
            Kind::Text => format!("the line is longer than {limit} MiB; break it, for instance with `fold -s -w 1000`"),
        }
    }

    /// The ending of the name of a plain file.
    pub(super) const fn ending(self) -> &'static str {
        match self {
            Kind::Grams => "tsv",
            Kind::Text => "txt",
        }
    }
}
