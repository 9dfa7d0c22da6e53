//! Hints: what to do about an error that the server or the connection reports.
//!
//! The codes are PostgreSQL's SQLSTATEs (its manual, appendix A). A code that is not listed gets the hint of its class, the
//! first two characters.

use std::error::Error as _;
use std::io;

use tokio_postgres::error::DbError;

/// The next step, as a clause to follow the error; `None` where the error itself says enough.
pub(super) fn hint(error: &tokio_postgres::Error) -> Option<&'static str> {
    if let Some(reported) = error.as_db_error() {
        return hint_on_reported(reported);
    }
    if error.is_closed() {
        return Some("the server closed it without a message; read the server's log, and run this again when it is up");
    }
    let Some(cause) = error.source() else {
        // tokio-postgres distinguishes its kinds of error by their texts alone.
        return error.to_string().starts_with("unexpected message").then_some(GARBLED);
    };
    if cause.to_string() == "password missing" {
        return Some("put it into PGPASSWORD, into the password file (~/.pgpass, or PGPASSFILE), or into the address");
    }
    match cause.downcast_ref::<io::Error>()?.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Some(GARBLED),
        _ => Some(BROKEN),
    }
}

const GARBLED: &str = "a program between here and the server, such as a proxy, garbles the data; connect to the server itself, \
                       and run this again";

const POOLER: &str = "a pooler between here and the server gives each transaction another connection (pgbouncer with \
                      pool_mode=transaction), and prepared statements get lost; connect to the server itself, or to a pool \
                      with pool_mode=session";

const BROKEN: &str = "run this again; if it happens again, check the network and the server's log";

/// The next step for an error or notice that the server itself reports.
pub(super) fn hint_on_reported(error: &DbError) -> Option<&'static str> {
    let code = error.code().code();
    let known = match code {
        "22023" | "42704" if error.message().contains("snapshot") => {
            "the transaction that exported the snapshot has ended; keep its connection open, and run this again"
        }
        "42P05" | "26000" => POOLER,
        "08P01" if error.message().contains("startup parameter") => {
            "a pooler such as pgbouncer refuses it; remove it from the address, or list it in the pooler's \
             ignore_startup_parameters"
        }
        "22P05" => "that text has no equivalent in the encoding of the database; use a database whose encoding is UTF8",
        "22021" => "correct that text, or load it into a database whose encoding is UTF8",
        "25P01" | "34000" => "a cursor ends with its transaction; open both again",
        "25P02" => "an earlier statement of the transaction has failed; look for its error",
        "25P03" => {
            "the server ends a transaction that is idle for longer than idle_in_transaction_session_timeout; raise it, or \
             choose smaller pages"
        }
        "28000" => "check the user in the address, and the server's pg_hba.conf",
        "28P01" => "check the user and the password in the address",
        "3D000" => "check the database, the last part of the address",
        "42703" => "the table lacks a column that the query names",
        "3F000" | "42P01" => "check the name of the table and its schema",
        "42501" => "grant that to the user in the address",
        "53100" => "free space on the server's disk, or load fewer rows",
        "53300" => "use fewer workers, because each may need a connection, or raise the server's limit",
        "55P03" => "another session is about to change the table; run this again when it has finished",
        "57014" => {
            "it was cancelled or exceeded statement_timeout, which covers a row stream as a whole but each page of a cursor \
             alone; raise it, choose smaller pages, or run this again"
        }
        "57P01" => "an administrator ended this session or the server; run this again when it is up",
        "57P02" => "read the server's log for the crash; run this again when it is up",
        "57P03" => "the server is starting or stopping; run this again in a moment",
        // The server's own hint says what to do.
        _ if error.hint().is_some() => return None,
        _ => match code.get(..2).unwrap_or_default() {
            "08" => BROKEN,
            "22" => "correct the value that the query meets there",
            "40" => "run this again",
            "42" => "check the table and its columns",
            "53" => "give the server more of it, or request less",
            _ => "the server's log may say more",
        },
    };
    Some(known)
}
