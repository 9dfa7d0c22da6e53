//! Reads the two columns of a row, and explains a column that cannot be read.

use postgres::explain;
use std::error::Error as _;
use strategies::{Error, Result};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type, WasNull, WrongType};

/// Reads the number and the name of a product.
pub(crate) fn columns(row: &Row) -> Result<(i32, &str)> {
    let number = row.try_get(0).map_err(|error| unreadable(row, 0, "integer", &error))?;
    let name = row.try_get(1).map_err(|error| unreadable(row, 1, "text", &error))?;
    Ok((number, name))
}

/// Makes the error for a column. It names the product, the column, the fault and the remedy.
fn unreadable(row: &Row, column: usize, wanted: &str, error: &tokio_postgres::Error) -> Error {
    let Some(about) = row.columns().get(column) else { return Error::task(explain(error)) };
    // A table has no order, so the message identifies the row by the product number.
    let product = row.try_get::<_, i32>(0).map(|number| format!(" of product {number}")).unwrap_or_default();
    let what = format!("{}{product}", about.name());
    let raw = row.try_get::<_, Raw<'_>>(column).map_or(&[][..], |raw| raw.0);
    Error::task(match (error.source(), std::str::from_utf8(raw)) {
        (Some(cause), _) if cause.is::<WasNull>() => {
            format!("{what} is NULL; give it a value, or read a view that leaves such rows out (--table)")
        }
        (Some(cause), _) if cause.is::<WrongType>() => format!(
            "{} has the type {}, but {wanted} is expected; read a view that casts it (--table)",
            about.name(),
            about.type_().name()
        ),
        (Some(_), Err(not_utf8)) => {
            let place = not_utf8.valid_up_to();
            let byte = raw.get(place).copied().unwrap_or_default();
            format!(
                "{what} is not UTF-8: byte {} is 0x{byte:02x}; correct it, or load it into a database whose encoding is UTF8",
                place + 1
            )
        }
        _ => format!("{what}: {}", explain(error)),
    })
}

/// The received bytes of a column of any type.
struct Raw<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> std::result::Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Raw(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
