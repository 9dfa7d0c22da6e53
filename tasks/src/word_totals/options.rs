//! The options of `word_totals`, and the preparation of its file.

use super::Read;
use crate::{Data, Hooks, Inputs, Preparation, Unprepared, named};
use datasets::ngrams::Recipe;
use kernels::runs::Vector;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The options of this task: the file and the way to read it.
#[derive(Debug, Clone, Default, PartialEq, clap::Args, Serialize, Deserialize)]
#[group(id = "word_totals")]
pub struct Options {
    /// word_totals: the 1-gram file
    #[arg(long, value_name = "FILE", help_heading = "Task options")]
    pub input: Option<PathBuf>,
    /// word_totals: 1-grams to make and read instead of --input
    #[arg(
        long,
        value_name = "SIZE[,words=N][,zipf=S][,shuffled][,seed=N]",
        conflicts_with = "input",
        help_heading = "Task options"
    )]
    #[serde(default)]
    pub grams: Option<Recipe>,
    /// word_totals: how a partition is processed
    #[arg(long, value_enum, default_value_t = Kernel::Bytes, help_heading = "Task options")]
    pub kernel: Kernel,
    /// word_totals: which instructions the kernel `runs` may use
    #[arg(long, value_enum, default_value_t = Vector::Auto, hide = true, help_heading = "Task options")]
    #[serde(default)]
    pub vector: Vector,
    /// word_totals: how the file is read
    #[arg(long, value_enum, default_value_t = Read::Pread, help_heading = "Task options")]
    #[serde(default)]
    pub read: Read,
    /// word_totals: evict the file from the page cache before each run, so that it is read from the disk
    #[arg(long, help_heading = "Task options")]
    #[serde(default)]
    pub cold: bool,
    /// word_totals: a word whose total is part of the answer
    #[arg(long, value_name = "WORD", default_value = "Aardvark", help_heading = "Task options")]
    pub word: String,
}

/// The kernel that processes a partition. All kernels give the same totals and reject the same lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
pub enum Kernel {
    /// As the book writes it: every field becomes an owned string, and the totals are a standard hash map
    Book,
    /// Nothing is copied: fields are found in place, and only new words are stored
    #[default]
    Bytes,
    /// Neighbouring lines with the same word are added up before the word is looked up, many bytes at a time
    Runs,
}

/// Returns the options for the record.
pub(super) fn for_record(inputs: &Inputs) -> BTreeMap<String, String> {
    let options = &inputs.word_totals;
    named::options([
        ("input", options.input.as_ref().map(|path| path.display().to_string()).unwrap_or_default()),
        ("kernel", named::word(&options.kernel)),
        ("read", named::word(&options.read)),
        ("temperature", if options.cold { "cold" } else { "warm" }.to_owned()),
        ("vector", options.vector.name().to_owned()),
        ("word", options.word.clone()),
    ])
}

/// The hooks of `word_totals`.
pub(super) const HOOKS: Hooks = Hooks { prepare, reuse, data, ..Hooks::NONE };

/// Makes the 1-gram file unless the user names a file. A named file is opened now, so that a typo ends the program
/// before anything else is prepared or measured.
fn prepare(preparation: &mut Preparation) -> Result<(), Unprepared> {
    let options = &mut preparation.inputs.word_totals;
    let is_named = options.input.is_some();
    if !is_named {
        let made = options.grams.unwrap_or_default().file_announced(preparation.folder, preparation.say);
        options.input = Some(made.map_err(|error| Unprepared::Fail(error.to_string()))?);
    }
    if let Some(input) = options.input.as_ref().filter(|input| input.to_str().is_none()) {
        return Err(Unprepared::Fail(format!(
            "{} has a name that is not UTF-8, and a record must name its file: rename it",
            input.display()
        )));
    }
    if is_named && let Err(error) = (super::ENTRY.load)(&preparation.inputs) {
        return Err(Unprepared::Fail(error.to_string()));
    }
    Ok(())
}

fn reuse(inputs: &mut Inputs, folder: &Path) {
    let options = &mut inputs.word_totals;
    let made = || Some(folder.join(options.grams.unwrap_or_default().file_name())).filter(|file| file.exists());
    options.input = options.input.take().or_else(made);
}

fn data(inputs: &Inputs) -> Data {
    let Options { input, cold, .. } = &inputs.word_totals;
    let bytes = input.as_ref().and_then(|input| input.metadata().ok()).map_or(0, |metadata| metadata.len());
    Data { file: input.clone(), cold: *cold, bytes, ..Data::default() }
}
