//! What a cursor cannot do. With the types of `cursor` none of it compiles (see the examples at its head); in SQL it
//! is said by the server.

use super::place::run_at;
use super::{Fault, Place, Provoke, ToDo, Told};
use anyhow::{Result, bail};
use std::time::Instant;

pub(super) fn faults() -> Vec<Fault<Place>> {
    let fault = |name, code, words, provoke: ToDo<Place>| Fault {
        name,
        code: Some(code),
        rows: None,
        words,
        provoke: Provoke::Do(provoke),
    };
    vec![
        fault("a cursor outside of a transaction", "25P01", &["open both"], |place| {
            told(place, "DECLARE outside CURSOR FOR SELECT 1")
        }),
        fault("a cursor after its transaction", "34000", &["a cursor ends with its transaction"], |place| {
            told(place, "BEGIN; DECLARE inside CURSOR FOR SELECT 1; COMMIT; FETCH 1 FROM inside")
        }),
        fault("backward without SCROLL", "55000", &["hint: Declare it with SCROLL"], |place| {
            told(
                place,
                "BEGIN; DECLARE onward NO SCROLL CURSOR FOR SELECT 1; FETCH 1 FROM onward; FETCH BACKWARD 1 FROM onward",
            )
        }),
    ]
}

fn told(place: &Place, statements: &str) -> Result<Told> {
    let began = Instant::now();
    match run_at(&place.url(), statements) {
        Ok(()) => bail!("the server does it"),
        Err(error) => Ok(Told::since(began, error)),
    }
}
