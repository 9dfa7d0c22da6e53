//! Files of 1-grams or text that the user names: as Google offers them, compressed, in several parts, or something else.
//!
//! A task reads one plain file in place, so that nothing but its work is measured. This module finds out what each named
//! file contains:
//!
//! 1. `format` recognises the contents by the first bytes. `foreign` names contents that are no 1-grams or no text, with
//!    the command that converts them.
//! 2. A single plain file, for 1-grams of version 2, is read in place.
//! 3. All else is made into one plain file by `reader`: gzip, zstd, the format of 2020, byte order marks, several
//!    files, folders. The file is kept in the data folder until a source changes.

mod foreign;
mod format;
mod kind;
mod reader;
mod version3;
mod zstd;

use crate::error::{Error, shown};
use crate::kept_file::{Metadata, PartialFile, keep};
use foreign::Foreign;
use format::{Contents, Lines};
pub use kind::Kind;
use reader::{Reader, Refusal};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The number of bytes that [`check`] wants to see.
pub const HEAD: usize = format::HEAD;

/// The version of the reader. It must increase when equal sources give other plain lines.
const READER: u64 = 1;

/// A plain file of text, or of 1-grams of version 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plain {
    /// The path of the file.
    pub path: PathBuf,
    /// What the file was made from, with the formats. `None` if it is the file that the user named.
    pub made_from: Option<String>,
}

/// Returns a plain file with the lines of all named files and of the files in all named folders. Folders of text may contain
/// folders.
///
/// A plain file that must be made is kept in `folder`. Before it is made, `say` receives a message.
///
/// # Errors
/// When a file cannot be read or is of another kind, or the plain file cannot be written.
pub fn plain(kind: Kind, named: &[PathBuf], folder: &Path, say: &dyn Fn(&str)) -> Result<Plain, Error> {
    Sources::of(kind, named)?.plain(folder, say)
}

/// Returns the plain file of an earlier call of [`plain`], or the named file if it is plain itself. Makes nothing.
pub fn earlier(kind: Kind, named: &[PathBuf], folder: &Path) -> Option<PathBuf> {
    let sources = Sources::of(kind, named).ok()?;
    sources.in_place().or_else(|| {
        let path = sources.kept_path(folder);
        Metadata::read(&path).is_some_and(|metadata| sources.are_kept(&path, &metadata)).then_some(path)
    })
}

/// Lists the named files and the files of the named folders, as far as they can be listed.
pub fn files(kind: Kind, named: &[PathBuf]) -> Vec<PathBuf> {
    let files = |path: &PathBuf| match path.is_dir() {
        true => files_in(kind, path).unwrap_or_default(),
        false => vec![path.clone()],
    };
    named.iter().flat_map(files).collect()
}

/// Checks the first bytes of a file that is read in place. An empty file passes.
///
/// # Errors
/// When the file is not a plain file. The message says how to convert it.
pub fn check(kind: Kind, path: &Path, head: &[u8], whole: bool) -> Result<(), Error> {
    let foreign = match format::recognise(kind, head, whole) {
        Contents::Lines { lines: Lines::Version2 | Lines::Text, mark: false } => return Ok(()),
        Contents::Foreign(_) if head.is_empty() => return Ok(()),
        Contents::Foreign(foreign) => foreign,
        Contents::Compressed(compression) => Foreign::compressed(compression.name()),
        Contents::Lines { lines: Lines::Version3, mark: false } => Foreign::version3(),
        Contents::Lines { .. } => Foreign::marked(),
    };
    Err(Error::Input(foreign.sentence(kind, path)))
}

/// Writes the lines of one source in the format of version 2. `name` is its name in messages.
///
/// # Errors
/// When the source is not a file of 1-grams, a line is malformed, or `out` fails.
pub fn convert(name: &Path, source: impl Read, out: &mut dyn Write) -> Result<(), Error> {
    let written = Reader::new(Kind::Grams, source).and_then(|reader| reader.write(out));
    written.map_err(|refusal| refused(Kind::Grams, name, name, refusal))
}

/// Makes the error for a source. `target` is the plain file that cannot be written.
fn refused(kind: Kind, path: &Path, target: &Path, refusal: Refusal) -> Error {
    let shown = shown(path);
    Error::Input(match refusal {
        Refusal::Foreign(foreign) => foreign.sentence(kind, path),
        Refusal::Line(number, reason) => format!("{shown}, line {number}: {reason}"),
        Refusal::Damaged(compression, cause) => {
            let name = compression.name();
            format!(
                "{shown} cannot be decompressed with {name} ({cause}): it is damaged or incomplete, so copy or download it again"
            )
        }
        Refusal::Read(cause) => return Error::Input(format!("cannot read {shown}: {cause}")),
        Refusal::Write(cause) => return Error::file("write", target, cause),
    })
}

/// A file that the user named, or a file of a folder.
struct Source {
    path: PathBuf,
    identity: Identity,
    /// What the file is, such as `gzip, version 3 of 2020`; `None` if it is read in place.
    description: Option<String>,
}

/// What changes when a file changes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Identity {
    file: (u64, u64),
    length: u64,
    /// The times of the last change of the bytes and of the file, because a copy may keep the former.
    changed: [(i64, i64); 2],
}

impl Identity {
    fn of(file: &File) -> std::io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Identity {
            file: (metadata.dev(), metadata.ino()),
            length: metadata.len(),
            changed: [(metadata.mtime(), metadata.mtime_nsec()), (metadata.ctime(), metadata.ctime_nsec())],
        })
    }
}

/// Everything that the user named.
struct Sources {
    kind: Kind,
    files: Vec<Source>,
    /// The name of the plain file.
    name: String,
}

impl Sources {
    fn of(kind: Kind, named: &[PathBuf]) -> Result<Self, Error> {
        let mut paths = Vec::new();
        for path in named {
            if path.is_dir() { paths.extend(files_in(kind, path)?) } else { paths.push(path.clone()) }
        }
        let mut files: Vec<Source> = Vec::new();
        let (mut by_file, mut by_name) = (HashMap::new(), HashMap::new());
        for path in paths {
            let source = Source::open(kind, path)?;
            let name = uncompressed(&source.path);
            if let Some(twin) = by_file.get(&source.identity.file).or_else(|| by_name.get(&name)) {
                let twin: &Source = &files[*twin];
                // A folder of logs often has a link to the newest one.
                let is_link = |file: &Source| file.path.is_symlink() && !named.contains(&file.path);
                if kind == Kind::Text && (is_link(&source) || is_link(twin)) {
                    continue;
                }
                let (one, other) = (shown(&twin.path), shown(&source.path));
                let sentence = match one == other {
                    true => format!("{one} is named twice, so its lines would count twice; name it once"),
                    false => format!("{one} and {other} are the same lines, which would count twice; name one of them"),
                };
                return Err(Error::Input(sentence));
            }
            by_file.insert(source.identity.file, files.len());
            by_name.insert(name, files.len());
            files.push(source);
        }
        Ok(Sources { kind, name: plain_name(kind, named, &files), files })
    }

    /// Returns the only file, if it is plain.
    fn in_place(&self) -> Option<PathBuf> {
        match &self.files[..] {
            [only] if only.description.is_none() => Some(only.path.clone()),
            _ => None,
        }
    }

    fn plain(&self, folder: &Path, say: &dyn Fn(&str)) -> Result<Plain, Error> {
        if let Some(path) = self.in_place() {
            return Ok(Plain { path, made_from: None });
        }
        let path = self.kept_path(folder);
        let made_from = self.describe();
        let is_kept = |metadata: &Metadata| self.are_kept(&path, metadata);
        keep(&path, is_kept, || {
            say(&format!("making {} from {made_from}, once, because a measurement reads plain lines", shown(&path)));
            self.make(&path)
        })?;
        Ok(Plain { path, made_from: Some(made_from) })
    }

    /// The plain file has a folder of its own, named after the places of the sources, so that a changed source replaces
    /// it.
    fn kept_path(&self, folder: &Path) -> PathBuf {
        let mut sum = Sha256::new();
        for file in &self.files {
            let place = file.path.canonicalize().unwrap_or_else(|_| file.path.clone());
            sum.update(place.as_os_str().as_bytes());
            sum.update(b"\0");
        }
        let sum: String = sum.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        folder.join(format!("input-{sum}")).join(&self.name)
    }

    fn identities(&self) -> String {
        format!("{:?}", self.files.iter().map(|file| &file.identity).collect::<Vec<_>>())
    }

    fn are_kept(&self, path: &Path, metadata: &Metadata) -> bool {
        let length = path.metadata().ok().filter(fs::Metadata::is_file).map(|metadata| metadata.len());
        metadata.number("reader") == Some(READER)
            && metadata.text("sources") == Some(&self.identities())
            && length.is_some()
            && metadata.number("bytes") == length
    }

    /// Names the sources with their formats.
    fn describe(&self) -> String {
        const MOST: usize = 8;
        let plain = if self.kind == Kind::Text { "text" } else { "version 2" };
        let describe =
            |file: &Source| format!("{} ({})", shown(&file.path), file.description.as_deref().unwrap_or(plain));
        let mut named: Vec<String> = self.files.iter().take(MOST).map(describe).collect();
        if self.files.len() > MOST {
            named.push(format!("{} more", self.files.len() - MOST));
        }
        named.join(" and ")
    }

    fn make(&self, path: &Path) -> Result<(), Error> {
        let mut new = PartialFile::create(path)?;
        let written = self.files.iter().try_for_each(|file| file.write(self.kind, &mut new, path));
        if let Err(error) = written {
            // An incomplete file is useless and occupies the disk.
            let _ = fs::remove_file(&new.partial);
            return Err(error);
        }
        new.finish()?;
        let bytes = path.metadata().map_err(|cause| Error::file("inspect", path, cause))?.len();
        Metadata::default()
            .with("reader", READER)
            .with("sources", self.identities())
            .with("made_from", self.describe())
            .with("bytes", bytes)
            .write(path)
    }
}

impl Source {
    /// Opens a file and recognises its contents.
    fn open(kind: Kind, path: PathBuf) -> Result<Self, Error> {
        let file = open(&path)?;
        let identity = Identity::of(&file).map_err(|cause| cannot_open(&path, &cause))?;
        let reader = Reader::new(kind, file).map_err(|refusal| refused(kind, &path, &path, refusal))?;
        let compression = reader.compression.map(|compression| compression.name().to_owned());
        let lines = match reader.lines {
            Lines::Version2 => "version 2",
            Lines::Version3 => "version 3, the format of 2020",
            Lines::Text => "text",
        };
        let mark = reader.mark.then(|| "with a byte order mark".to_owned());
        let in_place = compression.is_none() && mark.is_none() && reader.lines != Lines::Version3;
        drop(reader);
        let parts: Vec<String> = compression.into_iter().chain([lines.to_owned()]).chain(mark).collect();
        Ok(Source { path, identity, description: (!in_place).then(|| parts.join(", ")) })
    }

    /// Writes the plain lines of the file. A text may grow meanwhile, as a log does; what it had at first counts.
    fn write(&self, kind: Kind, out: &mut PartialFile, target: &Path) -> Result<(), Error> {
        let file = open(&self.path)?;
        let reader = Reader::new(kind, (&file).take(self.identity.length));
        let written = reader.and_then(|reader| reader.write(out));
        written.map_err(|refusal| refused(kind, &self.path, target, refusal))?;
        match Identity::of(&file) {
            Ok(identity) if identity == self.identity => Ok(()),
            Ok(Identity { file, length, .. })
                if kind == Kind::Text && file == self.identity.file && length > self.identity.length =>
            {
                Ok(())
            }
            _ => Err(Error::Input(format!("{} changed while it was read; run again", shown(&self.path)))),
        }
    }
}

fn open(path: &Path) -> Result<File, Error> {
    // Checks this before opening, because opening a named pipe waits for a writer.
    if !fs::metadata(path).map_err(|cause| cannot_open(path, &cause))?.is_file() {
        return Err(Error::Input(format!("{} is not a file", shown(path))));
    }
    File::open(path).map_err(|cause| cannot_open(path, &cause))
}

fn cannot_open(path: &Path, cause: &std::io::Error) -> Error {
    let next = match cause.kind() {
        std::io::ErrorKind::NotFound => "; is the path right?",
        std::io::ErrorKind::PermissionDenied => "; allow this user to read it",
        _ => "",
    };
    Error::Input(format!("cannot open {}: {cause}{next}", shown(path)))
}

/// Lists the files of a folder, sorted by name. Hidden files are left out.
fn files_in(kind: Kind, folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut paths = Vec::new();
    list(kind, folder, &mut paths)?;
    paths.sort();
    match paths.is_empty() {
        true => {
            let what = if kind == Kind::Text { "text" } else { "1-gram" };
            let sentence = "is a folder without files; name a";
            Err(Error::Input(format!("{} {sentence} {what} file, or a folder of them", shown(folder))))
        }
        false => Ok(paths),
    }
}

fn list(kind: Kind, folder: &Path, paths: &mut Vec<PathBuf>) -> Result<(), Error> {
    let failed = |cause: std::io::Error| match cause.kind() {
        std::io::ErrorKind::PermissionDenied => Error::Input(format!(
            "cannot list {}: {cause}; allow this user to read it, or name the other folders and files",
            shown(folder)
        )),
        _ => Error::file("list", folder, cause),
    };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        if entry.file_name().as_bytes().starts_with(b".") {
            continue;
        }
        if path.is_dir() && kind == Kind::Text {
            // A link may lead back to a folder above.
            if !path.is_symlink() {
                list(kind, &path, paths)?;
            }
            continue;
        }
        if path.is_dir() {
            let sentence = format!("{} is a folder in a folder of 1-grams; name each folder by its own", shown(&path));
            return Err(Error::Input(sentence));
        }
        paths.push(path);
    }
    Ok(())
}

/// Returns the path without the ending of a compressed file.
fn uncompressed(path: &Path) -> PathBuf {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("gz" | "zst" | "zstd") => path.with_extension(""),
        _ => path.to_owned(),
    }
}

/// Names a plain file after the first thing that the user named.
fn plain_name(kind: Kind, named: &[PathBuf], files: &[Source]) -> String {
    let first = named.first().map(|path| path.canonicalize().unwrap_or_else(|_| path.clone())).unwrap_or_default();
    let stem = uncompressed(&first);
    let stem = stem.file_name().unwrap_or_default().to_string_lossy();
    let stem: String = stem
        .strip_suffix(kind.ending())
        .and_then(|stem| stem.strip_suffix('.'))
        .unwrap_or(&stem)
        .chars()
        .map(|letter| if letter.is_alphanumeric() || "-_.".contains(letter) { letter } else { '_' })
        .collect();
    let more = if named.len() > 1 { format!("-and-{}-more", files.len() - 1) } else { String::new() };
    format!("{stem}{more}.{}", kind.ending())
}
