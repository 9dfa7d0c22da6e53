//! The book's listings 5.13 and 5.14: a generator is an iterator in Rust, and an asynchronous generator is a stream.
//!
//! `cargo run -p strategies --example generators` runs both. Each number is made when the loop asks for it, and not before.
//! The partitions of a task are such a source: threads pull them as an iterator, futures await them (`src/source.rs`).

use async_io::Timer;
use futures_lite::{Stream, StreamExt, future, pin, stream};
use std::time::Duration;

/// Listing 5.13: makes positive integers, one at a time.
fn positive_integers(until: u64) -> impl Iterator<Item = u64> {
    (1..until).inspect(|integer| println!("made {integer}"))
}

/// Listing 5.14: makes positive integers, and awaits a timer before each. Other futures run meanwhile.
fn positive_integers_async(until: u64) -> impl Stream<Item = u64> {
    stream::iter(1..until).then(|integer| async move {
        Timer::after(Duration::from_millis(10 * integer)).await;
        println!("made {integer} after a wait");
        integer
    })
}

fn main() {
    for integer in positive_integers(3) {
        println!("used {integer}");
    }
    future::block_on(async {
        let integers = positive_integers_async(3);
        pin!(integers);
        while let Some(integer) = integers.next().await {
            println!("used {integer}");
        }
    });
}
