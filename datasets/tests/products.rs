//! Products in a real PostgreSQL; without one, the test says so and checks nothing.

#![allow(clippy::unwrap_used)]

use datasets::products::{DEFINITION, Product, Products};
use postgres::{Environment, Server, connect};

#[test]
fn the_server_has_the_rows_that_were_loaded() {
    let server = match Server::open(&Environment::of_this_process(), 0) {
        Ok(server) => server,
        Err(error) => {
            eprintln!("NOT TESTED: no PostgreSQL here: {error}");
            return;
        }
    };
    // More rows than fit one buffer.
    let products = Products::new(1, 10_000).unwrap();
    let (client, mut driver) = connect(&server.url()).unwrap();
    let stored: Vec<Product> = driver.block_on(async {
        client.batch_execute(DEFINITION).await.unwrap();
        assert_eq!(products.load(&client, "product").await.unwrap(), 10_000);
        // Ids are taken: the copy fails as a whole.
        assert!(products.load(&client, "product").await.is_err());
        // A refused load leaves the client fit for the queries that follow.
        assert!(products.load(&client, "no_such_table").await.is_err());
        let rows = client.query("SELECT product_id, product_name FROM product ORDER BY product_id", &[]).await.unwrap();
        rows.iter().map(|row| Product { product_id: row.get(0), product_name: row.get(1) }).collect()
    });
    assert!(stored.into_iter().eq(products.rows()));
    drop(client);
    server.stop().unwrap();
}
