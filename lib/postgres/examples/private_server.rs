//! Starts a private server, prints its version and address, runs one query and stops it.

use postgres::{Environment, Server, connect};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let environment = Environment { address: None, ..Environment::of_this_process() };
    let server = Server::open(&environment, 0)?;
    println!("PostgreSQL {} at {}", server.version(), server.url());
    let (client, mut driver) = connect(&server.url())?;
    let row = driver.block_on(client.query_one("SELECT 20 + 22", &[]))?;
    println!("20 + 22 = {}", row.get::<_, i32>(0));
    Ok(server.stop()?)
}
