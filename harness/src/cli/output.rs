//! Writing to the terminal, a pipe or the file of `--output`.

use super::exit::Exit;
use anyhow::{Context, Result};
use clap::builder::{PathBufValueParser, TypedValueParser};
use reports::render::wrap::{Look, WIDTH};
use std::fmt::{self, Display, Formatter};
use std::fs::{File, Metadata};
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use system::atomic_file::{self, same_file};
use system::printing::{self, Stream};

/// Writes a text for people to standard output.
pub(crate) fn print(text: impl Display) -> Result<()> {
    printing::print(text).context(FAILED)
}

/// Writes JSON and a line feed to standard output.
pub(crate) fn print_json(json: impl Display) -> Result<()> {
    print_bytes((printing::printable_json(json.to_string().trim_end()) + "\n").as_bytes())
}

/// Writes bytes for programs to standard output, unchanged.
pub(crate) fn print_bytes(bytes: &[u8]) -> Result<()> {
    Stream::Output.write_all(bytes).context(FAILED)
}

/// Returns how standard output shows text: its width, and whether it is a terminal that shows UTF-8.
pub(crate) fn look(verbose: bool) -> Look {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let window = || rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| size.ws_col.into());
    let columns = variable("COLUMNS").and_then(|columns| columns.parse::<usize>().ok()).or_else(window);
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable).unwrap_or_default().to_lowercase();
    Look {
        // A terminal without a size says 0.
        width: columns.filter(|columns| *columns > 0).map_or(WIDTH, |columns| columns.clamp(NARROWEST, WIDTH)),
        unicode: io::stdout().is_terminal() && (locale.contains("utf-8") || locale.contains("utf8")),
        verbose,
    }
}

/// The narrowest lines, in letters. A chart and a table need them.
const NARROWEST: usize = 40;

const FAILED: &str = "cannot write to the standard output";

/// Where `--output` or a similar option leads.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    option: &'static str,
    path: PathBuf,
    /// Standard output or standard error, if the path leads there under any name: `-`, `/dev/stdout`, a redirected file.
    stream: Option<Stream>,
}

impl Output {
    pub(crate) fn parser() -> impl TypedValueParser<Value = Output> {
        Output::parser_of("--output")
    }

    /// Parses the value of an option with another name.
    pub(crate) fn parser_of(option: &'static str) -> impl TypedValueParser<Value = Output> {
        PathBufValueParser::new().map(move |path| Output::new(option, path))
    }

    pub(crate) fn new(option: &'static str, path: PathBuf) -> Self {
        let named = path.metadata().ok();
        let is_named = |stream: File| Some(same_file(named.as_ref()?, &stream.metadata().ok()?));
        let output = io::stdout().as_fd().try_clone_to_owned().ok().and_then(|output| is_named(output.into()));
        let error = io::stderr().as_fd().try_clone_to_owned().ok().and_then(|error| is_named(error.into()));
        let stream = match (path.as_os_str() == "-" || output == Some(true), error) {
            (true, _) => Some(Stream::Output),
            (false, Some(true)) => Some(Stream::Error),
            _ => None,
        };
        Output { option, path, stream }
    }

    /// The name of the option.
    pub(crate) fn option(&self) -> &'static str {
        self.option
    }

    /// Whether the bytes go to standard output, so that everything else must go elsewhere.
    pub(crate) fn is_standard_output(&self) -> bool {
        self.stream == Some(Stream::Output)
    }

    /// The path for another process, if that process can write there itself. It must name the same file for both
    /// processes, and be UTF-8.
    pub(crate) fn file(&self) -> Option<&Path> {
        let is_file = || self.path.metadata().map_or(true, |metadata| metadata.is_file());
        Some(self.path.as_path()).filter(|path| self.stream.is_none() && path.to_str().is_some() && is_file())
    }

    /// Refuses an output that cannot be written. Also refuses one that would overwrite an input (`read` has each with its
    /// name) or the record or the plan of any run. Links and other names of the same file are recognised.
    pub(crate) fn check(&self, read: &[(&str, &Path)]) -> Result<()> {
        let Ok(earlier) = self.path.metadata() else {
            let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let is_here = self.stream.is_some() || folder.is_none_or(Path::is_dir);
            return match is_here {
                true => Ok(()),
                false => {
                    Err(Exit::Usage.error(format!("cannot write to {self}: its folder does not exist; make it first")))
                }
            };
        };
        if earlier.is_dir() {
            return Err(Exit::Usage.error(format!("{} names the folder {self}; name a file", self.option)));
        }
        let is_read = |(_, path): &&(&str, &Path)| path.metadata().is_ok_and(|read| same_file(&read, &earlier));
        let lost = match read.iter().find(is_read) {
            Some((name, _)) => Some(*name),
            None => self.part_of_a_run(&earlier),
        };
        match lost {
            None => Ok(()),
            Some(lost) => {
                let option = self.option;
                Err(Exit::Usage.error(format!("{option} names {lost}, which would be lost; name another file")))
            }
        }
    }

    /// Recognises the record of a run by its first bytes, and a plan by the record beside it.
    fn part_of_a_run(&self, earlier: &Metadata) -> Option<&'static str> {
        const BEGINNING: &[u8] = b"{\"kind\":\"run\"";
        let is_record = |path: &Path| {
            let mut beginning = Vec::new();
            let read = File::open(path).and_then(|file| file.take(BEGINNING.len() as u64).read_to_end(&mut beginning));
            read.is_ok() && beginning == BEGINNING
        };
        if !earlier.is_file() {
            return None;
        }
        if is_record(&self.path) {
            return Some("the record of a run");
        }
        let path = self.path.canonicalize().ok()?;
        let is_plan = path.ends_with(crate::plan::FILE) && is_record(&path.with_file_name(crate::journal::FILE));
        is_plan.then_some("the plan of a run")
    }

    /// Lets `fill` write the output.
    pub(crate) fn fill(&self, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
        let written = match self.stream {
            Some(stream) => {
                let mut out = BufWriter::new(stream);
                fill(&mut out).and_then(|()| out.flush())
            }
            None => atomic_file::fill(&self.path, fill),
        };
        written.with_context(|| format!("cannot write to {self}"))
    }
}

impl Display for Output {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self.stream {
            Some(Stream::Output) => out.write_str("the standard output"),
            Some(Stream::Error) => out.write_str("the standard error"),
            None => self.path.display().fmt(out),
        }
    }
}
