//! Starts a private server and runs one query on it: `cargo run -p postgres --example private_server`.

use postgres::{Environment, Server, connect};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    run().map(|lines| print!("{lines}"))
}

/// The server's version and address, and the answer to a query, one line each.
pub(crate) fn run() -> Result<String, Box<dyn std::error::Error>> {
    let server = Server::open(&Environment { address: None, ..Environment::of_this_process() }, 0)?;
    let (client, mut driver) = connect(&server.url())?;
    let sum: i32 = driver.block_on(client.query_one("SELECT 20 + 22", &[]))?.get(0);
    let lines = format!("PostgreSQL {} at {}\n20 + 22 = {sum}\n", server.version(), server.url());
    server.stop()?;
    Ok(lines)
}
