//! Shared helpers of tests that run the whole program: its path, and a folder to run it in.

pub mod sandbox;

use datasets::ngrams::Recipe;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::OnceLock;
use strategies::WorkerCommand;
use tasks::Inputs;

/// The workspace's folder.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate is a folder of the workspace")
}

/// The binary `goldilocks`, built in the profile of the tests.
pub fn goldilocks() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| built("harness", "goldilocks"))
}

/// The binary `sabotaged` of the proofs: `goldilocks` with their cheats and instruments.
pub fn sabotaged() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| built("proofs", "sabotaged"))
}

/// A binary of a package, built now unless it is up to date: cargo tells a test only where its own package's binaries are.
fn built(package: &str, binary: &str) -> PathBuf {
    let profile: &[&str] = if cfg!(debug_assertions) { &[] } else { &["--release"] };
    let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--quiet", "--package", package, "--bin", binary])
        .args(profile)
        .current_dir(workspace())
        .status();
    assert!(built.is_ok_and(|status| status.success()), "`{binary}` does not build");
    // This test's executable is in `deps`, or beside the binary.
    let own = std::env::current_exe().expect("a test knows its own file");
    let folders = own.ancestors().skip(1).map(|folder| folder.join(binary));
    folders.into_iter().find(|program| program.is_file()).expect("the binary is where cargo puts it")
}

/// The command with which `processes` starts a worker for a task from a test.
pub fn worker_for(task: &str, inputs: &Inputs) -> WorkerCommand {
    harness::measure::worker::command(goldilocks().to_owned(), task, inputs).expect("inputs can be written down")
}

/// Whether a sweep came to its end: every sample is verified, or the record says which is not.
pub fn completed(sweep: ExitStatus) -> bool {
    matches!(sweep.code(), Some(0 | 3))
}

/// A generated 1-gram file of about `bytes` bytes, made once.
pub fn grams(bytes: u64) -> PathBuf {
    let recipe = Recipe { bytes, ..Recipe::default() };
    recipe.file(&workspace().join("datasets/generated"), &mut |_| ()).expect("a file can be made")
}
