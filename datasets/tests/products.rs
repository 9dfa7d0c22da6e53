//! Tests products in a real PostgreSQL server. Without a server, the tests print that and check nothing.

#![allow(clippy::unwrap_used)]

use datasets::products::{BYTES_PER_ROW, Product, Products};
use postgres::{Contents, Environment, Server, connect};

#[test]
fn the_server_stores_all_loaded_rows() {
    let server = match Server::open(&Environment::of_this_process(), 0) {
        Ok(server) => server,
        Err(error) => {
            eprintln!("NOT TESTED: no PostgreSQL here: {error}");
            return;
        }
    };
    // These rows exceed one buffer.
    let products = Products::new(1, 10_000).unwrap();
    let (client, mut driver) = connect(&server.url()).unwrap();
    let stored: Vec<Product> = driver.block_on(async {
        client.batch_execute(&format!("CREATE TABLE product ({})", Products::COLUMNS)).await.unwrap();
        assert_eq!(products.load(&client, "product").await.unwrap(), 10_000);
        // The ids already exist, so the whole copy fails.
        assert!(products.load(&client, "product").await.is_err());
        // After an error the client can still run queries.
        assert!(products.load(&client, "no_such_table").await.is_err());
        let rows = client.query("SELECT product_id, product_name FROM product ORDER BY product_id", &[]).await.unwrap();
        rows.iter().map(|row| Product { product_id: row.get(0), product_name: row.get(1) }).collect()
    });
    assert!(stored.into_iter().eq(products.rows()));
    drop(client);
    server.stop().unwrap();
}

#[test]
fn a_row_takes_the_assumed_number_of_bytes() {
    let Ok(server) = Server::open(&Environment::of_this_process(), 0) else { return };
    server.load(&Products::new(7, 100_000).unwrap()).unwrap();
    let (client, mut driver) = connect(&server.url()).unwrap();
    let size = format!("SELECT pg_total_relation_size('{}')", server.table::<Products>());
    let bytes: i64 = driver.block_on(client.query_one(&size, &[])).unwrap().get(0);
    let (row, expected) = (bytes as f64 / 1e5, BYTES_PER_ROW as f64);
    assert!((row / expected - 1.0).abs() < 0.05, "a row takes {row} bytes and not {expected}");
    server.stop().unwrap();
}
