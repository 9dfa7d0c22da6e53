//! What tests share that run the whole program: where it is, and a folder to try it in.

pub mod sandbox;

use datasets::ngrams::Recipe;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use strategies::{Error, Result, WorkerCommand};
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

/// The binary `sabotaged`: `goldilocks` with the [cheats](sabotage) and the [`instruments`] in it.
pub fn sabotaged() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| built("proofs", "sabotaged"))
}

/// A binary of a package, built now unless it is up to date.
///
/// Cargo tells a test where its own package's binaries are, and neither another package's nor a program's.
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

/// Whether a sweep came to its end: every sample is verified, or the record says which is not.
pub fn completed(sweep: ExitStatus) -> bool {
    matches!(sweep.code(), Some(0 | 3))
}

/// How `processes` starts a worker for a task, from a test.
pub fn worker_for(task: &str, inputs: &Inputs) -> WorkerCommand {
    harness::measure::worker::command(goldilocks().to_owned(), task, inputs).expect("inputs can be written down")
}

/// A worker process with a pipe to it and a pipe from it, for those who do not start theirs as `processes` does.
///
/// # Errors
/// When it cannot be started.
pub fn piped(command: &WorkerCommand) -> Result<Child> {
    let environment = command.environment.iter().map(|(name, value)| (name, value));
    let mut process = Command::new(&command.program);
    process.args(&command.arguments).envs(environment).stdin(Stdio::piped()).stdout(Stdio::piped());
    process.spawn().map_err(Error::worker)
}

/// A generated 1-gram file of about so many bytes, made once.
pub fn grams(bytes: u64) -> PathBuf {
    let recipe = Recipe { bytes, ..Recipe::default() };
    recipe.file(&workspace().join("datasets/generated"), &mut |_| ()).expect("a file can be made")
}
