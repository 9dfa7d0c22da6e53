//! Sail from PyPI: one process whose workers are local.

use crate::service::Service;
use crate::setup::{Running, Setup};
use anyhow::{Context, Result, ensure};
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

fn program(setup: &Setup) -> Result<PathBuf> {
    let program = setup.installed.join("bin/sail");
    ensure!(program.is_file(), "Sail is not installed: there is no {}; `just cluster` installs it", program.display());
    Ok(program)
}

pub(super) fn version(setup: &Setup) -> Result<String> {
    let output = Command::new(program(setup)?).arg("--version").output().context("cannot start sail")?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.split_whitespace().last().context("sail reports no version")?.to_owned())
}

pub(super) async fn start(setup: &Setup, until: Instant) -> Result<Running> {
    let folder = tempfile::tempdir().context("cannot create a folder for Sail")?;
    let (cores, workers) = (setup.cores, setup.workers());
    let mut command = Command::new(program(setup)?);
    command.args(["spark", "server", "--ip", "127.0.0.1", "--port", "0"]).envs([
        ("SAIL_MODE", "local-cluster".to_owned()),
        ("SAIL_CLUSTER__DRIVER_LISTEN_HOST", "127.0.0.1".to_owned()),
        ("SAIL_CLUSTER__WORKER_LISTEN_HOST", "127.0.0.1".to_owned()),
        ("SAIL_CLUSTER__WORKER_INITIAL_COUNT", workers.to_string()),
        ("SAIL_CLUSTER__WORKER_MAX_COUNT", workers.to_string()),
        ("SAIL_CLUSTER__WORKER_TASK_SLOTS", (4 * cores).to_string()),
        ("SAIL_EXECUTION__DEFAULT_PARALLELISM", cores.to_string()),
        // A temporary file lands in our folder, which is removed.
        ("TMPDIR", folder.path().display().to_string()),
        ("RUST_LOG", "info".to_owned()),
    ]);
    let mut server = Service::start("sail", true, &command, folder.path())?;
    let address = server.await_line(until, |line| {
        let place = line.split_once("Starting the Spark Connect server on ")?.1;
        Some(format!("sc://{}", place.trim_end_matches('.')))
    });
    let address = address.await?;
    Ok(Running { services: vec![server], address, _folder: folder })
}
