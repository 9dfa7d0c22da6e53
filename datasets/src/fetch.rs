//! Downloads the real 1-gram file of the book once. A download resumes after a cut and decompresses the bytes as they
//! arrive.
//!
//! How it works:
//!
//! 1. [`Source::file`] requests the compressed file from the byte where an earlier attempt ended.
//! 2. A `Download` stores the received bytes on disk and decompresses them.
//! 3. After a cut, `Source` requests the rest. If the server cannot resume, or the file has changed, the download
//!    starts again.
//! 4. A metadata file beside the finished file keeps the lengths and SHA-256 sums. Every later call checks these.

mod download;

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use ureq::http::{HeaderMap, Response, StatusCode, header};
use ureq::{Agent, Body};

use crate::error::Error;
use crate::kept_file::{Metadata, keep};
use download::{Download, Stop};

/// The address of Google's 1-grams that begin with *a* (version 20120701, which the book uses).
pub const ADDRESS: &str = "http://storage.googleapis.com/books/ngrams/books/googlebooks-eng-all-1gram-20120701-a.gz";

/// A gzip file on an HTTP server, and the limits of a download.
#[derive(Clone, Debug)]
pub struct Source {
    /// The address, with `http` only.
    pub address: String,
    /// The number of consecutive cuts after which the download fails. New bytes reset the count.
    pub attempts: u32,
    /// The pause after the first cut. Each further pause is twice as long.
    pub pause: Duration,
    /// The time that a connection may take to open or stay silent before it counts as cut.
    pub silence: Duration,
}

impl Default for Source {
    /// The file of the book at [`ADDRESS`], with five attempts within about 15 seconds and 60 seconds of silence.
    fn default() -> Self {
        Self {
            address: ADDRESS.to_owned(),
            attempts: 5,
            pause: Duration::from_secs(1),
            silence: Duration::from_secs(60),
        }
    }
}

impl Source {
    /// Returns the path of the decompressed file in `folder`. Downloads the file unless an earlier call has done so.
    ///
    /// `progress` receives the number of compressed bytes so far, and the total if the server names it. The file gets
    /// its name when it is complete. Until then a partial file keeps the bytes for the next call.
    ///
    /// # Errors
    ///
    /// When there is no connection, or the server refuses, cuts the connection too often or does not send a gzip file.
    /// Also when the folder is not writable.
    pub fn file(&self, folder: &Path, progress: &mut dyn FnMut(u64, Option<u64>)) -> Result<PathBuf, Error> {
        let path = folder.join(self.file_name());
        let is_kept = |metadata: &Metadata| {
            metadata.text("address") == Some(&self.shown_address()) && download::matches_metadata(&path, metadata)
        };
        keep(&path, is_kept, || {
            let mut download = Download::open(&self.shown_address(), &path)?;
            progress(download.received, download.total);
            self.receive_all(&mut download, progress)?;
            download.finish()
        })?;
        Ok(path)
    }

    /// Returns the address without user name and password, for messages and metadata.
    fn shown_address(&self) -> String {
        let Some((scheme, rest)) = self.address.split_once("://") else { return self.address.clone() };
        let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        format!("{scheme}://{host}{path}")
    }

    /// Returns the SHA-256 sums of a downloaded file: compressed, as it came, and decompressed.
    pub fn sums(path: &Path) -> Option<[String; 2]> {
        let metadata = Metadata::read(path)?;
        let sum = |name| metadata.text(name).map(str::to_owned);
        Some([sum("compressed_sha256")?, sum("sha256")?])
    }

    /// Returns the name of the decompressed file: the last part of the address, with `.tsv` instead of `.gz`.
    pub fn file_name(&self) -> String {
        let path = self.address.split(['?', '#']).next().unwrap_or_default();
        let name = path.rsplit('/').next().unwrap_or_default();
        format!("{}.tsv", name.strip_suffix(".gz").unwrap_or(name))
    }

    /// Sends requests until all bytes have arrived.
    fn receive_all(&self, download: &mut Download, progress: &mut dyn FnMut(u64, Option<u64>)) -> Result<(), Error> {
        let agent = self.agent();
        let resumed_at = download.received;
        let mut furthest = resumed_at;
        let mut attempts = 0;
        while !download.is_complete() {
            let reason = match self.receive_once(&agent, download, progress) {
                Ok(()) => return Ok(()),
                Err(Stop::Failed(error)) => return Err(error),
                Err(Stop::Unreachable(reason)) if furthest == resumed_at => {
                    return Err(Error::Unreachable { address: self.shown_address(), reason });
                }
                Err(Stop::Unreachable(reason) | Stop::Cut(reason)) => reason,
            };
            // A server that always starts again must get further each time. Otherwise this loop would never end.
            attempts = if download.received > furthest { 1 } else { attempts + 1 };
            furthest = furthest.max(download.received);
            if attempts >= self.attempts {
                return Err(Error::CutOff {
                    address: self.shown_address(),
                    attempts,
                    at: download.received,
                    reason,
                    partial: download.partial.clone(),
                });
            }
            thread::sleep(self.pause * 2_u32.saturating_pow(attempts - 1));
        }
        Ok(())
    }

    /// Sends one request and receives the whole answer.
    fn receive_once(
        &self,
        agent: &Agent,
        download: &mut Download,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), Stop> {
        let mut request = agent.get(&self.address);
        if let Some(version) = download.version.as_deref().filter(|_| download.received > 0) {
            // If the version of the file has changed, the server sends the whole file.
            request = request
                .header(header::RANGE, format!("bytes={}-", download.received))
                .header(header::IF_RANGE, version);
        }
        let response = request.call().map_err(|error| {
            // An error of the address repeats the address, which may contain a password.
            why_no_answer(&error, error.to_string().replace(&self.address, &self.shown_address()))
        })?;
        self.accept(&response, download)?;

        let mut body = response.into_body().into_with_config().limit(u64::MAX).reader();
        download.receive(&mut body, progress)
    }

    /// Checks that the body continues the download. Otherwise starts the download again.
    fn accept(&self, response: &Response<Body>, download: &mut Download) -> Result<(), Stop> {
        let headers = response.headers();
        match response.status() {
            StatusCode::OK => Ok(download.start_again(version(headers), length(headers))?),
            StatusCode::PARTIAL_CONTENT => {
                let continues = text(headers, &header::CONTENT_RANGE).and_then(content_range)
                    == Some((download.received, download.total));
                if continues { Ok(()) } else { self.distrust(download, "it sent another range than the requested one") }
            }
            StatusCode::RANGE_NOT_SATISFIABLE => self.distrust(download, "the file has become shorter"),
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Err(busy(response.status())),
            status if status.is_server_error() => Err(busy(status)),
            status => Err(Stop::Failed(Error::Refused { address: self.shown_address(), status: status.as_u16() })),
        }
    }

    /// Deletes the received bytes, so that the next attempt requests the whole file.
    fn distrust(&self, download: &mut Download, reason: &str) -> Result<(), Stop> {
        download.start_again(None, None)?;
        Err(Stop::Cut(reason.to_owned()))
    }

    fn agent(&self) -> Agent {
        Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(concat!("goldilocks/", env!("CARGO_PKG_VERSION")))
            // Requests the stored bytes, so that the transfer neither compresses nor decompresses them.
            .accept_encoding("identity")
            .timeout_connect(Some(self.silence))
            .timeout_recv_response(Some(self.silence))
            .timeout_per_read(Some(self.silence))
            .build()
            .into()
    }
}

fn busy(status: StatusCode) -> Stop {
    Stop::Cut(format!("status {status}"))
}

/// Distinguishes a missing server from a broken connection.
fn why_no_answer(error: &ureq::Error, reason: String) -> Stop {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionReset, TimedOut, UnexpectedEof};
    use ureq::Timeout;

    let broke = match error {
        ureq::Error::Io(source) => {
            matches!(source.kind(), ConnectionAborted | ConnectionReset | TimedOut | UnexpectedEof)
        }
        ureq::Error::Timeout(which) => !matches!(which, Timeout::Connect | Timeout::Resolve),
        ureq::Error::Protocol(_) => true,
        _ => false,
    };
    if broke { Stop::Cut(reason) } else { Stop::Unreachable(reason) }
}

/// Returns the version of the file: a strong entity tag, otherwise the date of the last change.
fn version(headers: &HeaderMap) -> Option<String> {
    text(headers, &header::ETAG)
        .filter(|tag| !tag.starts_with("W/"))
        .or_else(|| text(headers, &header::LAST_MODIFIED))
        .map(str::to_owned)
}

fn length(headers: &HeaderMap) -> Option<u64> {
    text(headers, &header::CONTENT_LENGTH)?.parse().ok()
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Parses the first byte and the total length from `bytes 500-999/1000` or `bytes 500-999/*`.
fn content_range(value: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = range.split_once('-')?;
    Some((first.parse().ok()?, total.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_named_after_the_address() {
        assert_eq!(Source::default().file_name(), "googlebooks-eng-all-1gram-20120701-a.tsv");
        let other = Source { address: "http://example.org/x/b.gz?generation=1".to_owned(), ..Source::default() };
        assert_eq!(other.file_name(), "b.tsv");
    }

    #[test]
    fn an_address_is_shown_without_user_and_password() {
        let shown = |address: &str| Source { address: address.to_owned(), ..Source::default() }.shown_address();
        assert_eq!(shown(ADDRESS), ADDRESS);
        assert_eq!(shown("http://me:p@ss@example.org:80/a@b.gz?c=d@e"), "http://example.org:80/a@b.gz?c=d@e");
        assert_eq!(shown("http://me@example.org"), "http://example.org");
        assert_eq!(shown("a@b.gz"), "a@b.gz");
    }

    #[test]
    fn a_content_range_is_read_with_and_without_total() {
        assert_eq!(content_range("bytes 500-999/1000"), Some((500, Some(1000))));
        assert_eq!(content_range("bytes 500-999/*"), Some((500, None)));
        assert_eq!(content_range("bytes */1000"), None);
    }
}
