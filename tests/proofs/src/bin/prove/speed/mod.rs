//! Proofs of speed. Each figure is a ratio of two sides that one run measures in turn.

pub(crate) mod bounds;
pub(crate) mod contests;
pub(crate) mod scaling;

use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use testbed::{goldilocks, workspace};

/// The size of the book's file, unpacked.
const FULL: u64 = 1_800_000_000;

/// A file of 1-grams, made once and kept. `options` are those of `goldilocks data grams`.
fn grams(bytes: u64, options: &[&str]) -> Result<PathBuf> {
    grams_in(&workspace().join("datasets/generated"), bytes, options)
}

/// A file of 1-grams in `folder`. A separate process makes it, to keep this process's peak memory low, which later child
/// processes inherit.
fn grams_in(folder: &Path, bytes: u64, options: &[&str]) -> Result<PathBuf> {
    let mut command = Command::new(goldilocks());
    command.args(["data", "grams", "--size", &bytes.to_string(), "--data"]).arg(folder).args(options);
    let output = command.stderr(Stdio::inherit()).output().context("cannot start goldilocks")?;
    ensure!(output.status.success(), "goldilocks has made no file of {bytes} bytes");
    Ok(String::from_utf8(output.stdout)?.trim_end().into())
}
