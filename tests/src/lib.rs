//! Shared helpers of tests: the path of the program, a folder to run it in, started workers.

pub mod sandbox;

use datasets::ngrams::Recipe;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::OnceLock;
use strategies::{Outcome, Setup, Strategy, WorkerCommand, Workers};
use tasks::Inputs;

/// The workspace's folder.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate is a folder of the workspace")
}

/// The binary `goldilocks`, built in the profile of the tests.
pub fn goldilocks() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| built("harness", "--bin", "goldilocks"))
}

/// The binary `sabotaged`: `goldilocks` with the cheats and instruments of the package `proofs`.
pub fn sabotaged() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| built("proofs", "--bin", "sabotaged"))
}

/// An example of a package.
pub fn example(package: &str, example: &str) -> PathBuf {
    built(package, "--example", example)
}

/// Builds a binary or an example of a package unless it is up to date, and returns its path. Cargo gives a test only the paths
/// of its own package's binaries.
fn built(package: &str, kind: &str, binary: &str) -> PathBuf {
    // `.ci/test` sets this variable, because it has built every package at once. Building one alone would compile many
    // libraries again, with fewer features.
    if std::env::var_os("GOLDILOCKS_BUILT").is_none() {
        let profile: &[&str] = if cfg!(debug_assertions) { &[] } else { &["--release"] };
        let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["build", "--quiet", "--package", package, kind, binary])
            .args(profile)
            .current_dir(workspace())
            .status();
        assert!(built.is_ok_and(|status| status.success()), "`{binary}` does not build");
    }
    // This test's executable is in the binary's folder or in `deps` below it.
    let own = std::env::current_exe().expect("a test knows its own file");
    let folder = if kind == "--example" { "examples" } else { "" };
    let mut folders = own.ancestors().skip(1).map(|parent| parent.join(folder).join(binary));
    folders.find(|program| program.is_file()).expect("the binary is where cargo puts it")
}

/// The command with which the strategy `processes` starts a worker process in a test.
pub fn worker_for(task: &str, inputs: &Inputs) -> WorkerCommand {
    let program = goldilocks();
    harness::measure::worker::command(program.to_owned(), program.into(), task, inputs)
        .expect("inputs can be written down")
}

/// A nonzero number of workers or items.
pub fn nonzero(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).expect("tests use at least one worker, and one item per partition")
}

/// Starts a strategy's workers for a task.
pub fn start(task: &str, inputs: &Inputs, strategy: &Strategy, workers: usize) -> Box<dyn Workers> {
    let worker = Some(worker_for(task, inputs));
    strategy.start(&Setup { workers: nonzero(workers), worker }).expect("workers can be started")
}

/// The whole total of a run, as a task writes it to a file.
pub fn written(outcome: &Outcome) -> Vec<u8> {
    let mut written = Vec::new();
    outcome.write(&mut written).expect("memory takes it");
    written
}

/// Whether a sweep finished. Status 0 means that all samples are verified, and 3 that some are not.
pub fn completed(sweep: ExitStatus) -> bool {
    matches!(sweep.code(), Some(0 | 3))
}

/// A generated 1-gram file of about `bytes` bytes. It is made once and kept.
pub fn grams(bytes: u64) -> PathBuf {
    let recipe = Recipe { bytes, ..Recipe::default() };
    recipe.file(&workspace().join("datasets/generated"), &mut |_| ()).expect("a file can be made")
}
