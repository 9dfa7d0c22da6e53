//! The table is not what it should be, or does not fit.

use super::place::run_at;
use super::{Fault, Place, Provoke, Reading, ToRead, Told, WAYS};
use anyhow::{Context, Result, bail, ensure};
use datasets::products::Products;
use postgres::{Environment, Server};
use std::path::Path;
use std::process::Command;
use std::time::Instant;
use tempfile::TempDir;

pub(super) fn faults() -> Vec<Fault<Place>> {
    let fault = |name, code, rows: u64, words, reading: ToRead<Place>| Fault {
        name,
        code,
        rows: Some(rows..=rows),
        words,
        provoke: Provoke::Read(&WAYS, reading),
    };
    let of = |name, code, words, provoke: Provoke<Place>| Fault { name, code: Some(code), rows: None, words, provoke };
    let mut faults = vec![
        fault("no such table", Some("42P01"), 0, &["check the name of the table"], |place| {
            Ok(Reading::new(place.url(), "goldilocks.nothing"))
        }),
        fault("no such schema", Some("42P01"), 0, &["check the name of the table"], |place| {
            Ok(Reading::new(place.url(), "nowhere.product"))
        }),
        fault("no such column", Some("42703"), 0, &["product_id (integer)", "product_name (text)"], |place| {
            Ok(Reading::new(place.url(), "goldilocks.no_name"))
        }),
        fault("a table that the user may not read", Some("42501"), 0, &["grant that"], |place| {
            Ok(Reading::new(place.url_of("stranger"), "goldilocks.product"))
        }),
        fault("a column of another type", None, 0, &["product_id", "int8", "integer is expected"], |place| {
            Ok(Reading::new(place.url(), "goldilocks.long_number"))
        }),
        fault("a name that is NULL", None, 2, &["product_name of product 3 is NULL"], |place| {
            Ok(Reading::new(place.url(), "goldilocks.nameless"))
        }),
        fault("a name that is not UTF-8", Some("22021"), 2, &["0xe9", "whose encoding is UTF8"], |place| {
            Ok(Reading::new(place.url_to("bytes"), "latin"))
        }),
        of(
            "no such table to be split",
            "42P01",
            &["cannot split goldilocks.nothing", "check the name of the table"],
            Provoke::Read(&["sequential", "async_std"], |place| {
                Ok(Reading::new(place.url(), "goldilocks.nothing").in_ranges())
            }),
        ),
        of("the snapshot is gone", "22023", &["keep its connection open"], Provoke::Do(snapshot_gone)),
    ];
    // A disk that can be filled without harm has to be mounted first, which only the administrator may.
    match Disk::mount() {
        Ok(_) => faults.push(of("the disk is full", "53100", &["free space on the server's disk"], Provoke::Do(full))),
        Err(reason) => println!("the disk is full: NOT TRIED, for no small disk can be had here: {reason:#}"),
    }
    faults
}

/// Ends the session that has exported the snapshot while its ranges are read.
fn snapshot_gone(place: &Place) -> Result<Told> {
    let url = format!("{}?application_name=leader", place.url());
    let reading = Reading::new(url, "goldilocks.product").in_ranges();
    reading.interrupted(|| place.end("leader"))
}

/// A file system in memory.
struct Disk(TempDir);

impl Disk {
    fn mount() -> Result<Disk> {
        let environment = Environment::of_this_process();
        let user = environment.runs_as.context("this takes the administrator's rights")?;
        let disk = tempfile::Builder::new().prefix("gl-disk-").tempdir()?;
        let options = format!("size=2m,mode=700,uid={},gid={}", user.uid, user.gid);
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(disk.path()).output()?;
        ensure!(mounted.status.success(), "{}", String::from_utf8_lossy(&mounted.stderr));
        Ok(Disk(disk))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily, for the server may still hold a file. If it fails, removing the folder fails too, and it stays.
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

/// Loads more products than fit.
fn full(place: &Place) -> Result<Told> {
    let disk = Disk::mount()?;
    let location = disk.path().display();
    place.run(&format!("CREATE TABLESPACE small LOCATION '{location}'"))?;
    let server = Server::at(&place.url_with("default_tablespace=small"))?;
    let began = Instant::now();
    let told = match server.load(&Products::new(1, 100_000)?) {
        Ok(loaded) => bail!("{} rows fit", loaded.rows),
        Err(error) => Told::since(began, error),
    };
    server.stop()?;
    run_at(&place.url(), "DROP TABLESPACE small")?;
    Ok(told)
}
