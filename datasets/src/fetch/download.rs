//! A download on disk: the compressed bytes so far, decompressed as they come.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use flate2::write::MultiGzDecoder;
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::kept_file::{Facts, NewFile, beside};

/// Bytes taken from the network, or from the disk, at a time.
const BLOCK: usize = 256 << 10;

/// Why an attempt ended before the file did.
pub(super) enum Stop {
    /// No connection came about.
    Unreachable(String),
    /// The connection broke, or another attempt may go better for another reason.
    Cut(String),
    /// Another attempt would not help.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// The compressed file as far as it has come, in `<path>.gz.partial`, and what it decompresses to.
///
/// Both are kept in step. The decompressor's state is not on disk: [`Download::open`] restores it by feeding it what an
/// earlier process left there.
pub(super) struct Download {
    address: String,
    path: PathBuf,
    partial: PathBuf,
    compressed: File,
    received: u64,
    sum: Sha256,
    /// The version of the file that is being received, when the server tells versions apart.
    version: Option<String>,
    total: Option<u64>,
    decoder: MultiGzDecoder<Decompressed>,
}

impl Download {
    /// Goes on from what is left of an earlier download of `address`, or begins.
    pub(super) fn open(address: &str, path: &Path) -> Result<Self, Error> {
        let partial = beside(path, "gz.partial");
        let compressed = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .open(&partial)
            .map_err(|source| Error::cannot("open", &partial, source))?;
        let mut download = Self {
            address: address.to_owned(),
            path: path.to_owned(),
            compressed,
            received: 0,
            sum: Sha256::new(),
            version: None,
            total: None,
            decoder: MultiGzDecoder::new(Decompressed::create(path)?),
            partial,
        };
        let facts = Facts::read(&download.partial).filter(|facts| facts.text("address") == Some(address));
        match facts {
            Some(facts) if facts.text("version").is_some() => {
                download.version = facts.text("version").map(str::to_owned);
                download.total = facts.number("total");
                download.feed_what_is_left()?;
            }
            // Of an unknown version nothing can be resumed.
            _ => download.begin_anew(None, None)?,
        }
        Ok(download)
    }

    fn feed_what_is_left(&mut self) -> Result<(), Error> {
        let left = File::open(&self.partial).map_err(|source| Error::cannot("open", &self.partial, source))?;
        let mut left = BufReader::with_capacity(BLOCK, left);
        loop {
            let block = left.fill_buf().map_err(|source| Error::cannot("read", &self.partial, source))?;
            let length = block.len();
            if length == 0 {
                break;
            }
            match self.feed(block) {
                // A power cut may leave bytes that were never received.
                Err(Error::Corrupt { .. }) => return self.begin_anew(None, None),
                fed => fed?,
            }
            left.consume(length);
        }
        if self.total.is_some_and(|total| self.received > total) { self.begin_anew(None, None) } else { Ok(()) }
    }

    /// Compressed bytes received so far.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// Compressed bytes there are, if known.
    pub(super) fn total(&self) -> Option<u64> {
        self.total
    }

    /// The version received so far, as `If-Range` wants it.
    pub(super) fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// Where the compressed bytes are kept.
    pub(super) fn partial(&self) -> &Path {
        &self.partial
    }

    /// Whether nothing is left to ask for.
    pub(super) fn is_complete(&self) -> bool {
        self.total == Some(self.received)
    }

    /// Forgets everything received and starts on `version` of the file.
    pub(super) fn begin_anew(&mut self, version: Option<String>, total: Option<u64>) -> Result<(), Error> {
        self.compressed.set_len(0).map_err(|source| Error::cannot("write", &self.partial, source))?;
        self.received = 0;
        self.sum = Sha256::new();
        self.decoder = MultiGzDecoder::new(Decompressed::create(&self.path)?);
        let mut facts = Facts::default().with("address", &self.address);
        if let Some(version) = &version {
            facts = facts.with("version", version);
        }
        if let Some(total) = total {
            facts = facts.with("total", total);
        }
        facts.write(&self.partial)?;
        self.version = version;
        self.total = total;
        Ok(())
    }

    /// Takes everything that comes from `body`; an end before the known total counts as a cut.
    pub(super) fn receive(
        &mut self,
        body: &mut impl Read,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), Stop> {
        let mut block = vec![0; BLOCK];
        loop {
            progress(self.received, self.total);
            let length = match body.read(&mut block) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(Stop::Cut(error.to_string())),
            };
            self.compressed
                .write_all(&block[..length])
                .map_err(|source| Error::cannot("write", &self.partial, source))?;
            self.feed(&block[..length])?;
        }
        match self.total {
            Some(total) if total != self.received => Err(Stop::Cut(format!("{} of {total} bytes came", self.received))),
            _ => Ok(()),
        }
    }

    /// Adds received bytes to the sum and to the decompressed file.
    fn feed(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.sum.update(bytes);
        let fed = self.decoder.write_all(bytes);
        self.received += bytes.len() as u64;
        fed.map_err(|source| self.decoding_failed(source))
    }

    /// Gives the decompressed file its name, notes what it is, and deletes the compressed one.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        if let Err(source) = self.decoder.try_finish() {
            return Err(self.decoding_failed(source));
        }
        let Self { address, path, partial, received, sum, decoder, .. } = self;
        let decompressed = decoder.finish().map_err(|source| Error::cannot("write", &path, source))?;
        let (bytes, decompressed_sum) = decompressed.finish()?;
        Facts::default()
            .with("address", address)
            .with("bytes", bytes)
            .with("sha256", decompressed_sum)
            .with("compressed_bytes", received)
            .with("compressed_sha256", hexadecimal(sum))
            .write(&path)?;
        remove(&partial)
    }

    /// Tells what the decompressor dislikes from what the disk does; the former makes everything received worthless.
    fn decoding_failed(&mut self, source: io::Error) -> Error {
        if !matches!(source.kind(), ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::UnexpectedEof) {
            return Error::cannot("write", &beside(&self.path, "partial"), source);
        }
        let corrupt = Error::Corrupt { address: self.address.clone(), at: self.received, source };
        match self.begin_anew(None, None) {
            Ok(()) => corrupt,
            Err(error) => error,
        }
    }
}

/// Deletes a partial file and its note.
fn remove(partial: &Path) -> Result<(), Error> {
    for path in [partial, &beside(partial, "facts")] {
        fs::remove_file(path).map_err(|source| Error::cannot("delete", path, source))?;
    }
    Ok(())
}

/// The decompressed file while it grows.
struct Decompressed {
    file: BufWriter<NewFile>,
    bytes: u64,
    sum: Sha256,
}

impl Decompressed {
    fn create(path: &Path) -> Result<Self, Error> {
        Ok(Self { file: BufWriter::with_capacity(BLOCK, NewFile::create(path)?), bytes: 0, sum: Sha256::new() })
    }

    /// Gives the file its name; returns its length and sum.
    fn finish(mut self) -> Result<(u64, String), Error> {
        self.file.flush().map_err(|source| Error::cannot("write", self.file.get_ref().partial(), source))?;
        // Nothing is left in the buffer, so nothing is lost with it.
        let (file, _) = self.file.into_parts();
        file.finish()?;
        Ok((self.bytes, hexadecimal(self.sum)))
    }
}

impl Write for Decompressed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.bytes += written as u64;
        self.sum.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Whether the file has the length and the sum noted beside it.
pub(super) fn is_as_noted(path: &Path, facts: &Facts) -> bool {
    let is_as_long = path.metadata().is_ok_and(|metadata| facts.number("bytes") == Some(metadata.len()));
    is_as_long && sum_of(path).is_ok_and(|sum| facts.text("sha256") == Some(&sum))
}

fn sum_of(path: &Path) -> io::Result<String> {
    let mut file = BufReader::with_capacity(BLOCK, File::open(path)?);
    let mut sum = Sha256::new();
    loop {
        let block = file.fill_buf()?;
        let length = block.len();
        if length == 0 {
            return Ok(hexadecimal(sum));
        }
        sum.update(block);
        file.consume(length);
    }
}

fn hexadecimal(sum: Sha256) -> String {
    sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
