//! Somebody between a client and its server, who passes everything on until so many rows have gone by, and then breaks the
//! connection: what a network does, on a real server.

use crate::delayed_wire::Messages;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::sockopt::set_socket_linger;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// How a connection is broken, in the middle of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Break {
    /// The other side is said to have gone (RST).
    Reset,
    /// Nothing more comes or goes, and nobody says so.
    Stall,
    /// The stream ends.
    Cut,
}

/// The folder that holds a server's socket, and what becomes of the connections to it.
struct Plan {
    server: PathBuf,
    how: Break,
    rows: u64,
}

/// Passes connections on to the server with a socket in `folder`, and breaks each after so many rows; says on which port of
/// this machine. It goes on until the process ends.
///
/// # Errors
/// When there can be no port.
pub fn start(folder: &Path, how: Break, rows: u64) -> io::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let server = folder.join(".s.PGSQL.5432");
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let plan = Plan { server: server.clone(), how, rows };
            // Whoever closes ends it.
            thread::spawn(move || plan.pass_on(client));
        }
    });
    Ok(port)
}

impl Plan {
    fn pass_on(&self, mut client: TcpStream) -> io::Result<()> {
        let mut server = UnixStream::connect(&self.server)?;
        let (mut messages, mut rows, mut buffer) = (Messages::default(), 0, [0; 16 << 10]);
        loop {
            let mut watched = [PollFd::new(&client, PollFlags::IN), PollFd::new(&server, PollFlags::IN)];
            poll(&mut watched, None)?;
            let [asked, answered] = watched.map(|watched| !watched.revents().is_empty());
            if asked {
                let count = client.read(&mut buffer)?;
                if count == 0 {
                    return Ok(());
                }
                server.write_all(&buffer[..count])?;
            }
            if answered {
                let count = server.read(&mut buffer)?;
                if count == 0 {
                    return Ok(());
                }
                for place in 0..count {
                    rows += messages.rows_in(&buffer[place..=place]);
                    if rows > self.rows {
                        // Its head has come and nothing else of it.
                        client.write_all(&buffer[..=place])?;
                        return self.break_off(client);
                    }
                }
                client.write_all(&buffer[..count])?;
            }
        }
    }

    fn break_off(&self, mut client: TcpStream) -> io::Result<()> {
        match self.how {
            // Closed with time to linger but none of it left: that resets it.
            Break::Reset => return Ok(set_socket_linger(&client, Some(Duration::ZERO))?),
            Break::Stall => {}
            Break::Cut => client.shutdown(Shutdown::Write)?,
        }
        // Until the client goes: to close with something unread would reset it.
        io::copy(&mut client, &mut io::sink()).map(drop)
    }
}
