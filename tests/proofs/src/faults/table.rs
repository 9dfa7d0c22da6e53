//! Faults of the table or of SQL that misuses a cursor. The types of `cursor` rule such misuse out at compile time.

use super::fault::at_table;
use super::fault_server::FaultServer;
use super::fault_server::run_at;
use super::reading::Reading;
use super::report::Report;
use anyhow::{Context, Result, bail, ensure};
use datasets::products::Products;
use postgres::{Environment, Server};
use std::path::Path;
use std::process::Command;
use std::time::Instant;
use tempfile::TempDir;

type Fault = super::fault::Fault<FaultServer>;

pub(super) fn faults() -> Vec<Fault> {
    let mut faults = vec![
        at_table!("no such table", "goldilocks.nothing", ["check the name of the table"]).code("42P01").rows(0..=0),
        at_table!("no such schema", "nowhere.product", ["check the name of the table"]).code("42P01").rows(0..=0),
        at_table!("no such column", "goldilocks.no_name", ["product_id (integer)", "product_name (text)"])
            .code("42703")
            .rows(0..=0),
        at_table!("another type", "goldilocks.long_number", ["product_id", "int8", "integer is expected"]).rows(0..=0),
        at_table!("a name that is NULL", "goldilocks.nameless", ["product_name of product 3 is NULL"]).rows(2..=2),
        Fault::reading("a table that the user may not read", &["grant that"], |server| {
            Ok(Reading::new(server.url_of("stranger"), "goldilocks.product"))
        })
        .code("42501")
        .rows(0..=0),
        Fault::reading("a name that is not UTF-8", &["0xe9", "whose encoding is UTF8"], |server| {
            Ok(Reading::new(server.url_to("bytes"), "latin"))
        })
        .code("22021")
        .rows(2..=2),
        Fault::reading(
            "no such table to split",
            &["cannot split \"goldilocks\".\"nothing\"", "check the name of the table"],
            |server| Ok(Reading::new(server.url(), "goldilocks.nothing").in_ranges()),
        )
        .code("42P01")
        .only(&["sequential", "async_std"]),
        Fault::other("the snapshot has ended", &["keep its connection open"], snapshot_ended).code("22023"),
        Fault::other("a cursor outside of a transaction", &["open both"], |server| {
            rejected(server, "DECLARE outside CURSOR FOR SELECT 1")
        })
        .code("25P01"),
        Fault::other("a cursor after its transaction", &["a cursor ends with its transaction"], |server| {
            rejected(server, "BEGIN; DECLARE inside CURSOR FOR SELECT 1; COMMIT; FETCH 1 FROM inside")
        })
        .code("34000"),
        Fault::other("backward without SCROLL", &["hint: Declare it with SCROLL"], |server| {
            let declare = "BEGIN; DECLARE onward NO SCROLL CURSOR FOR SELECT 1; FETCH 1 FROM onward";
            rejected(server, &format!("{declare}; FETCH BACKWARD 1 FROM onward"))
        })
        .code("55000"),
    ];
    // To fill a disk, the test mounts a small one, which needs root.
    match Disk::mount() {
        Ok(_) => {
            faults.push(Fault::other("the disk is full", &["free space on the server's disk"], disk_full).code("53100"))
        }
        Err(reason) => println!("the disk is full: NOT TRIED, because no small disk can be mounted here: {reason:#}"),
    }
    faults
}

/// Runs statements that must fail.
fn rejected(server: &FaultServer, statements: &str) -> Result<Report> {
    let began = Instant::now();
    match run_at(&server.url(), statements) {
        Ok(()) => bail!("the server accepts it"),
        Err(error) => Ok(Report::since(began, error)),
    }
}

/// Ends the session that exported the snapshot while its ranges are read.
fn snapshot_ended(server: &FaultServer) -> Result<Report> {
    let reading = Reading::new(server.url_as("leader"), "goldilocks.product").in_ranges();
    reading.interrupted(|| server.end("leader"))
}

/// A file system in memory.
struct Disk(TempDir);

impl Disk {
    fn mount() -> Result<Disk> {
        let environment = Environment::of_this_process();
        let user = environment.runs_as.context("this takes root")?;
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
        // The unmount is lazy because the server may still hold a file open. If it fails, the folder remains.
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

/// Loads more products than the disk can hold.
fn disk_full(server: &FaultServer) -> Result<Report> {
    let disk = Disk::mount()?;
    let location = disk.path().display();
    server.run(&format!("CREATE TABLESPACE small LOCATION '{location}'"))?;
    let loader = Server::at(&server.url_with("default_tablespace=small"))?;
    let began = Instant::now();
    let report = match loader.load(&Products::new(1, 100_000)?) {
        Ok(loaded) => bail!("{} rows fit", loaded.rows),
        Err(error) => Report::since(began, error),
    };
    loader.stop()?;
    run_at(&server.url(), "DROP TABLESPACE small")?;
    Ok(report)
}
