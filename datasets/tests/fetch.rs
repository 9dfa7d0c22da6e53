//! Downloads from a server that misbehaves on purpose, on this machine only.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use datasets::Error;
use datasets::fetch::Source;
use datasets::ngrams::Recipe;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// A request as far as it matters here: the first byte asked for, and the version it must go on from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Request {
    from: Option<usize>,
    if_range: Option<String>,
}

/// An answer; the connection is closed after it.
struct Answer {
    status: &'static str,
    headers: Vec<String>,
    body: Vec<u8>,
}

impl Answer {
    fn status(status: &'static str) -> Self {
        Self { status, headers: vec!["Content-Length: 0".to_owned()], body: Vec::new() }
    }

    /// The whole file; `tag` is its version.
    fn whole(file: &[u8], tag: &str) -> Self {
        let headers = vec![format!("Content-Length: {}", file.len()), format!("ETag: {tag}")];
        Self { status: "200 OK", headers, body: file.to_vec() }
    }

    /// What an honest server says: the rest if the version still holds, else everything.
    fn honest(file: &[u8], tag: &str, request: &Request) -> Self {
        match request.from {
            Some(from) if request.if_range.as_deref() == Some(tag) && from < file.len() => {
                Self::rest(file, tag, from, from)
            }
            _ => Self::whole(file, tag),
        }
    }

    /// The file from `from`, said to be from `said`.
    fn rest(file: &[u8], tag: &str, from: usize, said: usize) -> Self {
        let mut answer = Self::whole(&file[from..], tag);
        answer.status = "206 Partial Content";
        answer.headers.push(format!("Content-Range: bytes {said}-{}/{}", file.len() - 1, file.len()));
        answer
    }

    /// Closes the connection after so many bytes of the body.
    fn cut_after(mut self, bytes: usize) -> Self {
        self.body.truncate(bytes);
        self
    }
}

/// A server whose answer to the n-th request is the n-th call of a function.
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
                // The client may hang up first; that is its right.
                let _ = connection.write_all(head.as_bytes()).and_then(|()| connection.write_all(&body));
            }
        });
        Self { address, requests }
    }

    fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The first bytes asked for, request by request.
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

/// A 1-gram file, plain and compressed.
fn words(seed: u64) -> (Vec<u8>, Vec<u8>) {
    let mut plain = Vec::new();
    Recipe { seed, bytes: 2_000_000, shuffled: false, zipf: None }.write(&mut plain, &mut |_| ()).unwrap();
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
fn the_file_arrives_decompressed_with_its_sums_and_is_not_asked_for_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, compressed) = words(1);
    let server = {
        let compressed = compressed.clone();
        Server::start(move |_, request| Answer::honest(&compressed, "\"1\"", request))
    };
    let mut told = Vec::new();
    let path = server.source().file(folder.path(), &mut |done, total| told.push((done, total))).unwrap();

    assert!(fs::read(&path).unwrap() == plain);
    assert_eq!(files(folder.path()), [".lock", "words.tsv", "words.tsv.facts"]);
    let facts = fs::read_to_string(folder.path().join("words.tsv.facts")).unwrap();
    assert_eq!(
        facts,
        format!(
            "address\t{}\nbytes\t{}\nsha256\t{}\ncompressed_bytes\t{}\ncompressed_sha256\t{}\n",
            server.address,
            plain.len(),
            sum(&plain),
            compressed.len(),
            sum(&compressed)
        )
    );
    let all = compressed.len() as u64;
    assert!(told.is_sorted());
    assert_eq!((told[0], told[told.len() - 1]), ((0, None), (all, Some(all))));

    assert_eq!(server.fetch(folder.path()).unwrap(), path);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_connection_that_is_cut_again_and_again_is_resumed_where_it_ended() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, compressed) = words(1);
    // Within the gzip header, at its end, within the data, before the last byte.
    let cuts = [1, 9, 10, 11, 5000, 300_000, compressed.len() - 1];
    let server = Server::start(move |number, request| {
        let answer = Answer::honest(&compressed, "\"1\"", request);
        match cuts.get(number) {
            Some(cut) => answer.cut_after(cut - request.from.unwrap_or(0)),
            None => answer,
        }
    });
    let path = server.fetch(folder.path()).unwrap();
    assert!(fs::read(path).unwrap() == plain);
    let expected: Vec<Option<usize>> = std::iter::once(None).chain(cuts.map(Some)).collect();
    assert_eq!(server.asked_from(), expected);
    assert!(server.requests()[1..].iter().all(|request| request.if_range.as_deref() == Some("\"1\"")));
}

#[test]
fn a_later_call_goes_on_from_what_an_earlier_one_left() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, compressed) = words(1);
    let server = Server::start(move |number, request| {
        let answer = Answer::honest(&compressed, "\"1\"", request);
        match number {
            0 => answer.cut_after(200_000),
            1 | 2 => answer.cut_after(0),
            _ => answer,
        }
    });
    let error = server.fetch(folder.path()).unwrap_err();
    assert!(matches!(error, Error::CutOff { attempts: 3, at: 200_000, .. }), "{error}");
    assert!(error.to_string().contains("run the same command again to go on from there"), "{error}");
    assert!(!folder.path().join("words.tsv").exists());

    let requests = server.requests().len();
    let path = server.fetch(folder.path()).unwrap();
    assert_eq!(server.asked_from()[requests..], [Some(200_000)]);
    assert!(fs::read(path).unwrap() == plain);
}

#[test]
fn a_server_that_cannot_resume_is_asked_for_everything_again() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, compressed) = words(1);
    let server = Server::start(move |number, _| {
        let answer = Answer::whole(&compressed, "\"1\"");
        if number < 2 { answer.cut_after(100_000 * (number + 1)) } else { answer }
    });
    let path = server.fetch(folder.path()).unwrap();
    assert!(fs::read(path).unwrap() == plain);
    assert_eq!(server.asked_from(), [None, Some(100_000), Some(200_000)]);
}

#[test]
fn without_a_version_nothing_is_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, compressed) = words(1);
    let server = Server::start(move |number, _| {
        let mut answer = Answer::whole(&compressed, "W/\"weak tags compare meaning, not bytes\"");
        if number == 0 {
            answer = answer.cut_after(100_000);
        }
        answer
    });
    let path = server.fetch(folder.path()).unwrap();
    assert!(fs::read(path).unwrap() == plain);
    assert_eq!(server.asked_from(), [None, None]);
}

#[test]
fn a_server_that_begins_anew_and_never_gets_further_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let (_, compressed) = words(1);
    let server = Server::start(move |_, _| Answer::whole(&compressed, "\"1\"").cut_after(100_000));
    let error = server.fetch(folder.path()).unwrap_err();
    assert!(matches!(error, Error::CutOff { attempts: 3, .. }), "{error}");
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_file_that_changes_while_it_is_received_is_received_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (_, old) = words(1);
    let (plain, new) = words(2);
    let server = Server::start(move |number, request| match number {
        0 => Answer::honest(&old, "\"old\"", request).cut_after(300_000),
        _ => Answer::honest(&new, "\"new\"", request),
    });
    let path = server.fetch(folder.path()).unwrap();
    assert!(fs::read(path).unwrap() == plain);
    assert_eq!(server.asked_from(), [None, Some(300_000)]);
}

#[test]
fn a_file_that_changes_between_two_calls_is_received_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (_, old) = words(1);
    let (plain, new) = words(2);
    let server = Server::start(move |number, request| match number {
        0 => Answer::honest(&old, "\"old\"", request).cut_after(300_000),
        1 | 2 => Answer::honest(&old, "\"old\"", request).cut_after(0),
        _ => Answer::honest(&new, "\"new\"", request),
    });
    server.source().file(folder.path(), &mut |_, _| ()).unwrap_err();
    let path = server.fetch(folder.path()).unwrap();
    assert!(fs::read(path).unwrap() == plain);
}

#[test]
fn a_file_that_becomes_shorter_is_received_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (_, old) = words(1);
    let plain = b"Aardvark\t2008\t1\t1\n";
    let new = compress(plain);
    let server = Server::start(move |number, request| match (number, request.from) {
        (0, _) => Answer::whole(&old, "\"old\"").cut_after(300_000),
        (_, Some(_)) => Answer::status("416 Range Not Satisfiable"),
        _ => Answer::whole(&new, "\"new\""),
    });
    let path = server.fetch(folder.path()).unwrap();
    assert_eq!(fs::read(path).unwrap(), plain);
    assert_eq!(server.asked_from(), [None, Some(300_000), None]);
}

#[test]
fn a_range_that_was_not_asked_for_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, compressed) = words(1);
    let server = Server::start(move |number, request| match number {
        0 => Answer::whole(&compressed, "\"1\"").cut_after(100_000),
        1 => Answer::rest(&compressed, "\"1\"", 0, 0),
        _ => Answer::honest(&compressed, "\"1\"", request),
    });
    let path = server.fetch(folder.path()).unwrap();
    assert!(fs::read(path).unwrap() == plain);
    assert_eq!(server.asked_from(), [None, Some(100_000), None]);
}

#[test]
fn a_server_that_promises_more_than_it_has_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let (_, compressed) = words(1);
    let server = Server::start(move |_, request| {
        let mut promised = compressed.clone();
        promised.extend_from_slice(&[0; 1000]);
        let there = compressed.len() - request.from.unwrap_or(0);
        Answer::honest(&promised, "\"1\"", request).cut_after(there)
    });
    let error = server.fetch(folder.path()).unwrap_err();
    assert!(matches!(error, Error::CutOff { .. }), "{error}");
    assert!(!folder.path().join("words.tsv").exists());
}

#[test]
fn a_server_that_promises_less_than_the_file_has_sends_no_whole_gzip_file() {
    let folder = tempfile::tempdir().unwrap();
    let (_, compressed) = words(1);
    let server = Server::start(move |_, _| Answer::whole(&compressed[..compressed.len() / 2], "\"1\""));
    let error = server.fetch(folder.path()).unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
    assert!(!folder.path().join("words.tsv").exists());
}

#[test]
fn corrupt_gzip_is_refused_and_deleted_and_the_next_call_starts_over() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, compressed) = words(1);
    let mut damaged = compressed.clone();
    damaged[200_000] ^= 1;
    let server = Server::start(move |number, request| match number {
        0 => Answer::whole(&damaged, "\"1\""),
        1 => Answer::whole(b"<html>Please sign in to this network</html>", "\"2\""),
        _ => Answer::honest(&compressed, "\"1\"", request),
    });
    for _ in 0..2 {
        let error = server.fetch(folder.path()).unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error}");
        assert!(error.to_string().contains("run the same command again"), "{error}");
        assert!(!folder.path().join("words.tsv").exists());
    }
    let path = server.fetch(folder.path()).unwrap();
    assert!(fs::read(path).unwrap() == plain);
    assert_eq!(server.asked_from(), [None, None, None]);
}

#[test]
fn what_is_left_on_disk_is_not_believed_when_it_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, compressed) = words(1);
    let server = Server::start(move |number, request| {
        let answer = Answer::honest(&compressed, "\"1\"", request);
        match number {
            0 => answer.cut_after(300_000),
            1 | 2 => answer.cut_after(0),
            _ => answer,
        }
    });
    server.fetch(folder.path()).unwrap_err();
    let partial = folder.path().join("words.tsv.gz.partial");
    let mut left = fs::read(&partial).unwrap();
    assert_eq!(left.len(), 300_000);
    // As after a power cut: the length is there, the bytes are not.
    left[..4096].fill(0);
    fs::write(&partial, left).unwrap();
    let path = server.fetch(folder.path()).unwrap();
    assert!(fs::read(path).unwrap() == plain);
    assert_eq!(server.asked_from().last(), Some(&None));
}

#[test]
fn a_finished_file_that_was_damaged_is_downloaded_again() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, compressed) = words(1);
    let server = Server::start(move |_, request| Answer::honest(&compressed, "\"1\"", request));
    let path = server.fetch(folder.path()).unwrap();
    let mut damaged = plain.clone();
    damaged[1_000_000] ^= 1;
    fs::write(&path, damaged).unwrap();
    assert_eq!(server.fetch(folder.path()).unwrap(), path);
    assert!(fs::read(&path).unwrap() == plain);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_gzip_file_of_several_members_is_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, _) = words(1);
    let compressed: Vec<u8> = plain.chunks(100_001).flat_map(compress).collect();
    let first_member = compress(&plain[..100_001]).len();
    let server = Server::start(move |number, request| {
        let answer = Answer::honest(&compressed, "\"1\"", request);
        // Exactly between two members, where a file seems to end.
        if number == 0 { answer.cut_after(first_member) } else { answer }
    });
    let path = server.fetch(folder.path()).unwrap();
    assert!(fs::read(path).unwrap() == plain);
}

#[test]
fn a_missing_file_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_, _| Answer::status("404 Not Found"));
    let error = server.fetch(folder.path()).unwrap_err();
    assert!(matches!(error, Error::Refused { status: 404, .. }), "{error}");
    assert!(error.to_string().contains(&server.address), "{error}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_busy_server_is_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, compressed) = words(1);
    let server = Server::start(move |number, request| match number {
        0 => Answer::status("503 Service Unavailable"),
        1 => Answer::status("429 Too Many Requests"),
        _ => Answer::honest(&compressed, "\"1\"", request),
    });
    let path = server.fetch(folder.path()).unwrap();
    assert!(fs::read(path).unwrap() == plain);
}

#[test]
fn a_server_that_is_always_busy_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_, _| Answer::status("503 Service Unavailable"));
    let error = server.fetch(folder.path()).unwrap_err();
    assert!(matches!(error, Error::CutOff { attempts: 3, at: 0, .. }), "{error}");
    assert!(error.to_string().contains("503"), "{error}");
}

#[test]
fn without_a_server_the_generated_data_are_offered() {
    let folder = tempfile::tempdir().unwrap();
    // A port that was free a moment ago: nobody listens there.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/books/words.gz", listener.local_addr().unwrap());
    drop(listener);
    let source = Source { address: address.clone(), ..Source::default() };
    let error = source.file(folder.path(), &mut |_, _| ()).unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    let message = error.to_string();
    assert!(message.contains(&address), "{message}");
    assert!(message.contains("the download is optional, and the generated 1-grams are the alternative"), "{message}");
}

#[test]
fn a_server_that_goes_away_in_the_middle_is_a_cut_and_not_a_refusal() {
    let folder = tempfile::tempdir().unwrap();
    let (_, compressed) = words(1);
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
fn an_address_of_another_kind_is_refused_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    for address in ["https://127.0.0.1:1/words.gz", "ftp://127.0.0.1:1/words.gz", "words.gz"] {
        let source = Source { address: address.to_owned(), ..Source::default() };
        let error = source.file(folder.path(), &mut |_, _| ()).unwrap_err();
        assert!(matches!(error, Error::Unreachable { .. }), "{address}: {error}");
    }
}
