//! The options of `word_totals`, and the preparation of its file.

use crate::lines::{self, Read};
use crate::{Data, Hooks, Inputs, Preparation, Sizing, Unprepared, Variant, named};
use datasets::input::{self, Kind};
use datasets::ngrams::Recipe;
use kernels::runs::Vector;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use strategies::Combine;

/// The options of this task: the file and the way to read it.
#[derive(Debug, Clone, Default, PartialEq, clap::Args, Serialize, Deserialize)]
#[group(id = "word_totals")]
pub struct Options {
    /// word_totals: a 1-gram file, or a folder of them; can be given several times. Lines are ngram TAB year TAB
    /// match_count TAB volume_count (version 2), or as Google offers them since 2020 (version 3); gzip and zstd are read
    #[arg(id = "input", long = "input", value_name = "FILE", help_heading = "Task options")]
    #[serde(default)]
    pub files: Vec<PathBuf>,
    /// The plain file that the task reads. The preparation sets it.
    #[arg(skip)]
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
    /// word_totals: how a partition is processed. `run` uses the fastest kernel by default. A sweep uses one with enough
    /// work per byte for many cores to matter
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

impl Options {
    /// Returns the file to read: the prepared one, or the only one that the user named.
    pub fn file(&self) -> Option<&PathBuf> {
        lines::file(&self.input, &self.files)
    }
}

/// Returns the options for the record.
pub(super) fn for_record(inputs: &Inputs) -> BTreeMap<String, String> {
    let options = &inputs.word_totals;
    named::options([
        ("input", options.file().map(|path| path.display().to_string()).unwrap_or_default()),
        ("kernel", named::word(&options.kernel)),
        ("read", named::word(&options.read)),
        ("temperature", if options.cold { "cold" } else { "warm" }.to_owned()),
        ("vector", options.vector.name().to_owned()),
        ("word", options.word.clone()),
    ])
}

/// Every kernel. The default one has enough work for each byte that many cores matter.
const VARIANTS: &[Variant] = &[
    Variant { name: "book", cost: 4.0, choose: |inputs| inputs.word_totals.kernel = Kernel::Book },
    Variant { name: "bytes", cost: 1.0, choose: |inputs| inputs.word_totals.kernel = Kernel::Bytes },
    Variant { name: "runs", cost: 0.1, choose: |inputs| inputs.word_totals.kernel = Kernel::Runs },
];

/// The size of the file of 1-grams that a sweep makes. The largest is as large as the file that the book uses.
pub(super) const SIZING: Sizing = Sizing {
    unit: "bytes",
    least: 2_000_000,
    most: 1_800_000_000,
    bytes_per_unit: 1,
    speed_up: |cores| cores,
    work: |inputs| {
        let Options { files, grams, .. } = &inputs.word_totals;
        (files.is_empty() && grams.is_none()).then(|| Recipe::default().bytes)
    },
    set: |inputs, work, _| {
        // The file that the preparation has made is that of the work before.
        inputs.word_totals.input = None;
        inputs.word_totals.grams = Some(Recipe { bytes: work, ..Recipe::default() });
    },
    grow: |inputs, factor| {
        let recipe = inputs.word_totals.grams.unwrap_or_default();
        inputs.word_totals.grams = Some(Recipe { bytes: recipe.bytes.saturating_mul(factor), ..recipe });
    },
    items: |inputs| data(inputs).bytes / BYTES_PER_LINE,
};

/// The approximate length of a line, in bytes.
const BYTES_PER_LINE: u64 = 21;

/// The name of the note that says what the file was made from.
const SOURCES: &str = "1-grams";

/// The hooks of `word_totals`.
pub(super) const HOOKS: Hooks =
    Hooks { prepare, reuse, data, variants: VARIANTS, states: STATES, fastest: &[("kernel", "runs")], ..Hooks::NONE };

/// The ways to keep the totals while the kernel `bytes` maps. The other kernels add many lines at once to totals of their
/// own, so that there is little to share.
pub(super) const STATES: &[Combine] = &[Combine::Mutex, Combine::RwLock, Combine::LockedShards, Combine::ConcurrentMap];

/// Makes the 1-gram file unless the user names a plain one. Named files are opened now, so that a typo ends the program
/// before anything else is prepared or measured.
fn prepare(preparation: &mut Preparation) -> Result<(), Unprepared> {
    let options = &mut preparation.inputs.word_totals;
    if let Some(unnamed) = options.files.iter().chain(&options.input).find(|path| path.to_str().is_none()) {
        return Err(Unprepared::Fail(format!(
            "{} has a name that is not UTF-8, and a record must name its file: rename it",
            unnamed.display()
        )));
    }
    let failed = |error: datasets::Error| Unprepared::Fail(error.to_string());
    if !options.files.is_empty() {
        let plain = input::plain(Kind::Grams, &options.files, preparation.folder, preparation.say).map_err(failed)?;
        options.input = Some(plain.path);
        // A note and no option, because the same lines in another format are no reason against a comparison.
        preparation.notes.extend(plain.made_from.map(|sources| (SOURCES.to_owned(), sources)));
    } else if options.input.is_none() {
        let made = options.grams.unwrap_or_default().file_announced(preparation.folder, preparation.say);
        options.input = Some(made.map_err(failed)?);
    }
    (super::ENTRY.load)(&preparation.inputs).map(|_| ()).map_err(|error| Unprepared::Fail(error.to_string()))
}

fn reuse(inputs: &mut Inputs, folder: &Path) {
    let options = &mut inputs.word_totals;
    let made = || match options.files.is_empty() {
        true => Some(folder.join(options.grams.unwrap_or_default().file_name())).filter(|file| file.exists()),
        false => input::earlier(Kind::Grams, &options.files, folder),
    };
    options.input = options.input.take().or_else(made);
}

fn data(inputs: &Inputs) -> Data {
    let options = &inputs.word_totals;
    let file = options.file().cloned();
    // Before the preparation there is only the wish.
    let wanted = || options.grams.unwrap_or_default().bytes;
    let bytes = file.as_ref().and_then(|file| file.metadata().ok()).map_or_else(wanted, |metadata| metadata.len());
    Data { file, named: input::files(Kind::Grams, &options.files), cold: options.cold, bytes, ..Data::default() }
}
