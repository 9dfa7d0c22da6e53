//! The report in a real browser: how it looks, every control, every link to a view, and who can read it.

#[path = "../../../reports/tests/synthetic/mod.rs"]
mod synthetic;

mod accessibility;
mod controls;
mod driver;
mod figures;
mod first_screen;
mod layout;
mod links;
mod offline;
mod tools;

use record::Record;
use reports::analysis::Analysis;
use reports::render::html;
use synthetic::Synthetic;

/// The analysis of a run of nine strategies on one to 32 cores that never happened.
fn analysis() -> Analysis {
    let mut record = Synthetic { cores: vec![1, 2, 4, 8, 16, 32], ..Synthetic::default() }.record();
    record.peers = synthetic::peers();
    Analysis::new(&record)
}

/// A smaller page with the same controls.
fn small_report() -> String {
    let record = Synthetic { cores: vec![1, 2, 4], sizes: 3, ..Synthetic::default() }.record();
    html::page(&Analysis::new(&record)).expect("the page can be rendered")
}

/// A run on a machine that was not in order.
fn alarming() -> Record {
    let cores = vec![1, 2, 4, 8, 16, 32];
    let mut record = Synthetic { cores, trouble: true, ..Synthetic::default() }.record();
    record.peers = synthetic::peers();
    record
}

/// The page of [`alarming`].
fn alarming_report() -> String {
    html::page(&Analysis::new(&alarming())).expect("the page can be rendered")
}

/// The page of [`analysis`].
fn report() -> String {
    html::page(&analysis()).expect("the page can be rendered")
}
