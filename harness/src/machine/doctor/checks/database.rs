//! Checks the settings of the database server.

use super::finding::{Finding, ok, unknown, warn};
use crate::machine::doctor::observations::Observations;

/// Checks that the server answers from memory and does not log statements.
pub(super) fn settings(observations: &Observations) -> Finding {
    let settings = match &observations.database {
        None => return unknown("no database server is running yet"),
        Some(Err(reason)) => return unknown(format!("the database server does not report its settings: {reason}")),
        Some(Ok(settings)) => settings,
    };
    let buffers = settings.buffer_bytes >> 20;
    if settings.logged == "all" {
        return warn("the database server logs every statement: set log_statement to none");
    }
    match settings.table_bytes {
        None => ok(format!("the database server has {buffers} MiB of buffers")),
        Some(table) if table > settings.buffer_bytes => warn(format!(
            "the database server has {buffers} MiB of buffers for a table of {} MiB, so it reads pages again and again: \
             raise shared_buffers, or lower --rows",
            table >> 20
        )),
        Some(table) => ok(format!(
            "the database server answers from memory: {} MiB of table in {buffers} MiB of buffers",
            table >> 20
        )),
    }
}
