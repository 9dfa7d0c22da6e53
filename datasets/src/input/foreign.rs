//! Files that are no 1-grams or no text, but something that people have instead: what it is, and the command that converts
//! it.

use super::kind::Kind;
use super::version3;
use crate::error::shown;
use kernels::line;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A file that the reader refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Foreign {
    /// What the file is, as predicates: `is UTF-16 text`.
    pub(super) is: Vec<String>,
    /// The commands that convert it, each from its standard input to its standard output. Empty if there are none.
    pub(super) filters: Vec<String>,
}

impl Foreign {
    fn new(is: &str, filter: &str) -> Self {
        let filters = if filter.is_empty() { Vec::new() } else { vec![filter.to_owned()] };
        Foreign { is: vec![is.to_owned()], filters }
    }

    /// Adds what the contents are after these filters.
    fn and(mut self, inner: Option<Foreign>) -> Self {
        if let Some(inner) = inner {
            self.is.extend(inner.is);
            self.filters.extend(inner.filters);
        }
        self
    }

    /// A compressed file. `program` decompresses it.
    pub(super) fn compressed(program: &str) -> Self {
        Foreign::new(&format!("is compressed with {program}"), &format!("{program} -dc"))
    }

    /// A text with a byte order mark.
    pub(super) fn marked() -> Self {
        Foreign::new("begins with a byte order mark", "tail -c +4")
    }

    /// Lines of version 3.
    pub(super) fn version3() -> Self {
        let years = r#"for (i = 2; i <= NF; i++) { split($i, n, ","); print $1, n[1], n[2], n[3] }"#;
        Foreign::new("has the format of 2020", &format!(r"awk -F '\t' -v OFS='\t' '{{ {years} }}'"))
    }

    /// Says what the file is, what is expected, and how to convert it.
    pub(super) fn sentence(&self, kind: Kind, path: &Path) -> String {
        let quoted = shlex::bytes::try_quote(path.as_os_str().as_bytes()).unwrap_or_default();
        let quoted = shown(Path::new(OsStr::from_bytes(&quoted)));
        let next = match self.filters.split_first() {
            None => "name another file".to_owned(),
            Some((first, others)) => {
                let others: String = others.iter().map(|filter| format!(" | {filter}")).collect();
                let plain = format!("plain.{}", kind.ending());
                format!("convert it with `{first} < {quoted}{others} > {plain}`, then name {plain}")
            }
        };
        format!("{} {}; {}; {next}", shown(path), self.is.join(" and "), kind.expected())
    }

    /// The same contents, compressed.
    pub(super) fn inside(self, program: &str) -> Self {
        Foreign::compressed(program).and(Some(self))
    }
}

/// A file type: the bytes at some offset, what the file is, and the filter that extracts its text.
type Magic = (usize, &'static [u8], &'static str, &'static str);

/// Types that may store text as it is. No word begins with these bytes.
const PACKED: &[Magic] = &[
    (0, b"\xfd7zXZ\0", "is compressed with xz", "xz -dc"),
    (0, b"\x5d\0\0", "is compressed with lzma", "xz -dc --format=lzma"),
    (0, b"\x04\x22\x4d\x18", "is compressed with lz4", "lz4 -dc"),
    (0, b"\x1f\x9d", "is compressed with compress", "gzip -dc"),
    (0, b"PK\x03\x04", "is a zip archive", "funzip"),
    (0, b"7z\xbc\xaf\x27\x1c", "is a 7z archive", ""),
    (257, b"ustar\0", "is a tar archive", "tar -xOf -"),
    (257, b"ustar  \0", "is a tar archive", "tar -xOf -"),
];

/// Types whose first bytes are letters.
const NAMED: &[Magic] = &[
    (0, b"BZh", "is compressed with bzip2", "bzip2 -dc"),
    (0, b"PAR1", "is a Parquet file", ""),
    (0, b"ARROW1", "is an Arrow file", ""),
    (0, b"SQLite format 3\0", "is an SQLite database", ""),
    (8, b"DUCK", "is a DuckDB database", ""),
    (0, b"%PDF", "is a PDF document", ""),
    (0, b"version https://git-lfs", "is a pointer of Git LFS; `git lfs pull` fetches the file", ""),
];

/// How a text may begin that is no table.
const BEGINNINGS: &[(&[u8], &str)] = &[
    (b"<!doctype html", "is an HTML page, perhaps the error message of a server"),
    (b"<html", "is an HTML page, perhaps the error message of a server"),
    (b"<?xml", "is an XML document, perhaps the error message of a server"),
    (b"{\"", "is JSON"),
    (b"[{", "is JSON"),
];

fn by_magic(types: &[Magic], head: &[u8]) -> Option<Foreign> {
    let begins = |(at, magic, ..): &&Magic| head.get(*at..).is_some_and(|head| head.starts_with(magic));
    types.iter().find(begins).map(|(.., is, filter)| Foreign::new(is, filter))
}

/// Recognises compressed files and archives.
pub(super) fn packed(head: &[u8]) -> Option<Foreign> {
    by_magic(PACKED, head)
}

/// Recognises other files that have no lines of fields.
pub(super) fn named(head: &[u8], whole: bool) -> Option<Foreign> {
    if head.is_empty() {
        return Some(Foreign::new("is empty", ""));
    }
    if head.iter().all(|byte| *byte == 0) {
        return Some(Foreign::new("begins with NUL bytes, as an interrupted download leaves them", ""));
    }
    if whole && head.iter().all(u8::is_ascii_whitespace) {
        return Some(Foreign::new("is blank", ""));
    }
    let first = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    if !head.contains(&b'\n') && first.len() < head.len() && line::parse(first).is_ok() {
        return Some(Foreign::new("has lines that end in CR alone", r"tr '\r' '\n'"));
    }
    let text = head.trim_ascii_start();
    let begins = |with: &[u8]| text.get(..with.len()).is_some_and(|text| text.eq_ignore_ascii_case(with));
    let beginning = || BEGINNINGS.iter().find(|(beginning, _)| begins(beginning));
    by_magic(NAMED, head)
        .or_else(|| beginning().map(|(_, is)| Foreign::new(is, "")))
        .or_else(|| utf_16(Kind::Grams, head))
}

/// Recognises files that are no text: those with NUL bytes, and text of another encoding.
pub(super) fn no_text(head: &[u8]) -> Option<Foreign> {
    let nul = || {
        let filter = r"tr -d '\000'";
        head.contains(&0).then(|| {
            by_magic(NAMED, head)
                .unwrap_or_else(|| Foreign::new("has NUL bytes, as programs, images and damaged logs have", filter))
        })
    };
    utf_16(Kind::Text, head).or_else(nul)
}

/// Recognises UTF-16 and UTF-32, with and without a byte order mark, and what the decoded text is.
fn utf_16(kind: Kind, head: &[u8]) -> Option<Foreign> {
    if head.starts_with(b"\xff\xfe\0\0") || head.starts_with(b"\0\0\xfe\xff") {
        return Some(Foreign::new("is UTF-32 text", "iconv -f UTF-32 -t UTF-8"));
    }
    let mark = [(b"\xff\xfe", false), (b"\xfe\xff", true)].into_iter().find(|(mark, _)| head.starts_with(*mark));
    let (pairs, _) = head.as_chunks::<2>();
    // In text with digits and tabs one byte of most pairs is zero, always the same one.
    let zeros = |place: usize| 10 * pairs.iter().filter(|pair| pair[place] == 0).count();
    let without_mark = || match (zeros(0), zeros(1)) {
        (few, many) if few < pairs.len() && many >= 4 * pairs.len() && pairs.len() > 1 => Some(false),
        (many, few) if few < pairs.len() && many >= 4 * pairs.len() && pairs.len() > 1 => Some(true),
        _ => None,
    };
    let (encoding, big_endian) = match mark {
        Some((_, big_endian)) => ("UTF-16", big_endian),
        None if without_mark()? => ("UTF-16BE", true),
        None => ("UTF-16LE", false),
    };
    let units = pairs[usize::from(mark.is_some())..].iter();
    let units = units.map(|pair| if big_endian { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) });
    let text: String = char::decode_utf16(units).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    let mut lines = text.split('\n').map(str::as_bytes);
    let mut inner = || columns(lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let filter = format!("iconv -f {encoding} -t UTF-8");
    Some(Foreign::new(&format!("is {encoding} text"), &filter).and((kind == Kind::Grams).then(&mut inner).flatten()))
}

/// The columns of a line that is not yet a line of 1-grams.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Columns {
    /// The columns of version 2 or 3.
    Right,
    /// `ngram TAB year TAB match_count TAB page_count TAB volume_count`, the format of 2009 (version 1).
    Version1,
    /// The four columns of version 2, but another separator.
    Separated(u8),
}

impl Columns {
    fn of(line: &[u8]) -> Option<Self> {
        if line::parse(line).is_ok() || version3::is_line(line) {
            return Some(Columns::Right);
        }
        if numbers_after_word(line, b'\t') == Some(4) {
            return Some(Columns::Version1);
        }
        b",;| "
            .iter()
            .find(|separator| numbers_after_word(line, **separator) == Some(3))
            .map(|by| Columns::Separated(*by))
    }

    fn count(self) -> usize {
        if self == Columns::Version1 { 5 } else { 4 }
    }

    fn separator(self) -> u8 {
        match self {
            Columns::Separated(separator) => separator,
            Columns::Right | Columns::Version1 => b'\t',
        }
    }
}

/// Returns how many fields follow the first, if each is a number, possibly in quotes.
fn numbers_after_word(line: &[u8], separator: u8) -> Option<usize> {
    let fields = line.split(|byte| *byte == separator).skip(1);
    let unquoted = |field: &'_ [u8]| -> Vec<u8> { field.iter().copied().filter(|byte| *byte != b'"').collect() };
    let mut count = 0;
    for field in fields {
        let field = unquoted(field);
        if field.is_empty() || !field.iter().all(u8::is_ascii_digit) {
            return None;
        }
        count += 1;
    }
    Some(count)
}

/// Recognises other columns, a header and carriage returns by the first two lines.
pub(super) fn columns(first: &[u8], second: &[u8]) -> Option<Foreign> {
    let without_return = |line: &'_ [u8]| line.strip_suffix(b"\r").unwrap_or(line).to_vec();
    let (begin, next) = (without_return(first), without_return(second));
    let (header, columns) = match (Columns::of(&begin), Columns::of(&next)) {
        (Some(columns), _) => (false, columns),
        // A header names as many columns as the next line has. Version 3 has a varying number.
        (None, Some(columns)) => {
            let names = begin.split(|byte| *byte == columns.separator()).count();
            let fits = names == columns.count() || (version3::is_line(&next) && names > 1);
            (fits.then_some(true)?, columns)
        }
        (None, None) => return None,
    };
    let data = if header { &next } else { &begin };
    // What is wrong, and the filter that cures it.
    let mut steps: Vec<(String, String)> = Vec::new();
    if begin.len() < first.len() {
        steps.push(("has lines that end in CR LF".to_owned(), r"tr -d '\r'".to_owned()));
    }
    if header {
        steps.push(("begins with a header line".to_owned(), "tail -n +2".to_owned()));
    }
    match columns {
        Columns::Right => {}
        Columns::Version1 => {
            let filter = r"awk -F '\t' -v OFS='\t' '{ print $1, $2, $3, $5 }'";
            steps.push(("has the five columns of the 2009 format".to_owned(), filter.to_owned()));
        }
        Columns::Separated(separator) => {
            let by = char::from(separator);
            let filter = if data.contains(&b'"') {
                let rows = format!("csv.reader(sys.stdin, delimiter=\"{by}\")");
                format!(r#"python3 -c 'import csv, sys; [print(*row, sep="\t") for row in {rows}]'"#)
            } else {
                format!(r"awk -F '[{by}]' -v OFS='\t' '{{ print $1, $2, $3, $4 }}'")
            };
            let name = if by == ' ' { "blanks".to_owned() } else { format!("`{by}`") };
            steps.push((format!("separates its columns with {name}"), filter));
        }
    }
    let (is, filters) = steps.into_iter().unzip();
    Some(Foreign { is, filters }).filter(|foreign| !foreign.is.is_empty())
}
