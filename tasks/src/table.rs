//! The table on a PostgreSQL server that both cursor tasks read: its options and its preparation.

use crate::{
    Data, Database, Hooks, Inputs, Preparation, PreparedServer, Secrets, Sizing, TableName, Unprepared, named,
};
use clap::builder::{OsStringValueParser, TypedValueParser};
use cursor::Address;
use datasets::products::{BYTES_PER_ROW, Products};
use postgres::{Environment, GivenServer, Limits, Server};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use strategies::{Error, Result};

/// The options of both cursor tasks.
#[derive(Debug, Clone, PartialEq, clap::Args, Serialize, Deserialize)]
#[group(id = "cursor_pages")]
pub struct Options {
    /// cursor_*: the server to use, instead of a private one; the harness makes a schema there and drops it. Other users
    /// see this option in `ps`: keep a password in DATABASE_URL, PGPASSWORD or the file PGPASSFILE
    #[arg(long, env = VARIABLE, hide_env_values = true, value_name = "URL", value_parser = lossy(), help_heading = "Task options")]
    pub database_url: Option<String>,
    /// cursor_*: an existing table with product_id and product_name, instead of one made for the run
    #[arg(long, value_name = "SCHEMA.TABLE", value_parser = table_name, help_heading = "Task options")]
    pub table: Option<String>,
    /// cursor_*: how many rows the table made for the run has [default: 50000; a sweep fits it to the machine]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..), value_name = "N", help_heading = "Task options")]
    pub rows: Option<u64>,
    /// cursor_*: how many pages of a cursor are in flight, including the one in use; asyncpg has 1
    #[arg(long, default_value_t = DEPTH, value_parser = clap::value_parser!(u32).range(1..=32), value_name = "N", help_heading = "Task options")]
    pub depth: u32,
    /// cursor_*: seconds without server traffic after which a run fails; 0 waits for ever. A server is also silent while a
    /// view sorts its rows
    #[arg(long, default_value_t = SILENCE, value_parser = seconds, value_name = "SECONDS", help_heading = "Task options")]
    #[serde(default = "silence")]
    pub silence: f64,
    /// Whether the server and the table are prepared, so that the address is complete. No plan can claim that.
    #[arg(skip)]
    #[serde(skip)]
    pub prepared: bool,
    /// Whether the user has named the table.
    #[arg(skip)]
    #[serde(skip)]
    pub given: bool,
}

/// The variable that names a server.
const VARIABLE: &str = "DATABASE_URL";

/// The option that names a server.
const OPTION: &str = "--database-url";

/// Takes an address even if it is not UTF-8, because the variable may belong to another program. Only the tasks that
/// use the address refuse it.
fn lossy() -> impl TypedValueParser<Value = String> {
    OsStringValueParser::new().map(|address| address.to_string_lossy().into_owned())
}

/// Checks the name of a table, and keeps it as the user has written it.
fn table_name(text: &str) -> std::result::Result<String, String> {
    TableName::parse(text).map(|_| text.to_owned())
}

/// The default time limit of silence in seconds. It must not end a run that would succeed, so it is far longer than a
/// view needs to sort some million rows. Without a limit, a run waits for ever if the network loses every packet.
const SILENCE: f64 = 60.0;

/// The longest time limit of silence in seconds, 31 years. A longer one does not fit into every type of time.
const MOST_SILENCE: f64 = 1e9;

fn silence() -> f64 {
    SILENCE
}

fn seconds(text: &str) -> std::result::Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    match (0.0..=MOST_SILENCE).contains(&seconds) {
        true => Ok(seconds),
        false => Err(format!("expected 0 to {MOST_SILENCE} seconds")),
    }
}

const ROWS: u64 = 50_000;
const DEPTH: u32 = cursor::DEFAULT_DEPTH as u32;

/// The seed of the rows.
const SEED: u64 = 1;

impl Default for Options {
    fn default() -> Self {
        let (prepared, given) = (false, false);
        Options { database_url: None, table: None, rows: None, depth: DEPTH, silence: SILENCE, prepared, given }
    }
}

impl Options {
    /// Returns the address of the server. An empty variable names no server.
    fn address(&self) -> Option<&str> {
        self.database_url.as_deref().filter(|address| !address.is_empty())
    }

    /// Returns what names the server: the option or the variable.
    fn origin(&self) -> &'static str {
        let variable = std::env::var_os(VARIABLE).map(|address| address.to_string_lossy().into_owned());
        if self.address().is_some() && variable.as_deref() == self.address() { VARIABLE } else { OPTION }
    }

    /// Explains an error of the given server: where its address comes from, and what happens without it.
    fn explain(&self, error: &postgres::Error) -> String {
        match (self.address(), self.origin(), &self.table) {
            (None, ..) => error.to_string(),
            (Some(_), origin, Some(_)) => format!("{error}. The address comes from {origin}"),
            (Some(_), VARIABLE, None) => {
                format!("{error}. The address comes from {VARIABLE}; unset it, and a private server is started instead")
            }
            (Some(_), origin, None) => {
                format!("{error}. The address comes from {origin}; without it, a private server is started")
            }
        }
    }

    /// Returns the number of rows of a table of our own.
    fn rows(&self) -> u64 {
        self.rows.unwrap_or(ROWS)
    }

    /// Returns the time that the server may be silent; `None` for no limit.
    pub(crate) fn patience(&self) -> Option<Duration> {
        Duration::try_from_secs_f64(self.silence).ok().filter(|limit| !limit.is_zero())
    }

    /// Returns the address of the server and the table. `task` is the name for error messages.
    pub(crate) fn place(&self, task: &str) -> Result<(String, TableName)> {
        let missing =
            |what| Error::task(format!("{task} does not know {what}; run it with `goldilocks`, which prepares it"));
        let url = self.address().ok_or_else(|| missing("the server's address"))?.to_owned();
        let table = self.table.as_deref().ok_or_else(|| missing("the table's name"))?;
        Ok((url, TableName::parse(table).map_err(Error::task)?))
    }
}

/// Returns the query that streams a table.
pub(crate) fn every_row(table: &TableName) -> String {
    format!("SELECT product_id, product_name FROM {table}")
}

/// Returns the options for the record: the table that the user names, or the number of rows of a table of our own. The
/// latter has another name in every run, and the answer of the former counts its rows.
pub(crate) fn options(inputs: &Inputs) -> BTreeMap<String, String> {
    let options = &inputs.cursor_pages;
    let given = options.table.as_ref().filter(|_| options.given);
    let what = given.map_or(("rows", options.rows().to_string()), |table| ("table", table.clone()));
    named::options([what, ("depth", options.depth.to_string())])
}

/// The size of the table. Both tasks read one table, so it has as many rows as the task that needs more of them.
pub(crate) const SIZING: Sizing = Sizing {
    unit: "rows",
    least: 10_000,
    most: 5_000_000,
    // On the disk a row has a header and an index entry, and the server keeps it in its own memory as well.
    bytes_per_unit: 4 * BYTES_PER_ROW,
    speed_up: |cores| cores,
    work: |inputs| {
        let Options { table, rows, .. } = &inputs.cursor_pages;
        (rows.is_none() && table.is_none()).then_some(ROWS)
    },
    set: |inputs, work, _| inputs.cursor_pages.rows = Some(inputs.cursor_pages.rows.unwrap_or(0).max(work)),
    grow: |inputs, factor| inputs.cursor_pages.rows = Some(inputs.cursor_pages.rows().saturating_mul(factor)),
    // The number of rows in a table that the user names is not known.
    items: |inputs| if inputs.cursor_pages.given { 0 } else { inputs.cursor_pages.rows() },
};

/// The hooks of a task that reads the table.
pub(crate) const HOOKS: Hooks = Hooks {
    install,
    prepare,
    data,
    secrets: Secrets {
        options: &["database-url"],
        copy: |from, to| to.cursor_pages.database_url.clone_from(&from.cursor_pages.database_url),
    },
    ..Hooks::NONE
};

/// Installs PostgreSQL unless the user names a server or this machine has one.
fn install(inputs: &Inputs) -> std::result::Result<(), String> {
    let environment = Environment::of_this_process();
    if inputs.cursor_pages.address().is_some() || postgres::discovery::find(&environment).is_ok() {
        return Ok(());
    }
    postgres::install::install(&environment).map(drop).map_err(|error| error.to_string())
}

fn data(inputs: &Inputs) -> Data {
    let options = &inputs.cursor_pages;
    let database =
        options.address().map(|address| Database { url: complete(options, address), table: options.table.clone() });
    Data { database, bytes: options.rows().saturating_mul(BYTES_PER_ROW), ..Data::default() }
}

/// Returns the address with the settings that it takes from the environment.
fn complete(options: &Options, address: &str) -> String {
    let given = Address::given(address, |name| std::env::var(name).ok());
    given.ok().filter(|_| !options.prepared).map_or_else(|| address.to_owned(), |given| given.text())
}

/// Starts a server, or makes a schema on the given server, and loads the table there. If the user names a table, it
/// must already exist. The second cursor task uses the preparation of the first.
fn prepare(preparation: &mut Preparation) -> std::result::Result<(), Unprepared> {
    const SERVER: &str = "server";
    let options = &mut preparation.inputs.cursor_pages;
    if options.prepared {
        return Ok(());
    }
    if let Some(reason) = preparation.unavailable.get(SERVER) {
        return Err(Unprepared::Skip(reason.clone()));
    }
    let visible = options.address().filter(|_| options.origin() == OPTION);
    if visible.is_some_and(|address| Address::parse(address).is_ok_and(|address| address.has_password())) {
        (preparation.say)(
            "warning: other users of this machine see the password of --database-url in `ps`; put the address into \
             DATABASE_URL, or the password into PGPASSWORD or the file that PGPASSFILE names",
        );
    }
    let mut environment = Environment::of_this_process();
    environment.address = options.address().map(str::to_owned);
    environment.limits = Limits { stop: Some(preparation.stop.clone()), silence: options.patience() };
    let mut unavailable = |reason: String| {
        preparation.unavailable.insert(SERVER, reason.clone());
        Unprepared::Skip(reason)
    };
    if let Some(table) = &options.table {
        let address = given(options, table).map_err(Unprepared::Fail)?;
        let found = GivenServer::find(address, &environment.limits);
        let found = found.map_err(|error| unavailable(options.explain(&error)))?;
        preparation.notes.insert(SERVER.to_owned(), found.about);
        preparation.servers.push(Box::new(TableOfOthers { url: found.url.clone() }));
        options.database_url = Some(found.url);
        (options.prepared, options.given) = (true, true);
        return Ok(());
    }
    let server = start(options, &environment, preparation.folder, preparation.say).map_err(unavailable)?;
    preparation.notes.insert(SERVER.to_owned(), server.about().to_owned());
    options.database_url = Some(server.url());
    options.table = Some(server.table::<Products>());
    options.prepared = true;
    preparation.servers.push(Box::new(OwnTable { server, rows: options.rows() }));
    Ok(())
}

/// A server with the table that we have loaded.
struct OwnTable {
    server: Server,
    rows: u64,
}

impl PreparedServer for OwnTable {
    fn is_alive(&self) -> bool {
        self.server.is_alive()
    }

    fn revive(&mut self) -> std::result::Result<(), String> {
        let products = Products::new(SEED, self.rows).map_err(|error| error.to_string())?;
        self.server.revive(&products).map(drop).map_err(|error| error.to_string())
    }

    fn stop(self: Box<Self>) -> std::result::Result<(), String> {
        self.server.stop().map_err(|error| format!("cannot take the database down: {error}"))
    }
}

/// A server with a table that the user has named.
struct TableOfOthers {
    url: String,
}

impl PreparedServer for TableOfOthers {
    fn is_alive(&self) -> bool {
        cursor::connect(&self.url).is_ok()
    }

    fn revive(&mut self) -> std::result::Result<(), String> {
        Err("it is not ours, so only its owner can start it".to_owned())
    }

    fn stop(self: Box<Self>) -> std::result::Result<(), String> {
        Ok(())
    }
}

/// Returns the address of the server with a table that the user names.
fn given<'a>(options: &'a Options, table: &str) -> std::result::Result<&'a str, String> {
    TableName::parse(table).map_err(|reason| format!("--table {table}: {reason}"))?;
    options
        .address()
        .ok_or_else(|| format!("--table names an existing table; say on which server, by {OPTION} or {VARIABLE}"))
}

fn start(
    options: &Options,
    environment: &Environment,
    folder: &Path,
    say: &dyn Fn(&str),
) -> std::result::Result<Server, String> {
    let products = Products::new(SEED, options.rows()).map_err(|error| error.to_string())?;
    let (server, loaded) = Server::with(environment, &products, folder).map_err(|error| options.explain(&error))?;
    server.remarks().iter().for_each(|remark| say(remark));
    say(server.about());
    let (copying, settling) = (loaded.copying.as_secs_f64(), loaded.settling.as_secs_f64());
    let how = if loaded.kept { "copied with the server's files, kept from an earlier load" } else { "loaded" };
    say(&format!("{} products, {how} in {copying:.1} s, settled in {settling:.1} s", loaded.rows));
    Ok(server)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_address_names_no_server() {
        let address = |url: Option<&str>| {
            let options = Options { database_url: url.map(str::to_owned), ..Options::default() };
            options.address().map(str::to_owned)
        };
        assert_eq!([address(None), address(Some(""))], [None, None]);
        assert_eq!(address(Some("host=/run")).as_deref(), Some("host=/run"));
    }
}
