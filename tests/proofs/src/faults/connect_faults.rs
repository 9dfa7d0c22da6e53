//! There is no connection: nobody is there, or whoever is there turns us away.

use super::{BINARY, Fault, PASSWORD, Place, Provoke, Reading, ToRead, Told, WAYS, host};
use anyhow::{Result, bail};
use postgres::connect;
use rustix::process::Signal;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

const TABLE: &str = "goldilocks.product";

pub(super) fn faults() -> Vec<Fault<Place>> {
    let fault = |name, code, words, reading: ToRead<Place>| Fault {
        name,
        code,
        rows: None,
        words,
        provoke: Provoke::Read(&WAYS, reading),
    };
    let of = |name, code, words, provoke: Provoke<Place>| Fault { name, code, rows: None, words, provoke };
    vec![
        fault("a wrong password", Some("28P01"), &["guest@", "check the user and the password"], |place| {
            Ok(Reading::new(place.url_of(&format!("guest:{PASSWORD}")), TABLE))
        }),
        fault("no password", None, &["password missing", "put it into the address"], |place| {
            Ok(Reading::new(place.url_of("guest"), TABLE))
        }),
        fault("a user who is not known", Some("28000"), &["nobody", "check the user"], |place| {
            Ok(Reading::new(place.url_of(&format!("nobody:{PASSWORD}")), TABLE))
        }),
        fault("a database that is not there", Some("3D000"), &["check the database"], |place| {
            Ok(Reading::new(place.url_to("nowhere"), TABLE))
        }),
        fault("no server in that folder", None, &["/nowhere/.s.PGSQL", "is the server running there?"], |_| {
            let url = format!("postgresql://guest:{PASSWORD}@%2Fnowhere/postgres");
            Ok(Reading::new(url, TABLE))
        }),
        fault("a socket whose server has gone", None, &["is the server running there?"], |_| {
            let folder = tempfile::tempdir()?;
            drop(UnixListener::bind(folder.path().join(".s.PGSQL.5432"))?);
            let url = format!("postgresql://guest:{PASSWORD}@{}/postgres", host(folder.path()));
            Ok(Reading::new(url, TABLE).keeping(folder))
        }),
        fault("nobody at that port", None, &["127.0.0.1", "is the server running there?"], |_| {
            // It was free a moment ago.
            let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
            Ok(Reading::new(format!("postgresql://guest:{PASSWORD}@127.0.0.1:{port}/postgres"), TABLE))
        }),
        fault("somebody who takes the connection and says nothing", None, &["connect_timeout"], |_| {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            let port = listener.local_addr()?.port();
            let url = format!("postgresql://guest:{PASSWORD}@127.0.0.1:{port}/postgres?connect_timeout=1");
            Ok(Reading::new(url, TABLE).keeping(listener))
        }),
        // The plain row stream needs one connection only.
        of(
            "more connections than the user may have",
            Some("53300"),
            &["use fewer workers"],
            Provoke::Read(&["sequential", "async_std", BINARY], |place| {
                Ok(Reading::new(place.url_of("few"), TABLE).in_ranges())
            }),
        ),
        of("more connections than the server takes", Some("53300"), &["use fewer workers"], Provoke::Do(crowd)),
        of("a server that is about to stop", Some("57P03"), &["again in a moment"], Provoke::Do(closing_time)),
    ]
}

fn crowd(_: &Place) -> Result<Told> {
    let place = Place::bare()?;
    let mut connections = Vec::new();
    for _ in 0..1000 {
        let began = Instant::now();
        match connect(&place.url()) {
            Ok(connection) => connections.push(connection),
            Err(error) => return Ok(Told::since(began, error)),
        }
    }
    bail!("it takes a thousand");
}

/// A server that was asked to stop waits for its last session and lets nobody else in.
fn closing_time(_: &Place) -> Result<Told> {
    let place = Place::bare()?;
    let last = connect(&place.url())?;
    super::place::signal(place.postmaster()?, Signal::TERM)?;
    loop {
        let began = Instant::now();
        if let Err(error) = connect(&place.url()) {
            drop(last);
            return Ok(Told::since(began, error));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
