//! Tests downloads from a local server that deliberately misbehaves.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;
use std::time::Duration;

use datasets::Error;
use datasets::fetch::Source;
use datasets::ngrams::Recipe;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// The relevant parts of a request: the first requested byte, and the version to resume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Request {
    from: Option<usize>,
    if_range: Option<String>,
}

/// An answer, after which the server closes the connection.
struct Answer {
    status: &'static str,
    headers: Vec<String>,
    body: Vec<u8>,
}

impl Answer {
    fn status(status: &'static str) -> Self {
        Self { status, headers: vec!["Content-Length: 0".to_owned()], body: Vec::new() }
    }

    /// Answers with the whole file. `tag` is the version.
    fn whole(file: &[u8], tag: &str) -> Self {
        let headers = vec![format!("Content-Length: {}", file.len()), format!("ETag: {tag}")];
        Self { status: "200 OK", headers, body: file.to_vec() }
    }

    /// Answers correctly: with the rest if the version is still the same, otherwise with the whole file.
    fn honest(file: &[u8], tag: &str, request: &Request) -> Self {
        match request.from {
            Some(from) if request.if_range.as_deref() == Some(tag) && from < file.len() => {
                Self::rest(file, tag, from, from)
            }
            _ => Self::whole(file, tag),
        }
    }

    /// Answers with the file from byte `from` on, but claims to begin at byte `said`.
    fn rest(file: &[u8], tag: &str, from: usize, said: usize) -> Self {
        let mut answer = Self::whole(&file[from..], tag);
        answer.status = "206 Partial Content";
        answer.headers.push(format!("Content-Range: bytes {said}-{}/{}", file.len() - 1, file.len()));
        answer
    }

    /// Makes the server close the connection after `bytes` bytes of the body.
    fn cut_after(mut self, bytes: usize) -> Self {
        self.body.truncate(bytes);
        self
    }
}

/// A server whose answers are a function of the request and its number.
struct Server {
    address: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    fn start(mut answer: impl FnMut(usize, &Request) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/books/words.gz", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&requests);
        thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let request = read_request(&connection);
                let number = log.lock().unwrap().len();
                log.lock().unwrap().push(request.clone());
                let Answer { status, headers, body } = answer(number, &request);
                let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{}\r\n\r\n", headers.join("\r\n"));
                // The client may close the connection first.
                let _ = connection.write_all(head.as_bytes()).and_then(|()| connection.write_all(&body));
            }
        });
        Self { address, requests }
    }

    fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Returns the first byte that each request asks for.
    fn asked_from(&self) -> Vec<Option<usize>> {
        self.requests().into_iter().map(|request| request.from).collect()
    }

    fn source(&self) -> Source {
        Source { address: self.address.clone(), attempts: 3, pause: Duration::ZERO, silence: Duration::from_secs(20) }
    }

    fn fetch(&self, folder: &Path) -> Result<PathBuf, Error> {
        self.source().file(folder, &mut |_, _| ())
    }
}

fn read_request(connection: &TcpStream) -> Request {
    let mut request = Request::default();
    for line in BufReader::new(connection).lines() {
        let line = line.unwrap();
        let Some((name, value)) = line.split_once(": ") else { if line.is_empty() { break } else { continue } };
        match name.to_ascii_lowercase().as_str() {
            "range" => {
                request.from = Some(value.strip_prefix("bytes=").unwrap().strip_suffix('-').unwrap().parse().unwrap());
            }
            "if-range" => request.if_range = Some(value.to_owned()),
            _ => (),
        }
    }
    request
}

/// Makes a 1-gram file, plain and compressed.
fn words(seed: u64) -> (Vec<u8>, Vec<u8>) {
    let mut plain = Vec::new();
    Recipe { seed, bytes: 2_000_000, ..Recipe::default() }.write(&mut plain, &mut |_| ()).unwrap();
    let compressed = compress(&plain);
    (plain, compressed)
}

fn compress(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn sum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_is_downloaded_once_decompressed_and_with_its_sums() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, compressed) = &FILES.old;
    let server = Server::start(|_, request| old(request));
    let mut told = Vec::new();
    let path = server.source().file(folder.path(), &mut |done, total| told.push((done, total))).unwrap();

    assert!(fs::read(&path).unwrap() == *plain);
    assert_eq!(files(folder.path()), [".lock", "words.tsv", "words.tsv.facts"]);
    let facts = fs::read_to_string(folder.path().join("words.tsv.facts")).unwrap();
    assert_eq!(
        facts,
        format!(
            "address\t{}\nbytes\t{}\nsha256\t{}\ncompressed_bytes\t{}\ncompressed_sha256\t{}\n",
            server.address,
            plain.len(),
            sum(plain),
            compressed.len(),
            sum(compressed)
        )
    );
    let all = compressed.len() as u64;
    assert!(told.is_sorted());
    assert_eq!((told[0], told[told.len() - 1]), ((0, None), (all, Some(all))));

    assert_eq!(server.fetch(folder.path()).unwrap(), path);
    assert_eq!(server.requests().len(), 1);
}

/// The expected end of a call.
#[derive(Clone, Copy)]
enum End {
    /// A file with these bytes.
    File(&'static [u8]),
    /// An error that passes this test and contains this text. No file has the final name.
    Error(fn(&Error) -> bool, &'static str),
}

/// A case: its name, the answers of the server, the ends of consecutive calls, and the first byte of each request.
type Case = (&'static str, fn(usize, &Request) -> Answer, Vec<End>, Vec<Option<usize>>);

/// The files of the tests, plain and compressed.
struct Files {
    old: (Vec<u8>, Vec<u8>),
    new: (Vec<u8>, Vec<u8>),
    short: (Vec<u8>, Vec<u8>),
}

static FILES: LazyLock<Files> = LazyLock::new(|| {
    let short = b"Aardvark\t2008\t1\t1\n".to_vec();
    Files { old: words(1), new: words(2), short: (short.clone(), compress(&short)) }
});

/// Answers correctly with the old file.
fn old(request: &Request) -> Answer {
    Answer::honest(&FILES.old.1, "\"1\"", request)
}

/// Answers correctly with the new file.
fn new(request: &Request) -> Answer {
    Answer::honest(&FILES.new.1, "\"2\"", request)
}

/// Answers the first three requests with the old file up to `bytes` bytes. This fails the first call.
fn stopped_after(bytes: usize, number: usize, request: &Request) -> Option<Answer> {
    [bytes, 0, 0].get(number).map(|bytes| old(request).cut_after(*bytes))
}

/// Answers with the old file like a server that cannot resume.
fn all_of_old() -> Answer {
    Answer::whole(&FILES.old.1, "\"1\"")
}

/// The positions of cuts: within the gzip header, at its end, within the data, before the last byte.
static CUTS: LazyLock<[usize; 7]> = LazyLock::new(|| [1, 9, 10, 11, 5000, 300_000, FILES.old.1.len() - 1]);

/// The old file as a gzip file of several members, and the length of the first.
static MEMBERS: LazyLock<(Vec<u8>, usize)> = LazyLock::new(|| {
    let plain = &FILES.old.0;
    (plain.chunks(100_001).flat_map(compress).collect(), compress(&plain[..100_001]).len())
});

#[test]
fn every_server_fault_gives_the_right_file_or_an_error_without_a_file() {
    let (old_file, new_file) = (End::File(&FILES.old.0), End::File(&FILES.new.0));
    let cut_off = |text| End::Error(|error| matches!(error, Error::CutOff { attempts: 3, .. }), text);
    let corrupt = End::Error(|error| matches!(error, Error::Corrupt { .. }), "run the same command again");
    let missing = End::Error(|error| matches!(error, Error::Refused { status: 404, .. }), "/books/words.gz");
    let cases: Vec<Case> = vec![
        (
            "the connection is cut again and again",
            |number, request| match CUTS.get(number) {
                Some(cut) => old(request).cut_after(cut - request.from.unwrap_or(0)),
                None => old(request),
            },
            vec![old_file],
            std::iter::once(None).chain(CUTS.map(Some)).collect(),
        ),
        (
            "the second call resumes what the first one left",
            |number, request| stopped_after(200_000, number, request).unwrap_or_else(|| old(request)),
            vec![cut_off("at byte 200000"), old_file],
            vec![None, Some(200_000), Some(200_000), Some(200_000)],
        ),
        (
            "the server cannot resume",
            |number, _| if number < 2 { all_of_old().cut_after(100_000 * (number + 1)) } else { all_of_old() },
            vec![old_file],
            vec![None, Some(100_000), Some(200_000)],
        ),
        (
            "the file has no strong version, so nothing is resumed",
            |number, _| {
                let answer = Answer::whole(&FILES.old.1, "W/\"weak tags compare meaning, not bytes\"");
                if number == 0 { answer.cut_after(100_000) } else { answer }
            },
            vec![old_file],
            vec![None, None],
        ),
        (
            "the server starts again each time and never gets further",
            |_, _| all_of_old().cut_after(100_000),
            vec![cut_off("run the same command again to resume")],
            vec![None, Some(100_000), Some(100_000)],
        ),
        (
            "the file changes during the download",
            |number, request| match number {
                0 => old(request).cut_after(300_000),
                _ => new(request),
            },
            vec![new_file],
            vec![None, Some(300_000)],
        ),
        (
            "the file changes between two calls",
            |number, request| stopped_after(300_000, number, request).unwrap_or_else(|| new(request)),
            vec![cut_off(""), new_file],
            vec![None, Some(300_000), Some(300_000), Some(300_000)],
        ),
        (
            "the file becomes shorter",
            |number, request| match (number, request.from) {
                (0, _) => all_of_old().cut_after(300_000),
                (_, Some(_)) => Answer::status("416 Range Not Satisfiable"),
                _ => Answer::whole(&FILES.short.1, "\"2\""),
            },
            vec![End::File(&FILES.short.0)],
            vec![None, Some(300_000), None],
        ),
        (
            "the server sends another range than the requested one",
            |number, request| match number {
                0 => all_of_old().cut_after(100_000),
                1 => Answer::rest(&FILES.old.1, "\"1\"", 0, 0),
                _ => old(request),
            },
            vec![old_file],
            vec![None, Some(100_000), None],
        ),
        (
            "the server promises more than it has",
            |_, request| {
                let promised = [&FILES.old.1[..], &[0; 1000]].concat();
                Answer::honest(&promised, "\"1\"", request).cut_after(FILES.old.1.len() - request.from.unwrap_or(0))
            },
            vec![cut_off("")],
            vec![None, Some(FILES.old.1.len()), Some(FILES.old.1.len())],
        ),
        (
            "the server promises less than the file has",
            |_, _| Answer::whole(&FILES.old.1[..FILES.old.1.len() / 2], "\"1\""),
            vec![corrupt],
            vec![None],
        ),
        (
            "the gzip file is damaged, then it is a web page, then it is whole",
            |number, request| match number {
                0 => {
                    let mut damaged = FILES.old.1.clone();
                    damaged[200_000] ^= 1;
                    Answer::whole(&damaged, "\"1\"")
                }
                1 => Answer::whole(b"<html>Please sign in to this network</html>", "\"2\""),
                _ => old(request),
            },
            vec![corrupt, corrupt, old_file],
            vec![None, None, None],
        ),
        (
            "the connection is cut between two members of a gzip file, where it seems to end",
            |number, request| {
                let (members, first) = &*MEMBERS;
                let answer = Answer::honest(members, "\"1\"", request);
                if number == 0 { answer.cut_after(*first) } else { answer }
            },
            vec![old_file],
            vec![None, Some(MEMBERS.1)],
        ),
        ("the file is missing", |_, _| Answer::status("404 Not Found"), vec![missing], vec![None]),
        (
            "the server is busy twice",
            |number, request| match number {
                0 => Answer::status("503 Service Unavailable"),
                1 => Answer::status("429 Too Many Requests"),
                _ => old(request),
            },
            vec![old_file],
            vec![None, None, None],
        ),
        (
            "the server is always busy",
            |_, _| Answer::status("503 Service Unavailable"),
            vec![cut_off("at byte 0 (status 503")],
            vec![None, None, None],
        ),
    ];
    for (case, answer, ends, asked_from) in cases {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(answer);
        for (call, end) in ends.into_iter().enumerate() {
            match (server.fetch(folder.path()), end) {
                (Ok(path), End::File(bytes)) => assert!(fs::read(path).unwrap() == bytes, "{case}, call {call}"),
                (Err(error), End::Error(is, says)) => {
                    assert!(is(&error) && error.to_string().contains(says), "{case}, call {call}: {error}");
                    assert!(!folder.path().join("words.tsv").exists(), "{case}, call {call}");
                }
                (Ok(_), End::Error(_, says)) => panic!("{case}, call {call}: no error that says {says}"),
                (Err(error), End::File(_)) => panic!("{case}, call {call}: {error}"),
            }
        }
        assert_eq!(server.asked_from(), asked_from, "{case}");
        let resumed = server.requests().into_iter().filter(|request| request.from.is_some());
        for request in resumed {
            assert_eq!(request.if_range.as_deref(), Some("\"1\""), "{case}");
        }
    }
}

#[test]
fn a_partial_file_that_is_damaged_is_downloaded_again() {
    let folder = tempfile::tempdir().unwrap();
    let server =
        Server::start(|number, request| stopped_after(300_000, number, request).unwrap_or_else(|| old(request)));
    server.fetch(folder.path()).unwrap_err();
    let partial = folder.path().join("words.tsv.gz.partial");
    let mut left = fs::read(&partial).unwrap();
    assert_eq!(left.len(), 300_000);
    // After a power cut, the length may be right and the bytes wrong.
    left[..4096].fill(0);
    fs::write(&partial, left).unwrap();
    let path = server.fetch(folder.path()).unwrap();
    assert!(fs::read(path).unwrap() == FILES.old.0);
    assert_eq!(server.asked_from().last(), Some(&None));
}

#[test]
fn a_finished_file_that_was_damaged_is_downloaded_again() {
    let folder = tempfile::tempdir().unwrap();
    let plain = &FILES.old.0;
    let server = Server::start(|_, request| old(request));
    let path = server.fetch(folder.path()).unwrap();
    let mut damaged = plain.clone();
    damaged[1_000_000] ^= 1;
    fs::write(&path, damaged).unwrap();
    assert_eq!(server.fetch(folder.path()).unwrap(), path);
    assert!(fs::read(&path).unwrap() == *plain);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn an_unreachable_server_is_an_error_that_suggests_generated_data() {
    let folder = tempfile::tempdir().unwrap();
    // The port was free a moment ago, so no program listens there.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/books/words.gz", listener.local_addr().unwrap());
    drop(listener);
    let source = Source { address: address.clone(), ..Source::default() };
    let error = source.file(folder.path(), &mut |_, _| ()).unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    let message = error.to_string();
    assert!(message.contains(&address) && message.contains("use generated 1-grams instead"), "{message}");
}

#[test]
fn a_server_that_ends_during_a_download_counts_as_a_cut() {
    let folder = tempfile::tempdir().unwrap();
    let compressed = &FILES.old.1;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/books/words.gz", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        drop(listener);
        read_request(&connection);
        let head = format!("HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: {}\r\n\r\n", compressed.len());
        connection.write_all(head.as_bytes()).unwrap();
        connection.write_all(&compressed[..100_000]).unwrap();
    });
    let source = Source { address, attempts: 3, pause: Duration::ZERO, ..Source::default() };
    let error = source.file(folder.path(), &mut |_, _| ()).unwrap_err();
    server.join().unwrap();
    assert!(matches!(error, Error::CutOff { at: 100_000, .. }), "{error}");
}

#[test]
fn an_address_without_http_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for address in ["https://127.0.0.1:1/words.gz", "ftp://127.0.0.1:1/words.gz", "words.gz"] {
        let source = Source { address: address.to_owned(), ..Source::default() };
        let error = source.file(folder.path(), &mut |_, _| ()).unwrap_err();
        assert!(matches!(error, Error::Unreachable { .. }), "{address}: {error}");
    }
}
