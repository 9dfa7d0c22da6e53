//! A download on disk. It stores compressed bytes and decompresses them as they arrive.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use flate2::write::MultiGzDecoder;
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::kept_file::{Metadata, PartialFile, beside};

/// The number of bytes read at once from the network or the disk.
const BLOCK: usize = 256 << 10;

/// The reason why an attempt ended before the end of the file.
pub(super) enum Stop {
    /// There is no connection.
    Unreachable(String),
    /// The connection broke, or another fault occurred that a new attempt may avoid.
    Cut(String),
    /// A new attempt would not help.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// The compressed bytes so far, in `<path>.gz.partial`, and the decompressed file.
///
/// The state of the decompressor is not on disk. [`Download::open`] restores the state by decompressing the bytes of an
/// earlier process again.
pub(super) struct Download {
    address: String,
    path: PathBuf,
    /// The path of the compressed bytes.
    pub(super) partial: PathBuf,
    compressed: File,
    /// The number of compressed bytes received so far.
    pub(super) received: u64,
    sum: Sha256,
    /// The version of the file in the form of `If-Range`, if the server names versions.
    pub(super) version: Option<String>,
    /// The length of the compressed file, if known.
    pub(super) total: Option<u64>,
    decoder: MultiGzDecoder<Decompressed>,
}

impl Download {
    /// Resumes an earlier download of `address`, or starts one.
    pub(super) fn open(address: &str, path: &Path) -> Result<Self, Error> {
        let partial = beside(path, "gz.partial");
        let compressed = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .open(&partial)
            .map_err(|cause| Error::file("open", &partial, cause))?;
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
        let metadata = Metadata::read(&download.partial).filter(|metadata| metadata.text("address") == Some(address));
        match metadata {
            Some(metadata) if metadata.text("version").is_some() => {
                download.version = metadata.text("version").map(str::to_owned);
                download.total = metadata.number("total");
                download.feed_partial()?;
            }
            // A download without a known version cannot resume.
            _ => download.start_again(None, None)?,
        }
        Ok(download)
    }

    /// Feeds the bytes that an earlier process received.
    fn feed_partial(&mut self) -> Result<(), Error> {
        let left = File::open(&self.partial).map_err(|cause| Error::file("open", &self.partial, cause))?;
        let mut left = BufReader::with_capacity(BLOCK, left);
        loop {
            let block = left.fill_buf().map_err(|cause| Error::file("read", &self.partial, cause))?;
            let length = block.len();
            if length == 0 {
                break;
            }
            match self.feed(block) {
                // After a power cut the file may contain bytes that were never received.
                Err(Error::Corrupt { .. }) => return self.start_again(None, None),
                fed => fed?,
            }
            left.consume(length);
        }
        if self.total.is_some_and(|total| self.received > total) { self.start_again(None, None) } else { Ok(()) }
    }

    /// Returns `true` if all bytes have arrived.
    pub(super) fn is_complete(&self) -> bool {
        self.total == Some(self.received)
    }

    /// Deletes all received bytes and starts again with `version` of the file.
    pub(super) fn start_again(&mut self, version: Option<String>, total: Option<u64>) -> Result<(), Error> {
        self.compressed.set_len(0).map_err(|cause| Error::file("write", &self.partial, cause))?;
        self.received = 0;
        self.sum = Sha256::new();
        self.decoder = MultiGzDecoder::new(Decompressed::create(&self.path)?);
        let mut metadata = Metadata::default().with("address", &self.address);
        if let Some(version) = &version {
            metadata = metadata.with("version", version);
        }
        if let Some(total) = total {
            metadata = metadata.with("total", total);
        }
        metadata.write(&self.partial)?;
        self.version = version;
        self.total = total;
        Ok(())
    }

    /// Receives all of `body`. An end before the known total counts as a cut.
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
            self.compressed.write_all(&block[..length]).map_err(|cause| Error::file("write", &self.partial, cause))?;
            self.feed(&block[..length])?;
        }
        match self.total {
            Some(total) if total != self.received => {
                Err(Stop::Cut(format!("{} of {total} bytes arrived", self.received)))
            }
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

    /// Gives the decompressed file its name, writes the metadata and deletes the compressed file.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        if let Err(source) = self.decoder.try_finish() {
            return Err(self.decoding_failed(source));
        }
        let Self { address, path, partial, received, sum, decoder, .. } = self;
        let decompressed = decoder.finish().map_err(|cause| Error::file("write", &path, cause))?;
        let (bytes, decompressed_sum) = decompressed.finish()?;
        Metadata::default()
            .with("address", address)
            .with("bytes", bytes)
            .with("sha256", decompressed_sum)
            .with("compressed_bytes", received)
            .with("compressed_sha256", hexadecimal(sum))
            .write(&path)?;
        remove(&partial)
    }

    /// Distinguishes an error of the decompressor from an error of the disk. After an error of the decompressor, all
    /// received bytes are deleted.
    fn decoding_failed(&mut self, source: io::Error) -> Error {
        if !matches!(source.kind(), ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::UnexpectedEof) {
            return Error::file("write", &beside(&self.path, "partial"), source);
        }
        let corrupt = Error::Corrupt { address: self.address.clone(), at: self.received, source };
        match self.start_again(None, None) {
            Ok(()) => corrupt,
            Err(error) => error,
        }
    }
}

/// Deletes a partial file and its metadata.
fn remove(partial: &Path) -> Result<(), Error> {
    for path in [partial, &beside(partial, "facts")] {
        fs::remove_file(path).map_err(|cause| Error::file("delete", path, cause))?;
    }
    Ok(())
}

/// The decompressed file during the download.
struct Decompressed {
    file: PartialFile,
    bytes: u64,
    sum: Sha256,
}

impl Decompressed {
    fn create(path: &Path) -> Result<Self, Error> {
        Ok(Self { file: PartialFile::create(path)?, bytes: 0, sum: Sha256::new() })
    }

    /// Gives the file its name. Returns the length and the sum of the file.
    fn finish(self) -> Result<(u64, String), Error> {
        self.file.finish()?;
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

/// Returns `true` if the file has the length and the sum of its metadata.
pub(super) fn matches_metadata(path: &Path, metadata: &Metadata) -> bool {
    let is_as_long = path.metadata().is_ok_and(|file| metadata.number("bytes") == Some(file.len()));
    is_as_long && sum_of(path).is_ok_and(|sum| metadata.text("sha256") == Some(&sum))
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
