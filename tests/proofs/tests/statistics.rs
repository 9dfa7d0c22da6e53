//! The statistics on simulated sessions with a known truth. The seeds are fixed.

#[path = "../../../reports/tests/synthetic/mod.rs"]
mod synthetic;

use proofs::statistics::promises::promises;
use proofs::statistics::simulation::{recorded, saving};
use record::Status;

#[test]
fn all_promises_hold() {
    let all = promises();
    all.iter().for_each(|it| println!("{}: {} (bar: {})", it.what, it.figure, it.bar));
    let broken: Vec<_> = all.into_iter().filter(|promise| !promise.holds).collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_saving_by_stopping_early_can_be_computed_from_a_record() {
    let record = synthetic::Synthetic { sizes: 2, failures: false, ..Default::default() }.record();
    let session = recorded(&record);
    let samples: usize = session.iter().flat_map(|(_, blocks)| blocks.values()).map(Vec::len).sum();
    let verified = record.samples.iter().filter(|sample| sample.status == Status::Verified).count();
    assert_eq!(samples, verified);
    let saving = saving(&session, 0.01, 200, 1).expect("the record is quiet");
    assert!(saving.early < saving.fixed, "{saving:?}");
}
