//! Opens a connection to PostgreSQL.

use std::time::{Duration, Instant};

use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config, NoTls};

use crate::driver::Driver;
use crate::error::ConnectError;
use crate::explain::explain;
use crate::socket::{self, Socket};

/// The time limit for connecting and for the first answer, unless the address sets `connect_timeout`.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connects to the server at `url` (`postgresql://…` or `key=value …`) from this thread.
///
/// Nothing happens on the connection except while [`Driver::block_on`] runs. It uses these parts of the address: user,
/// password, database, options, application name, hosts and ports (tried in order) and `connect_timeout`. There is no TLS.
///
/// # Errors
///
/// The address cannot be parsed, no server answers, or the server rejects the connection.
pub fn connect(url: &str) -> Result<(Client, Driver), ConnectError> {
    let config: Config = url.parse().map_err(|error| ConnectError::Address { reason: explain(&error) })?;
    let address = masked(&config);
    if config.get_ssl_mode() == SslMode::Require {
        let reason = "it sets sslmode=require, but TLS is not supported; use a Unix socket or a trusted network";
        return Err(ConnectError::Server { address, reason: reason.into() });
    }
    let failed = |reason: String| ConnectError::Server { address: address.clone(), reason };
    let deadline = Instant::now() + config.get_connect_timeout().copied().unwrap_or(PATIENCE);

    let socket = Socket::open(&config, deadline).map_err(&failed)?;
    let mut driver = Driver::new(&socket).map_err(|error| failed(error.to_string()))?;
    match driver.block_on_until(deadline, config.connect_raw(socket, NoTls)) {
        Some(Ok((client, connection))) => {
            driver.set_connection(connection);
            Ok((client, driver))
        }
        Some(Err(error)) => Err(failed(explain(&error))),
        None => Err(failed(
            "it accepted the connection but did not answer in time; is it PostgreSQL? connect_timeout in the address allows \
             more time"
                .into(),
        )),
    }
}

/// The address without its password: user, hosts, ports and database.
pub fn masked(config: &Config) -> String {
    let user = config.get_user().map(|user| format!("{user}@")).unwrap_or_default();
    let hosts: Vec<String> = socket::hosts(config)
        .map(|(host, port)| match host {
            Host::Tcp(name) => format!("{name}:{port}"),
            Host::Unix(folder) => socket::path(folder, port).display().to_string(),
        })
        .collect();
    let database = config.get_dbname().map(|name| format!(" (database {name})")).unwrap_or_default();
    format!("{user}{}{database}", hosts.join(","))
}
