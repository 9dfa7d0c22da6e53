//! A server that knows just enough of PostgreSQL's protocol to serve one table, and that misbehaves when it is told to: it
//! needs no PostgreSQL, and does what none can be brought to do.
//!
//! How it works: every connection has a thread, which answers one request after the other. What it answers is PostgreSQL's
//! manual, chapter "Frontend/Backend Protocol". After an error it passes over everything until the next *sync*, and a
//! transaction that has failed answers every request with that fact: the echo that a reader must not take for the error.

use std::io::{self, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use tempfile::TempDir;

/// What a mock does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// What it should.
    Well,
    /// Sends all rows for a page, however few are asked for, as some proxies do.
    IgnoresLimit,
    /// Says nothing any more when it comes to the row, and stays.
    Stalls,
    /// Sends half of the row, and closes.
    Cuts,
    /// Closes before the row.
    Closes,
    /// Sends these bytes in place of the row.
    Garbles(&'static [u8]),
    /// Divides by zero at the row.
    Fails,
}

/// A server on a Unix socket of its own. Dropping it takes no more connections.
pub struct Mock {
    folder: TempDir,
    ended: Arc<AtomicBool>,
}

const SOCKET: &str = ".s.PGSQL.5432";

impl Mock {
    /// A table of so many rows, and what happens when it comes to the row with the number `at`.
    ///
    /// # Errors
    /// When there can be no socket.
    pub fn start(rows: i32, at: i32, manner: Manner) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("gl-mock-").tempdir()?;
        let listener = UnixListener::bind(folder.path().join(SOCKET))?;
        let ended = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&ended);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                // A client that goes away in the middle is no matter.
                thread::spawn(move || Session { rows, at, manner, ..Session::over(stream) }.serve());
            }
        });
        Ok(Mock { folder, ended })
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("postgresql://goldilocks@{}/postgres", crate::faults::host(self.folder.path()))
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // The listener waits for somebody.
        let _ = UnixStream::connect(self.folder.path().join(SOCKET));
    }
}

/// One connection.
struct Session {
    stream: UnixStream,
    rows: i32,
    at: i32,
    manner: Manner,
    /// What is to be sent.
    out: Vec<u8>,
    /// The row that the portal comes to.
    next: i32,
    /// An error was sent: requests are passed over until a sync.
    passing: bool,
    /// The transaction has failed.
    failed: bool,
    mute: bool,
}

/// Whether a connection goes on.
type Goes = io::Result<bool>;

impl Session {
    fn over(stream: UnixStream) -> Self {
        let (out, passing, failed, mute) = (Vec::new(), false, false, false);
        Session { stream, rows: 0, at: 0, manner: Manner::Well, out, next: 1, passing, failed, mute }
    }

    fn serve(mut self) -> io::Result<()> {
        let mut requests = BufReader::new(self.stream.try_clone()?);
        body(&mut requests)?;
        self.say(b'R', &0_i32.to_be_bytes());
        self.ready()?;
        loop {
            let mut letter = [0];
            requests.read_exact(&mut letter)?;
            let request = body(&mut requests)?;
            if !self.mute && !self.answer(letter[0], &request)? {
                // To close a socket with requests in it that nobody has read would be a reset, and no end.
                self.stream.shutdown(Shutdown::Write)?;
                return io::copy(&mut requests, &mut io::sink()).map(|_| ());
            }
        }
    }

    fn answer(&mut self, letter: u8, request: &[u8]) -> Goes {
        match letter {
            b'X' => return Ok(false),
            b'S' => {
                self.passing = false;
                self.ready()?;
            }
            _ if self.passing => {}
            b'Q' => {
                let word = request.split(|byte| !byte.is_ascii_alphabetic()).next().unwrap_or_default();
                self.failed &= word != b"ROLLBACK";
                self.say(b'C', &[word, b"\0"].concat());
                self.ready()?;
            }
            b'C' => self.say(b'3', &[]),
            _ if self.failed => {
                self.fail("25P02", "current transaction is aborted, commands ignored until end of transaction block");
            }
            b'P' => self.say(b'1', &[]),
            b'D' => self.describe(),
            b'B' => {
                self.next = 1;
                self.say(b'2', &[]);
            }
            b'E' => {
                let limit = request.last_chunk().map_or(0, |last| i32::from_be_bytes(*last));
                return self.execute(limit);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// No parameters, two columns.
    fn describe(&mut self) {
        const INT4: i32 = 23;
        const TEXT: i32 = 25;
        self.say(b't', &0_i16.to_be_bytes());
        let mut columns = 2_i16.to_be_bytes().to_vec();
        for (name, kind, length) in [("product_id", INT4, 4_i16), ("product_name", TEXT, -1)] {
            // Of no table; any type's modifier is -1; format 0 until it is bound.
            let column = [name.as_bytes(), &[0; 7], &kind.to_be_bytes(), &length.to_be_bytes(), &[255; 4], &[0; 2]];
            columns.extend(column.concat());
        }
        self.say(b'T', &columns);
    }

    fn execute(&mut self, limit: i32) -> Goes {
        let limit = if limit == 0 || self.manner == Manner::IgnoresLimit { i32::MAX } else { limit };
        for sent in 0..limit {
            if self.next > self.rows {
                self.say(b'C', format!("SELECT {sent}\0").as_bytes());
                return Ok(true);
            }
            let row = row(self.next);
            match self.manner {
                _ if self.next != self.at => self.out.extend(row),
                Manner::Well | Manner::IgnoresLimit => self.out.extend(row),
                Manner::Garbles(bytes) => self.out.extend(bytes),
                Manner::Stalls => {
                    self.mute = true;
                    return self.flush();
                }
                Manner::Cuts => {
                    self.out.extend(&row[..row.len() / 2]);
                    return self.flush().map(|_| false);
                }
                Manner::Closes => return self.flush().map(|_| false),
                Manner::Fails => {
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
        self.say(b's', &[]);
        Ok(true)
    }

    fn fail(&mut self, code: &str, message: &str) {
        self.passing = true;
        self.say(b'E', format!("SERROR\0VERROR\0C{code}\0M{message}\0\0").as_bytes());
    }

    fn ready(&mut self) -> Goes {
        self.say(b'Z', if self.failed { b"E" } else { b"T" });
        self.flush()
    }

    fn say(&mut self, letter: u8, body: &[u8]) {
        self.out.extend(message(letter, body));
    }

    fn flush(&mut self) -> Goes {
        self.stream.write_all(&self.out)?;
        self.out.clear();
        Ok(true)
    }
}

/// What follows a request's letter, without the length that it begins with.
fn body(requests: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    requests.read_exact(&mut length)?;
    let mut body = vec![0; (u32::from_be_bytes(length) as usize).saturating_sub(length.len())];
    requests.read_exact(&mut body)?;
    Ok(body)
}

fn message(letter: u8, body: &[u8]) -> Vec<u8> {
    let length = body.len() as u32 + 4;
    [&[letter][..], &length.to_be_bytes(), body].concat()
}

fn row(number: i32) -> Vec<u8> {
    let name = format!("product {number}");
    let parts = [&2_i16.to_be_bytes()[..], &4_i32.to_be_bytes(), &number.to_be_bytes()];
    message(b'D', &[&parts.concat(), &(name.len() as i32).to_be_bytes()[..], name.as_bytes()].concat())
}
