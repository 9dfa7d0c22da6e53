//! What the example prints.

#![allow(clippy::unwrap_used)]

#[path = "../examples/book.rs"]
#[allow(dead_code, reason = "the test does not call `main`")]
mod book;

#[test]
fn the_books_listings_read_the_rows_that_they_name() {
    let expected = "stream: 1000 rows, product 1 to product 1000\n\
                    forward and fetch: 100 rows, product 501 to product 600\n\
                    take: 5 rows, product 1 to product 5\n\
                    backward: 3 rows, product 999 to product 997\n";
    assert_eq!(book::run().unwrap(), expected);
}
