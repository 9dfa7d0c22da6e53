//! The book's listings 5.15 to 5.17, and a cursor that also runs backward, on a table of 1,000 products.
//!
//! `cargo run -p cursor --example book` starts a private PostgreSQL server for it.

use cursor::{Cursor, Error, ScrollCursor, connect};
use futures_util::TryStreamExt;
use postgres::{Environment, Server};
use tokio_postgres::{Client, Row};

const QUERY: &str = "SELECT product_id, product_name FROM product";

/// Listing 5.15: streams all products, 50 at a time.
async fn stream(client: &mut Client) -> Result<Vec<Row>, Error> {
    let mut transaction = client.transaction().await?;
    let mut cursor = Cursor::open(&mut transaction, QUERY, &[]).await?;
    cursor.stream(50).try_collect().await
}

/// Listing 5.16: skips 500 products and fetches the next 100.
async fn forward_and_fetch(client: &mut Client) -> Result<Vec<Row>, Error> {
    let mut transaction = client.transaction().await?;
    let mut cursor = Cursor::open(&mut transaction, QUERY, &[]).await?;
    cursor.forward(500).await?;
    cursor.fetch(100).await
}

/// Listing 5.17: takes the first five products of the stream.
async fn take(client: &mut Client) -> Result<Vec<Row>, Error> {
    let mut transaction = client.transaction().await?;
    let mut cursor = Cursor::open(&mut transaction, QUERY, &[]).await?;
    cursor.take(5).try_collect().await
}

/// Moves to the last product and fetches the three before it.
async fn backward(client: &mut Client) -> Result<Vec<Row>, Error> {
    let mut transaction = client.transaction().await?;
    let mut cursor = ScrollCursor::open(&mut transaction, QUERY, &[]).await?;
    cursor.absolute(-1).await?;
    cursor.backward(3).await
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    run().map(|lines| print!("{lines}"))
}

/// Runs all four on a private server and returns what they read, one line each.
pub(crate) fn run() -> Result<String, Box<dyn std::error::Error>> {
    let server = Server::open(&Environment { address: None, ..Environment::of_this_process() }, 0)?;
    let (mut client, mut driver) = connect(&server.url())?;
    let lines = driver.block_on(async {
        let create = "CREATE TABLE product AS SELECT i AS product_id, 'product ' || i AS product_name \
                      FROM generate_series(1, 1000) AS i";
        client.batch_execute(create).await?;
        let client = &mut client;
        Ok::<_, Error>([
            line("stream", &stream(client).await?),
            line("forward and fetch", &forward_and_fetch(client).await?),
            line("take", &take(client).await?),
            line("backward", &backward(client).await?),
        ])
    })?;
    server.stop()?;
    Ok(lines.concat())
}

fn line(title: &str, products: &[Row]) -> String {
    let name = |row: Option<&Row>| row.map_or(String::new(), |row| row.get("product_name"));
    format!("{title}: {} rows, {} to {}\n", products.len(), name(products.first()), name(products.last()))
}
