//! On one core, every strategy gives the same word totals as awk.
//!
//! Each number of cores has its own test file. A library may keep its threads between tests, and those threads keep their
//! first restriction to cores.

mod agreement;

use agreement::{KERNELS, LARGE, binary, cross, small};

const CORES: usize = 1;

#[test]
fn every_way_to_run_a_small_file_gives_what_awk_gives() {
    cross::pin(CORES);
    let folder = tempfile::tempdir().unwrap();
    for case in small(folder.path()) {
        cross::cross_with_kernels_in_turn(&case, 0, &[1, 7, cross::BOOK, cross::ALL_LINES]);
    }
}

#[test]
fn every_strategy_gives_what_awk_gives_for_20_mb_sorted_and_shuffled() {
    cross::pin(CORES);
    cross::take_turns(&*LARGE, 0);
}

#[test]
#[ignore = "takes ten minutes and more; `just prove agreement` runs it"]
fn every_way_to_run_every_file_gives_what_awk_gives() {
    cross::pin(CORES);
    let folder = tempfile::tempdir().unwrap();
    for case in small(folder.path()) {
        cross::cross(&case, &KERNELS, &[1, 7, cross::BOOK, cross::ALL_LINES]);
    }
    cross::every_way(&*LARGE);
}

#[test]
fn the_binary_writes_what_awk_gives_with_every_strategy() {
    let folder = tempfile::tempdir().unwrap();
    // The program refuses an empty file by name.
    let small = small(folder.path());
    let small = small.iter().filter(|case| !case.expected.is_empty()).take(3);
    for case in small.chain(&*LARGE) {
        binary::run(case, CORES);
    }
}
