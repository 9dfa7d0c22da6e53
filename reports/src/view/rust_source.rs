//! Rust source text, cut into pieces that a page colours: comments, strings, keywords, numbers.

/// A piece of source text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'a> {
    /// What the piece is.
    pub kind: Kind,
    /// The text, unchanged.
    pub text: &'a str,
}

/// The kinds of pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Names, signs and spaces.
    Plain,
    /// A comment, up to the end of its line or block.
    Comment,
    /// A string or a character, with its quotes.
    Text,
    /// A keyword.
    Keyword,
    /// A number.
    Number,
    /// A name that begins with an upper-case letter: a type, a trait or a variant.
    Type,
}

impl Kind {
    /// The name of the style rule; `None` for plain text.
    pub fn class(self) -> Option<&'static str> {
        match self {
            Kind::Plain => None,
            Kind::Comment => Some("rc"),
            Kind::Text => Some("rt"),
            Kind::Keyword => Some("rk"),
            Kind::Number => Some("rn"),
            Kind::Type => Some("ry"),
        }
    }
}

const KEYWORDS: [&str; 39] = [
    "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum", "extern", "false", "fn",
    "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return", "self", "Self",
    "static", "struct", "super", "trait", "true", "type", "union", "unsafe", "use", "where", "while",
];

/// Cuts source text into pieces. Joined, the pieces are the text again, also if it is not Rust.
pub fn pieces(source: &str) -> Vec<Piece<'_>> {
    let mut pieces: Vec<Piece> = Vec::new();
    let (mut rest, mut plain) = (source, 0);
    let mut done = 0;
    while !rest.is_empty() {
        let (kind, length) = next(rest);
        let end = done + length;
        if kind != Kind::Plain {
            if plain < done {
                pieces.push(Piece { kind: Kind::Plain, text: &source[plain..done] });
            }
            pieces.push(Piece { kind, text: &source[done..end] });
            plain = end;
        }
        (rest, done) = (&source[end..], end);
    }
    if plain < done {
        pieces.push(Piece { kind: Kind::Plain, text: &source[plain..] });
    }
    pieces
}

/// The kind and the length of the first piece of a text that is not empty.
fn next(text: &str) -> (Kind, usize) {
    let first = text.chars().next().unwrap_or_default();
    if let Some(length) = prefixed(text) {
        return (Kind::Text, length);
    }
    match first {
        '/' if text.starts_with("//") => (Kind::Comment, text.find('\n').unwrap_or(text.len())),
        '/' if text.starts_with("/*") => (Kind::Comment, text.find("*/").map_or(text.len(), |end| end + 2)),
        '"' => (Kind::Text, quoted(text, '"')),
        '\'' => character(text).map_or((Kind::Plain, 1), |length| (Kind::Text, length)),
        _ if first.is_ascii_digit() => (Kind::Number, number(text)),
        _ if first.is_alphabetic() || first == '_' => {
            let length = text.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(text.len());
            let kind = match &text[..length] {
                word if KEYWORDS.contains(&word) => Kind::Keyword,
                _ if first.is_uppercase() => Kind::Type,
                _ => Kind::Plain,
            };
            (kind, length)
        }
        _ => (Kind::Plain, first.len_utf8()),
    }
}

/// The length of a string from its quote to the closing one.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (place, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            letter if letter == quote => return place + letter.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// The length of a raw string or a byte string. `None` for names that begin with `r` or `b`.
fn prefixed(text: &str) -> Option<usize> {
    let after = text.strip_prefix("br").or_else(|| text.strip_prefix('r'));
    if let Some(after) = after {
        let signs = after.find(|letter| letter != '#').unwrap_or(after.len());
        let body = after[signs..].strip_prefix('"')?;
        let close = format!("\"{}", "#".repeat(signs));
        let begun = text.len() - body.len();
        return Some(body.find(&close).map_or(text.len(), |end| begun + end + close.len()));
    }
    let body = text.strip_prefix('b')?;
    match body.chars().next()? {
        '"' => Some(1 + quoted(body, '"')),
        '\'' => character(body).map(|length| 1 + length),
        _ => None,
    }
}

/// The length of a character in quotes. `None` for a lifetime.
fn character(text: &str) -> Option<usize> {
    let body = text.get(1..)?;
    let mut letters = body.chars();
    match letters.next()? {
        '\\' => Some(quoted(text, '\'')),
        letter => (letters.next() == Some('\'')).then(|| 2 + letter.len_utf8()),
    }
}

/// The length of a number. A dot belongs to it only if a digit follows, so not that of `0..3` or `1.max(2)`.
fn number(text: &str) -> usize {
    let word = |text: &str| text.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(text.len());
    let whole = word(text);
    let fraction =
        text[whole..].strip_prefix('.').filter(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit()));
    whole + fraction.map_or(0, |fraction| 1 + word(fraction))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kinds(source: &str) -> Vec<(Kind, &str)> {
        pieces(source).into_iter().filter(|it| it.kind != Kind::Plain).map(|it| (it.kind, it.text)).collect()
    }

    #[test]
    fn each_kind_is_recognised() {
        use Kind::{Comment, Keyword, Number, Text, Type};
        let source = "pub fn f<'a>(x: &'a str) -> Option<u8> { // it's \"one\"\n  let b = r#\"a \" b\"#; \"q\\\"\"; b'\\n'; 'x'; 0..1_000; 1.5 }";
        assert_eq!(
            kinds(source),
            [
                (Keyword, "pub"),
                (Keyword, "fn"),
                (Type, "Option"),
                (Comment, "// it's \"one\""),
                (Keyword, "let"),
                (Text, "r#\"a \" b\"#"),
                (Text, "\"q\\\"\""),
                (Text, "b'\\n'"),
                (Text, "'x'"),
                (Number, "0"),
                (Number, "1_000"),
                (Number, "1.5"),
            ]
        );
        assert_eq!(kinds("/* a */ b /* open"), [(Comment, "/* a */"), (Comment, "/* open")]);
        assert_eq!(kinds("\"never closed ä"), [(Text, "\"never closed ä")]);
        assert_eq!(kinds("r rb b r2 bare"), []);
    }

    proptest! {
        #[test]
        fn the_pieces_joined_are_the_text(source in "[ -~\u{e4}\n'\"\\\\/*#rb0-9.]{0,60}") {
            prop_assert_eq!(pieces(&source).iter().map(|it| it.text).collect::<String>(), source);
        }
    }
}
