//! The statistics against sessions whose truth is known. The figures are simulated from fixed seeds.

#[path = "../../../reports/tests/synthetic/mod.rs"]
mod synthetic;

use proofs::statistics::promises::promises;
use proofs::statistics::simulation::{
    BLOCKS, coverage, coverage_when_stopped_early, drift, false_verdicts, falsely_two_kinds, found, recorded, saving,
    session, two_kinds,
};
use record::Status;
use record::statistics::{BLOCKS_FOR_A_VERDICT, Noise, Shape, reach};

/// Two per cent per sample; how much of its square lies between processes.
const SPLITS: [f64; 3] = [0.0, 0.5, 1.0];

fn shapes() -> [(&'static str, Noise); 5] {
    let noise = |shape, between, within| Noise { shape, between, within };
    [
        ("bell curve", noise(Shape::Normal, 0.03, 0.01)),
        ("all inside processes", noise(Shape::Normal, 0.0, 0.03)),
        ("all between processes", noise(Shape::Normal, 0.03, 0.0)),
        ("skewed", noise(Shape::Skewed, 0.05, 0.01)),
        ("heavy tails", noise(Shape::HeavyTailed, 0.03, 0.01)),
    ]
}

/// Nine strategies from 0.3 % to 8 % of noise.
fn unequal() -> Vec<Noise> {
    (0..9).map(|place| Noise::normal(0.003 * (0.08_f64 / 0.003).powf(f64::from(place) / 8.0), 0.7)).collect()
}

#[test]
fn all_promises_hold() {
    let all = promises();
    all.iter().for_each(|it| println!("{}: {} (bar: {})", it.what, it.figure, it.bar));
    let broken: Vec<_> = all.into_iter().filter(|promise| !promise.holds).collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_same_strategy_under_two_names_wins_against_itself_in_at_most_one_session_of_twenty() {
    for between in SPLITS {
        let noise = Noise::normal(0.02, between);
        let share = false_verdicts(&[noise; 2], BLOCKS, 1_000);
        assert!(share <= 0.05, "{share} with {between} between processes");
    }
}

#[test]
fn nine_names_of_one_strategy_tie_in_nineteen_sessions_of_twenty() {
    for noise in [Noise::normal(0.02, 0.5), Noise::normal(0.10, 0.7)] {
        for blocks in [BLOCKS, 20] {
            let share = false_verdicts(&[noise; 9], blocks, 1_000);
            assert!(share <= 0.05, "{share}: {noise:?}, {blocks} blocks");
        }
    }
}

#[test]
fn equally_fast_strategies_tie_however_their_noise_differs() {
    let one_noisy: Vec<Noise> = (0..9).map(|place| Noise::normal(if place == 0 { 0.08 } else { 0.01 }, 0.7)).collect();
    let share = false_verdicts(&one_noisy, BLOCKS, 1_000);
    assert!(share <= 0.05, "one noisy: {share}");
    // The hardest case known.
    let share = false_verdicts(&unequal(), BLOCKS, 4_000);
    assert!(share <= 0.05, "all differ: {share}");
}

#[test]
fn five_per_cent_more_is_found_in_nine_sessions_of_ten_with_the_default_budget() {
    for between in SPLITS {
        let share = found(1.05, 2, Noise::normal(0.02, between), BLOCKS, 1_000);
        assert!(share >= 0.90, "{share} with {between} between processes");
    }
    let share = found(1.05, 9, Noise::normal(0.02, 0.5), BLOCKS, 1_000);
    assert!(share >= 0.85, "one of nine: {share}");
}

#[test]
fn intervals_cover_the_truth_as_often_as_they_claim() {
    for (name, noise) in shapes() {
        for blocks in [BLOCKS_FOR_A_VERDICT as u32, 6, 10, 20] {
            let share = coverage(noise, blocks, 1_000);
            assert!((0.92..=0.98).contains(&share), "{name}, {blocks} blocks: {share}");
        }
    }
}

#[test]
fn three_and_four_blocks_cover_what_their_reach_says_and_no_more() {
    for (name, noise) in shapes() {
        for blocks in [3, 4] {
            let (share, reach) = (coverage(noise, blocks, 1_000), reach(blocks as usize));
            assert!((share - reach).abs() < 0.035, "{name}, {blocks} blocks: {share} instead of {reach}");
        }
    }
}

#[test]
fn a_drift_cancels_in_shuffled_blocks_and_does_not_in_nested_ones() {
    for cells in [2, 9] {
        let drift = drift(0.20, cells, Noise::normal(0.02, 0.5), BLOCKS, 500);
        assert!(drift.shuffled <= 0.01, "{cells} cells: {drift:?}");
        assert!(drift.nested >= 0.05, "{cells} cells: {drift:?}");
    }
    // Without noise, what is left in one session is what the shuffling leaves.
    let silent = drift(0.20, 9, Noise::normal(0.0, 0.5), BLOCKS, 500);
    assert!(silent.shuffled_typically <= 0.01, "{silent:?}");
}

#[test]
fn processes_of_two_kinds_are_flagged_and_their_interval_covers_both() {
    for slow in [0.5, 0.1] {
        for within in [0.005, 0.019] {
            let seen = two_kinds(slow, within, 10, 1_000);
            assert!(seen.flagged >= 0.95 && seen.covered >= 0.95, "{slow} slow, {within}: {seen:?}");
        }
    }
}

#[test]
fn processes_of_one_kind_are_seldom_said_to_be_of_two() {
    for shape in [Shape::Normal, Shape::Skewed, Shape::HeavyTailed] {
        for between in [0.03, 0.10] {
            for processes in [6, 10, 15, 20] {
                let share = falsely_two_kinds(Noise { shape, between, within: 0.01 }, processes, 1_000);
                assert!(share <= 0.05, "{shape:?}, {between}, {processes} processes: {share}");
            }
        }
    }
}

#[test]
fn stopping_early_saves_a_third_of_the_samples_for_the_same_widest_interval() {
    let session = session(4, 5, 12);
    for target in [0.03, 0.05] {
        let saving = saving(&session, target, 400, 1).expect("400 blocks are enough");
        assert!(saving.widest_fixed <= target && saving.widest_early <= target, "{saving:?}");
        assert!(saving.share() >= 0.30, "{}: {saving:?}", saving.share());
    }
}

#[test]
fn stopping_early_costs_no_more_coverage_than_its_documentation_says() {
    for total in [0.02, 0.04, 0.08] {
        let share = coverage_when_stopped_early(Noise::normal(total, 0.5), 0.02, 200, 1_000);
        assert!((0.89..0.97).contains(&share), "{total}: {share}");
    }
}

#[test]
fn stopping_early_can_be_tried_on_a_record() {
    let record = synthetic::Synthetic { sizes: 2, failures: false, ..Default::default() }.record();
    let session = recorded(&record);
    let samples: usize = session.iter().flat_map(|(_, blocks)| blocks.values()).map(Vec::len).sum();
    let verified = record.samples.iter().filter(|sample| sample.status == Status::Verified).count();
    assert_eq!(samples, verified);
    let saving = saving(&session, 0.01, 200, 1).expect("the record is quiet");
    assert!(saving.early < saving.fixed, "{saving:?}");
}
