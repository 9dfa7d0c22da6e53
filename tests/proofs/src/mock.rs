//! A mock server that speaks just enough of PostgreSQL's protocol to serve one table. On request it misbehaves as no real
//! server does. It needs no PostgreSQL.
//!
//! Each connection has a thread that answers the requests in order, as the manual's chapter "Frontend/Backend Protocol"
//! describes. After an error the thread skips requests until the next *sync*. A failed transaction answers every further
//! request with the error 25P02. A reader must not report 25P02 in place of the original error.

use std::io::{self, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use tempfile::TempDir;

/// The behaviour of a mock at the row of the fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// It sends the row.
    Correct,
    /// It ignores the page size and sends all rows, as some proxies do.
    IgnoresLimit,
    /// It sends nothing more and keeps the connection open.
    Stalls,
    /// It sends half of the row, and closes.
    Cuts,
    /// It closes before the row.
    Closes,
    /// It sends these bytes in place of the row.
    Garbles(&'static [u8]),
    /// It reports a division by zero.
    Fails,
}

/// A mock server on its own Unix socket. After its drop it accepts no more connections.
pub struct Mock {
    folder: TempDir,
    ended: Arc<AtomicBool>,
}

const SOCKET: &str = ".s.PGSQL.5432";

impl Mock {
    /// Serves a table of `rows` rows, and misbehaves at row number `at`.
    pub fn start(rows: i32, at: i32, behaviour: Behaviour) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("gl-mock-").tempdir()?;
        let listener = UnixListener::bind(folder.path().join(SOCKET))?;
        let ended = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&ended);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let (out, next, skipping, failed, mute) = (Vec::new(), 1, false, false, false);
                let session = Session { stream, rows, at, behaviour, out, next, skipping, failed, mute };
                // A client may disconnect at any time.
                thread::spawn(move || session.serve());
            }
        });
        Ok(Mock { folder, ended })
    }

    /// The server's address.
    pub fn url(&self) -> String {
        format!("postgresql://goldilocks@{}/postgres", crate::faults::host(self.folder.path()))
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // Wakes the listener.
        let _ = UnixStream::connect(self.folder.path().join(SOCKET));
    }
}

/// One connection.
struct Session {
    stream: UnixStream,
    rows: i32,
    at: i32,
    behaviour: Behaviour,
    /// Bytes to send.
    out: Vec<u8>,
    /// The next row of the portal.
    next: i32,
    /// Whether requests are skipped until the next sync, because of an error.
    skipping: bool,
    /// Whether the transaction has failed.
    failed: bool,
    mute: bool,
}

/// Whether the connection stays open.
type GoesOn = io::Result<bool>;

impl Session {
    fn serve(mut self) -> io::Result<()> {
        let mut requests = BufReader::new(self.stream.try_clone()?);
        body(&mut requests)?;
        self.send(b'R', &0_i32.to_be_bytes());
        self.ready()?;
        loop {
            let mut kind = [0];
            requests.read_exact(&mut kind)?;
            let request = body(&mut requests)?;
            if !self.mute && !self.answer(kind[0], &request)? {
                // Closing a socket with unread requests would reset it instead of ending the stream.
                self.stream.shutdown(Shutdown::Write)?;
                return io::copy(&mut requests, &mut io::sink()).map(|_| ());
            }
        }
    }

    fn answer(&mut self, kind: u8, request: &[u8]) -> GoesOn {
        match kind {
            b'X' => return Ok(false),
            b'S' => {
                self.skipping = false;
                self.ready()?;
            }
            _ if self.skipping => {}
            b'Q' => {
                let word = request.split(|byte| !byte.is_ascii_alphabetic()).next().unwrap_or_default();
                self.failed &= word != b"ROLLBACK";
                self.send(b'C', &[word, b"\0"].concat());
                self.ready()?;
            }
            b'C' => self.send(b'3', &[]),
            _ if self.failed => {
                self.fail("25P02", "current transaction is aborted, commands ignored until end of transaction block");
            }
            b'P' => self.send(b'1', &[]),
            b'D' => self.describe(),
            b'B' => {
                self.next = 1;
                self.send(b'2', &[]);
            }
            b'E' => return self.execute(request.last_chunk().map_or(0, |last| i32::from_be_bytes(*last))),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Describes a statement with no parameters and two columns: an int4 and a text, by their type numbers.
    fn describe(&mut self) {
        self.send(b't', &0_i16.to_be_bytes());
        let mut columns = 2_i16.to_be_bytes().to_vec();
        for (name, kind, length) in [("product_id", 23_i32, 4_i16), ("product_name", 25, -1)] {
            // The column belongs to no table. Its type modifier is -1, and its format is 0 until the statement is bound.
            let column = [name.as_bytes(), &[0; 7], &kind.to_be_bytes(), &length.to_be_bytes(), &[255; 4], &[0; 2]];
            columns.extend(column.concat());
        }
        self.send(b'T', &columns);
    }

    fn execute(&mut self, limit: i32) -> GoesOn {
        let limit = if limit == 0 || self.behaviour == Behaviour::IgnoresLimit { i32::MAX } else { limit };
        for sent in 0..limit {
            if self.next > self.rows {
                self.send(b'C', format!("SELECT {sent}\0").as_bytes());
                return Ok(true);
            }
            let row = row(self.next);
            match self.behaviour {
                _ if self.next != self.at => self.out.extend(row),
                Behaviour::Correct | Behaviour::IgnoresLimit => self.out.extend(row),
                Behaviour::Garbles(bytes) => self.out.extend(bytes),
                Behaviour::Stalls => {
                    self.mute = true;
                    return self.flush();
                }
                Behaviour::Cuts => {
                    self.out.extend(&row[..row.len() / 2]);
                    return self.flush().map(|_| false);
                }
                Behaviour::Closes => return self.flush().map(|_| false),
                Behaviour::Fails => {
                    self.failed = true;
                    self.fail("22012", "division by zero");
                    return Ok(true);
                }
            }
            self.next += 1;
            if self.out.len() > 8192 {
                self.flush()?;
            }
        }
        self.send(b's', &[]);
        Ok(true)
    }

    fn fail(&mut self, code: &str, message: &str) {
        self.skipping = true;
        self.send(b'E', format!("SERROR\0VERROR\0C{code}\0M{message}\0\0").as_bytes());
    }

    fn ready(&mut self) -> GoesOn {
        self.send(b'Z', if self.failed { b"E" } else { b"T" });
        self.flush()
    }

    fn send(&mut self, kind: u8, body: &[u8]) {
        self.out.extend(message(kind, body));
    }

    fn flush(&mut self) -> GoesOn {
        self.stream.write_all(&self.out)?;
        self.out.clear();
        Ok(true)
    }
}

/// Reads a request's length and then its body.
fn body(requests: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    requests.read_exact(&mut length)?;
    let mut body = vec![0; (u32::from_be_bytes(length) as usize).saturating_sub(length.len())];
    requests.read_exact(&mut body)?;
    Ok(body)
}

/// A message of the protocol: its type byte, its length, its body.
pub(crate) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &(body.len() as u32 + 4).to_be_bytes(), body].concat()
}

fn row(number: i32) -> Vec<u8> {
    let name = format!("product {number}");
    let id = [&2_i16.to_be_bytes()[..], &4_i32.to_be_bytes(), &number.to_be_bytes()].concat();
    message(b'D', &[&id, &(name.len() as i32).to_be_bytes()[..], name.as_bytes()].concat())
}
