//! The name of a table, read as SQL reads it and written so that it can be nothing but a name.

use std::fmt::{self, Display, Formatter};

/// A table, with or without its schema. It displays itself with every part quoted, ready for SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName(Vec<String>);

const NO_NAME: &str = "this is no name of a table; write table, schema.table or, with special letters, \
                       \"Schema\".\"Table\". For a query, create a view and name that";

impl TableName {
    /// Reads `table` or `schema.table`. As in SQL, a part without double quotes is folded to small letters.
    ///
    /// # Errors
    /// The text is not the name of a table; it is a query, for example.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text.trim();
        loop {
            let (part, after) = part(rest).ok_or(NO_NAME)?;
            parts.push(part);
            match after.trim_start().strip_prefix('.') {
                Some(more) if parts.len() < 2 => rest = more.trim_start(),
                None if after.trim().is_empty() => return Ok(TableName(parts)),
                Some(_) => {
                    return Err(
                        "write at most SCHEMA.TABLE; DATABASE_URL or --database-url names the database".to_owned()
                    );
                }
                None => return Err(NO_NAME.to_owned()),
            }
        }
    }
}

impl Display for TableName {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let quoted = self.0.iter().map(|part| format!("\"{}\"", part.replace('"', "\"\"")));
        out.write_str(&quoted.collect::<Vec<_>>().join("."))
    }
}

/// The identifier at the beginning of `text`, and what follows it.
fn part(text: &str) -> Option<(String, &str)> {
    let (part, rest) = match text.strip_prefix('"') {
        Some(mut inside) => {
            let mut part = String::new();
            loop {
                let (before, after) = inside.split_once('"')?;
                part.push_str(before);
                // Two quotes stand for one.
                let Some(more) = after.strip_prefix('"') else { break (part, after) };
                part.push('"');
                inside = more;
            }
        }
        None => {
            let letter = |letter: char| letter.is_ascii_alphabetic() || letter == '_' || !letter.is_ascii();
            let inner = |inner: char| letter(inner) || inner.is_ascii_digit() || inner == '$';
            let end = text.find(|other| !inner(other)).unwrap_or(text.len());
            let (part, rest) = text.split_at(end);
            (part.starts_with(letter).then(|| part.to_ascii_lowercase())?, rest)
        }
    };
    // PostgreSQL knows no zero byte.
    (!part.is_empty() && !part.contains('\0')).then_some((part, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_sql_reads_it_and_written_quoted() {
        for (text, quoted) in [
            ("product", r#""product""#),
            ("Public.Product_2$", r#""public"."product_2$""#),
            (r#""Public"."Product""#, r#""Public"."Product""#),
            (r#" shop . "two words" "#, r#""shop"."two words""#),
            (r#""say ""hi""".x"#, r#""say ""hi"""."x""#),
            (r#""a.b".c"#, r#""a.b"."c""#),
            ("größe.user", r#""größe"."user""#),
            (r#""x; DROP TABLE y; --""#, r#""x; DROP TABLE y; --""#),
        ] {
            let name = TableName::parse(text).unwrap_or_else(|reason| panic!("{text}: {reason}"));
            assert_eq!(name.to_string(), quoted);
            assert_eq!(TableName::parse(quoted), Ok(name), "the quoted form is read as the same name");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in [
            "",
            " ",
            ".",
            "a.",
            ".b",
            "a.b.c",
            "a b",
            "a;b",
            "a--b",
            "a/**/",
            "1a",
            "a-b",
            "\"\"",
            "\"a",
            "\"a\"b\"",
            "\"a\"\".b",
            "\"a\0b\"",
            "product; DROP TABLE product",
            "product, pg_terminate_backend(1)",
            "(SELECT 1) AS x",
            "product WHERE true",
            "ONLY product",
            "a$$b$$ c",
        ] {
            assert!(TableName::parse(text).is_err(), "{text:?}");
        }
    }
}
