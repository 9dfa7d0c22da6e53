//! A proxy between a client and its server. It forwards some rows and then breaks the connection, as a faulty network does.

use crate::delayed_wire::Messages;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::sockopt::set_socket_linger;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::Duration;

/// The way in which the proxy breaks a connection, in the middle of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Break {
    /// It resets the connection (RST).
    Reset,
    /// It forwards nothing more and keeps the connection open.
    Stall,
    /// It ends the stream.
    Cut,
}

/// Starts a proxy for the server with a socket in `folder`, and returns its port. The proxy breaks each connection after
/// `rows` rows. It runs until the process ends.
pub fn start(folder: &Path, how: Break, rows: u64) -> io::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let server = folder.join(".s.PGSQL.5432");
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let server = server.clone();
            // The thread ends when either side closes.
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
                    // Of the next row, only the head is forwarded.
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
    // The proxy reads until the client closes, because closing with unread bytes would reset the connection.
    io::copy(&mut client, &mut io::sink()).map(drop)
}
