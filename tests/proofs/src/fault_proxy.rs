//! A proxy between a client and its server: it passes so many rows on and then breaks the connection, as a network does.

use crate::delayed_wire::Messages;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::sockopt::set_socket_linger;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::Duration;

/// How the proxy breaks a connection, in the middle of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Break {
    /// It resets the connection (RST).
    Reset,
    /// It passes nothing on any more and keeps the connection open.
    Stall,
    /// It ends the stream.
    Cut,
}

/// Passes connections on to the server with a socket in `folder`, and breaks each after so many rows; returns its port.
/// It runs until the process ends.
pub fn start(folder: &Path, how: Break, rows: u64) -> io::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let server = folder.join(".s.PGSQL.5432");
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let server = server.clone();
            // Either side ends it by closing.
            thread::spawn(move || pass_on(client, &server, how, rows));
        }
    });
    Ok(port)
}

fn pass_on(mut client: TcpStream, server: &Path, how: Break, most: u64) -> io::Result<()> {
    let mut server = UnixStream::connect(server)?;
    let (mut messages, mut rows, mut buffer) = (Messages::default(), 0, [0; 16 << 10]);
    loop {
        let mut watched = [PollFd::new(&client, PollFlags::IN), PollFd::new(&server, PollFlags::IN)];
        poll(&mut watched, None)?;
        let [requested, answered] = watched.map(|watched| !watched.revents().is_empty());
        if requested {
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
            for at in 0..count {
                rows += messages.rows_in(&buffer[at..=at]);
                if rows > most {
                    // The head of the next row has arrived, and nothing else of it.
                    client.write_all(&buffer[..=at])?;
                    return break_off(client, how);
                }
            }
            client.write_all(&buffer[..count])?;
        }
    }
}

fn break_off(mut client: TcpStream, how: Break) -> io::Result<()> {
    match how {
        // A socket closed with a linger time of zero is reset.
        Break::Reset => return Ok(set_socket_linger(&client, Some(Duration::ZERO))?),
        Break::Stall => {}
        Break::Cut => client.shutdown(Shutdown::Write)?,
    }
    // Until the client closes: closing with unread bytes would reset the connection.
    io::copy(&mut client, &mut io::sink()).map(drop)
}
