//! What to do about an error that the server or the connection to it reports.
//!
//! The codes are PostgreSQL's SQLSTATEs (its manual, appendix A). A code that is not here is answered by its class, the
//! first two letters.

use std::error::Error as _;
use std::io;

use tokio_postgres::error::DbError;

/// The next step, as a clause to be put behind the error; none where its own words say enough.
pub(super) fn on(error: &tokio_postgres::Error) -> Option<&'static str> {
    if let Some(reported) = error.as_db_error() {
        return on_reported(reported);
    }
    if error.is_closed() {
        return Some("the server has closed it without a word: its log says why; run this again when it is up");
    }
    let Some(cause) = error.source() else {
        // tokio-postgres tells its kinds of error apart by their words alone.
        return error.to_string().starts_with("unexpected message").then_some(GARBLED);
    };
    if cause.to_string() == "password missing" {
        return Some("the address may hold it: postgresql://user:password@host:port/database");
    }
    match cause.downcast_ref::<io::Error>()?.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Some(GARBLED),
        _ => Some(BROKEN),
    }
}

const GARBLED: &str = "something between here and the server, a proxy perhaps, garbles what it sends: connect to the \
                       server itself, and run this again";

const BROKEN: &str = "run this again; if it comes back, look at the network and the server's log";

/// The same for what the server itself has said.
pub(super) fn on_reported(error: &DbError) -> Option<&'static str> {
    let code = error.code().code();
    let known = match code {
        "22023" | "42704" if error.message().contains("snapshot") => {
            "the transaction that exported the snapshot is over: its connection must stay open; run this again"
        }
        "22021" => "correct that text, or load it into a database whose encoding is UTF8",
        "25P01" | "34000" => "a cursor ends with its transaction: open both anew",
        "25P02" => "an earlier statement of the transaction has failed: look for its error",
        "25P03" => {
            "the server ends a transaction that waits longer than idle_in_transaction_session_timeout: raise that, or \
             choose smaller pages"
        }
        "28000" => "check the user in the address, and the server's pg_hba.conf",
        "28P01" => "check the user and the password in the address",
        "3D000" => "check the database, the last part of the address",
        "42703" => "the table must have the columns product_id (integer) and product_name (text)",
        "3F000" | "42P01" => "check the name of the table and its schema",
        "42501" => "have that granted to the user of the address",
        "53100" => "make room on the disk that the server writes to, or ask for fewer rows",
        "53300" => "use fewer workers, for each may need a connection, or raise the server's limit",
        "55P03" => "somebody waits to change the table: run this again when that is done",
        "57014" => {
            "it was cancelled, or took longer than statement_timeout, which counts a stream of rows as a whole and a \
             cursor page by page: raise that, choose smaller pages, or run this again"
        }
        "57P01" => "somebody has ended this session or the server: run this again when it is up",
        "57P02" => "the server's log says why it crashed: run this again when it is up",
        "57P03" => "the server is starting or stopping: run this again in a moment",
        // The server itself says what to do.
        _ if error.hint().is_some() => return None,
        _ => match code.get(..2).unwrap_or_default() {
            "08" => BROKEN,
            "22" => "correct the value that the query meets there",
            "40" => "run this again",
            "42" => "check the table and its columns",
            "53" => "give the server more of it, or ask for less",
            _ => "the server's log may say more",
        },
    };
    Some(known)
}
