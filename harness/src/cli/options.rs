//! Options that several commands share.

use super::values::path;
use clap::Args;
use std::path::{Path, PathBuf};
use system::printing::say;

/// The folders of runs and data.
#[derive(Args)]
pub(crate) struct Folders {
    /// The folder of all runs [default: reports/runs in a checkout, otherwise ~/.local/share/goldilocks/runs]
    #[arg(long, value_name = "FOLDER", default_value_os_t = default_folder("reports/runs", "runs"), value_parser = path(), hide_default_value = true)]
    pub(crate) runs: PathBuf,
    /// The folder of generated and fetched data [default: datasets/generated in a checkout, otherwise
    /// ~/.local/share/goldilocks/data]
    #[arg(long, value_name = "FOLDER", default_value_os_t = default_folder("datasets/generated", "data"), value_parser = path(), hide_default_value = true)]
    pub(crate) data: PathBuf,
}

impl Folders {
    /// Returns the user's data folder if runs or data go there and it does not exist yet.
    pub(crate) fn new_place(&self) -> Option<PathBuf> {
        let place = user_folder();
        let is_used = self.runs.starts_with(&place) || self.data.starts_with(&place);
        (is_used && !place.as_os_str().is_empty() && !place.exists()).then_some(place)
    }
}

/// Tells the user about a new data folder, once: when it is made.
pub(crate) fn announce(place: &Path) {
    say(format_args!("runs and data go to {}; `--runs` and `--data` name other folders", place.display()));
}

/// Returns a default folder: in the checkout if there is one, otherwise in the user's data folder.
fn default_folder(in_checkout: &str, elsewhere: &str) -> PathBuf {
    checkout().map_or_else(|| user_folder().join(elsewhere), |checkout| checkout.join(in_checkout))
}

/// Returns the checkout in which the user works: the justfile's folder if a recipe started the program, otherwise the
/// nearest one above the current folder. The path is empty if that is the current folder itself.
fn checkout() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let is_checkout =
        |folder: &&Path| ["harness", "datasets"].iter().all(|part| folder.join(part).join("Cargo.toml").is_file());
    let nearest = || here.ancestors().find(is_checkout).map(Path::to_owned);
    let root = crate::recipes().map(PathBuf::from).or_else(nearest)?;
    Some(if root == here { PathBuf::new() } else { root })
}

/// Returns this program's folder in the user's data folder, as the XDG Base Directory Specification says. The path is
/// relative to the current folder if the user has no home.
fn user_folder() -> PathBuf {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let data = absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")));
    data.unwrap_or_default().join("goldilocks")
}
