//! A tokio-postgres error in one line: what happened, and what to do next.

use std::error::Error as _;

use tokio_postgres::error::DbError;

use crate::error_hints;
use system::printable::printable;

/// A tokio-postgres error on one line: the server's message with SQLSTATE, detail and hint, or the chain of causes; then
/// what to do next.
///
/// tokio-postgres itself prints only "db error" and leaves the message in the source.
pub fn explain(error: &tokio_postgres::Error) -> String {
    let what = match error.as_db_error() {
        Some(answer) => reported(answer),
        None => {
            let mut sentence = error.to_string();
            let mut cause = error.source();
            while let Some(inner) = cause {
                sentence.push_str(&format!(": {inner}"));
                cause = inner.source();
            }
            sentence
        }
    };
    with_hint(&what, error_hints::hint(error))
}

/// Explains a notice that the server sends without a request.
pub(crate) fn explain_notice(notice: &DbError) -> String {
    with_hint(&reported(notice), error_hints::hint_on_reported(notice))
}

fn reported(answer: &DbError) -> String {
    let mut sentence = format!("{} {}: {}", answer.severity(), answer.code().code(), answer.message());
    for (title, text) in [("detail", answer.detail()), ("hint", answer.hint())] {
        if let Some(text) = text {
            sentence.push_str(&format!(" ({title}: {text})"));
        }
    }
    sentence
}

/// The message and the hint on one line, even if the server's message has several.
fn with_hint(what: &str, hint: Option<&str>) -> String {
    let what = what.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let what = printable(&what).into_owned();
    hint.map_or(what.clone(), |hint| format!("{what}; {hint}"))
}
