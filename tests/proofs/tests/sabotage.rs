//! Whoever cheats is found out, and called by what it did.

use proofs::sabotage::{ALL, Trial, can_be_tried, measure, misjudged};

fn all_are_refused(trial: Trial) {
    let processors = harness::machine::processors().len();
    let wrong: Vec<String> = measure(trial)
        .expect("the sweep runs")
        .iter()
        .filter(|(sabotage, _)| can_be_tried(sabotage, processors))
        .filter_map(|(sabotage, samples)| misjudged(sabotage, samples))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn strategies_that_cheat_with_jobs_are_refused_by_name() {
    all_are_refused(Trial::Short);
}

#[test]
fn strategies_that_cheat_with_threads_and_work_are_refused_by_name() {
    all_are_refused(Trial::Long);
}

#[test]
fn strategies_that_leave_workers_out_are_refused_by_name() {
    all_are_refused(Trial::Waiting);
}

#[test]
fn tasks_that_split_words_or_skip_rows_are_refused_by_name() {
    all_are_refused(Trial::Task);
}

#[test]
fn no_cheat_is_in_any_list() {
    let listed: Vec<&str> = harness::strategies().map(|strategy| strategy.name).collect();
    let tasks: Vec<&str> = tasks::ALL.iter().map(|entry| entry.name).collect();
    for sabotage in ALL {
        assert!(!listed.contains(&sabotage.name) && !tasks.contains(&sabotage.name), "{}", sabotage.name);
    }
}
