//! The options of `word_count`, and the preparation of its text.

use crate::{Data, Hooks, Inputs, Preparation, Unprepared, lines, named};
use datasets::book;
use datasets::input::{self, Kind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use unicode_segmentation::UnicodeSegmentation;

/// The options of this task: the text and what separates its words.
#[derive(Debug, Clone, Default, PartialEq, clap::Args, Serialize, Deserialize)]
#[group(id = "word_count")]
pub struct Options {
    /// word_count: text files, or folders of them with all folders below; gzip and zstd are read [default: four lines]
    #[arg(id = "text", long = "text", value_name = "PATH", num_args = 1.., help_heading = "Task options")]
    pub files: Vec<PathBuf>,
    /// The plain file that the task reads. The preparation sets it.
    #[arg(skip)]
    pub input: Option<PathBuf>,
    /// The bytes that the file had when it was prepared, because a log grows.
    #[arg(skip)]
    pub length: Option<u64>,
    /// word_count: what separates words
    #[arg(long, value_enum, default_value_t = Split::Space, help_heading = "Task options")]
    pub split: Split,
}

/// What separates the words of a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
pub enum Split {
    /// Each single blank, as in the book: two blanks in a row, and an empty line, give an empty word
    Blanks,
    /// White space, as for `wc -w`
    #[default]
    Space,
    /// The rules of Unicode (UAX 29): punctuation is no part of a word
    Unicode,
}

impl Split {
    /// Passes each word of a line to `take`.
    pub(super) fn words(self, line: &str, take: impl FnMut(&str)) {
        match self {
            Split::Blanks => line.split(' ').for_each(take),
            Split::Space => line.split_whitespace().for_each(take),
            Split::Unicode => line.unicode_words().for_each(take),
        }
    }
}

impl Options {
    /// Returns the file to read: the prepared one, or the only one that the user named.
    pub fn file(&self) -> Option<&PathBuf> {
        lines::file(&self.input, &self.files)
    }
}

/// Returns the options for the record. The default text is the same everywhere and needs none.
pub(super) fn for_record(inputs: &Inputs) -> BTreeMap<String, String> {
    let options = &inputs.word_count;
    let mut all = named::options([("split", named::word(&options.split))]);
    if let Some(file) = options.file().filter(|_| !options.files.is_empty()) {
        all.insert("text".to_owned(), file.display().to_string());
    }
    all
}

/// The hooks of `word_count`.
pub(super) const HOOKS: Hooks = Hooks { prepare, reuse, data, ..Hooks::NONE };

/// The name of the note that says what the text was made from.
const SOURCES: &str = "text";

/// Makes one plain file of everything that the user named. A typo thus ends the program before anything is measured.
fn prepare(preparation: &mut Preparation) -> Result<(), Unprepared> {
    let options = &mut preparation.inputs.word_count;
    if let Some(unnamed) = options.files.iter().find(|path| path.to_str().is_none()) {
        return Err(Unprepared::Fail(format!(
            "{} has a name that is not UTF-8, and a record must name its file: rename it",
            unnamed.display()
        )));
    }
    let failed = |error: datasets::Error| Unprepared::Fail(error.to_string());
    if options.input.is_none() {
        let path = if options.files.is_empty() {
            book::file(preparation.folder).map_err(failed)?
        } else {
            let plain = input::plain(Kind::Text, &options.files, preparation.folder, preparation.say);
            let plain = plain.map_err(failed)?;
            preparation.notes.extend(plain.made_from.map(|sources| (SOURCES.to_owned(), sources)));
            plain.path
        };
        options.length = path.metadata().ok().map(|metadata| metadata.len());
        options.input = Some(path);
    }
    (super::ENTRY.load)(&preparation.inputs).map(|_| ()).map_err(|error| Unprepared::Fail(error.to_string()))
}

fn reuse(inputs: &mut Inputs, folder: &Path) {
    let options = &mut inputs.word_count;
    let made = || match options.files.is_empty() {
        true => Some(folder.join(book::FILE)).filter(|file| file.exists()),
        false => input::earlier(Kind::Text, &options.files, folder),
    };
    options.input = options.input.take().or_else(made);
}

fn data(inputs: &Inputs) -> Data {
    let options = &inputs.word_count;
    let file = options.file().cloned();
    let bytes = file.as_ref().and_then(|file| file.metadata().ok()).map_or(0, |metadata| metadata.len());
    Data { file, named: input::files(Kind::Text, &options.files), bytes, ..Data::default() }
}
