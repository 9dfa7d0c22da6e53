//! Faults without a connection: nothing listens, or the server rejects the client.

use super::fault_server::{FaultServer, host};
use super::reading::{BINARY, Reading};
use super::report::{PASSWORD, Report};
use anyhow::{Result, bail};
use postgres::connect;
use rustix::process::Signal;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

/// Reads the products at an address.
fn products(url: String) -> Result<Reading> {
    Ok(Reading::new(url, "goldilocks.product"))
}

type Fault = super::fault::Fault<FaultServer>;

pub(super) fn faults() -> Vec<Fault> {
    vec![
        Fault::reading("a wrong password", &["guest@", "check the user and the password"], |server| {
            products(server.url_of(&format!("guest:{PASSWORD}")))
        })
        .code("28P01"),
        Fault::reading("no password", &["password missing", "put it into PGPASSWORD"], |server| {
            products(server.url_of("guest"))
        }),
        Fault::reading("an unknown user", &["nobody", "check the user"], |server| {
            products(server.url_of(&format!("nobody:{PASSWORD}")))
        })
        .code("28000"),
        Fault::reading("a missing database", &["check the database"], |server| products(server.url_to("nowhere")))
            .code("3D000"),
        Fault::reading("no server in that folder", &["/nowhere/.s.PGSQL", "is the server running there?"], |_| {
            products(format!("postgresql://guest:{PASSWORD}@%2Fnowhere/postgres"))
        }),
        Fault::reading("a socket whose server has ended", &["is the server running there?"], |_| {
            let folder = tempfile::tempdir()?;
            drop(UnixListener::bind(folder.path().join(".s.PGSQL.5432"))?);
            Ok(products(format!("postgresql://guest:{PASSWORD}@{}/postgres", host(folder.path())))?.keeping(folder))
        }),
        Fault::reading("no server at that port", &["127.0.0.1", "is the server running there?"], |_| {
            // The listener is dropped at once, which frees its port again.
            let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
            products(format!("postgresql://guest:{PASSWORD}@127.0.0.1:{port}/postgres"))
        }),
        Fault::reading("a listener that accepts and never answers", &["connect_timeout"], |_| {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            let port = listener.local_addr()?.port();
            let url = format!("postgresql://guest:{PASSWORD}@127.0.0.1:{port}/postgres?connect_timeout=1");
            Ok(products(url)?.keeping(listener))
        }),
        // The plain row stream needs only one connection.
        Fault::reading("more connections than the user may have", &["use fewer workers"], |server| {
            Ok(products(server.url_of("few"))?.in_ranges())
        })
        .code("53300")
        .only(&["sequential", "async_std", BINARY]),
        Fault::other("more connections than the server accepts", &["use fewer workers"], too_many).code("53300"),
        Fault::other("a server that is about to stop", &["again in a moment"], stopping).code("57P03"),
    ]
}

fn too_many(_: &FaultServer) -> Result<Report> {
    let server = FaultServer::bare()?;
    let mut connections = Vec::new();
    for _ in 0..1000 {
        let began = Instant::now();
        match connect(&server.url()) {
            Ok(connection) => connections.push(connection),
            Err(error) => return Ok(Report::since(began, error)),
        }
    }
    bail!("it accepts a thousand");
}

/// A server that is shutting down waits for its last session and accepts no other.
fn stopping(_: &FaultServer) -> Result<Report> {
    let server = FaultServer::bare()?;
    let last = connect(&server.url())?;
    super::fault_server::signal(server.postmaster()?, Signal::TERM)?;
    loop {
        let began = Instant::now();
        if let Err(error) = connect(&server.url()) {
            drop(last);
            return Ok(Report::since(began, error));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
