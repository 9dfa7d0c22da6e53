//! Opens a connection to PostgreSQL.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::address::{Address, SessionAttributes, Target};
use crate::driver::Driver;
use crate::error::ConnectError;
use crate::explain::explain;
use crate::passfile;
use crate::socket::Socket;

/// Connects to the server at `url` (`postgresql://…` or `key=value …`) from this thread.
///
/// Nothing happens on the connection except while [`Driver::block_on`] runs. Each setting of the address is used as libpq
/// uses it, or refused by name; there is no TLS. Only the address counts: environment variables are read by
/// [`Address::given`].
///
/// # Errors
///
/// The address cannot be used, no server answers, or the server rejects the connection.
pub fn connect(url: &str) -> Result<(Client, Driver), ConnectError> {
    open(url, None, Duration::MAX)
}

/// As [`connect`], but waits for each host no longer than `limit`, whatever the address says.
///
/// # Errors
///
/// As [`connect`].
pub fn connect_within(limit: Duration, url: &str) -> Result<(Client, Driver), ConnectError> {
    open(url, None, limit)
}

/// As [`connect`], but once `stop` is true every wait ends: that for the connection, and later those of the driver.
///
/// # Errors
///
/// As [`connect`]; and when `stop` has become true.
pub fn connect_unless(stop: &Arc<AtomicBool>, url: &str) -> Result<(Client, Driver), ConnectError> {
    open(url, Some(stop), Duration::MAX)
}

fn open(url: &str, stop: Option<&Arc<AtomicBool>>, limit: Duration) -> Result<(Client, Driver), ConnectError> {
    let mut address = Address::parse(url)?;
    address.patience = address.patience.min(limit);
    let several = address.targets.len() > 1;
    let mut reasons = Vec::new();
    // A standby is only preferred: without one, any server will do.
    let rounds: &[SessionAttributes] = match address.session {
        SessionAttributes::PreferStandby => &[SessionAttributes::Standby, SessionAttributes::Any],
        ref session => std::slice::from_ref(session),
    };
    for session in rounds {
        reasons.clear();
        for target in &address.targets {
            let refused = match to(target, &address, *session, stop) {
                Ok(connection) => return Ok(connection),
                Err(refused) => refused,
            };
            reasons.push(match several {
                true => format!("{}: {}", target.shown(), refused.reason),
                false => refused.reason,
            });
            if refused.last {
                break;
            }
        }
    }
    Err(ConnectError::Server { address: address.shown(), reason: reasons.join("; ") })
}

/// Why there is no connection to one host.
struct Refused {
    reason: String,
    /// Whether the other hosts are not tried, because the server has rejected this user, password or database.
    last: bool,
}

fn to(
    target: &Target,
    address: &Address,
    session: SessionAttributes,
    stop: Option<&Arc<AtomicBool>>,
) -> Result<(Client, Driver), Refused> {
    let next = |reason: String| Refused { reason, last: false };
    let deadline = Instant::now() + address.patience;
    let socket = Socket::open(target, &address.keepalive, deadline, stop.map(|stop| &**stop)).map_err(next)?;
    let mut driver = Driver::new(&socket).map_err(|error| next(error.to_string()))?;
    if let Some(stop) = stop {
        driver.stop_once(Arc::clone(stop));
    }
    let mut login = address.login.clone();
    let mut remark = String::new();
    if let (None, Some(file)) = (login.get_password(), address.password_file()) {
        let user = login.get_user().map_or_else(|| whoami::username().unwrap_or_default(), str::to_owned);
        let database = login.get_dbname().unwrap_or(&user);
        match passfile::password(file, target, database, &user) {
            Ok(password) => drop(login.password(password)),
            // It matters only if the server asks for a password.
            Err(reason) => remark = format!("; {reason}"),
        }
    }
    let (client, connection) = match driver.block_on_until(deadline, login.connect_raw(socket, NoTls)) {
        Some(Ok(connected)) => connected,
        Some(Err(error)) => {
            // As libpq: a server that is starting or stopping sends us to the next.
            let last = error.code().is_some_and(|code| *code != SqlState::CANNOT_CONNECT_NOW);
            return Err(Refused { reason: explain(&error) + &remark, last });
        }
        None if driver.is_stopped() => return Err(next("interrupted".into())),
        None => {
            return Err(next(
                "it accepted the connection but did not answer in time; is it PostgreSQL? connect_timeout in the address \
                 allows more time"
                    .into(),
            ));
        }
    };
    driver.set_connection(connection);
    if let Some(reason) = unwanted(&client, &mut driver, session, deadline)? {
        return Err(next(reason));
    }
    Ok((client, driver))
}

/// Why this server is not the one that `target_session_attrs` asks for.
fn unwanted(
    client: &Client,
    driver: &mut Driver,
    session: SessionAttributes,
    deadline: Instant,
) -> Result<Option<String>, Refused> {
    if session == SessionAttributes::Any {
        return Ok(None);
    }
    let next = |reason: String| Refused { reason, last: false };
    // A simple query, because a pooler may not know prepared statements.
    let question = "SELECT current_setting('transaction_read_only'), pg_is_in_recovery()";
    let answer = driver
        .block_on_until(deadline, client.simple_query(question))
        .ok_or_else(|| next("it did not say in time whether it may be written to".into()))?
        .map_err(|error| next(driver.explain(&error)))?;
    let row = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let said = |column, word| row.and_then(|row| row.get(column)).is_some_and(|value| value == word);
    let (read_only, standby) = (said(0, "on"), said(1, "t"));
    let (fits, wanted) = match session {
        SessionAttributes::ReadWrite => (!read_only, "read-write"),
        SessionAttributes::ReadOnly => (read_only, "read-only"),
        SessionAttributes::Primary => (!standby, "primary"),
        SessionAttributes::Standby | SessionAttributes::PreferStandby => (standby, "standby"),
        SessionAttributes::Any => (true, "any"),
    };
    let is = match (standby, read_only) {
        (true, _) => "a standby",
        (false, true) => "read-only",
        (false, false) => "read-write, and no standby",
    };
    Ok((!fits).then(|| format!("it is {is}, but the address sets target_session_attrs={wanted}")))
}
