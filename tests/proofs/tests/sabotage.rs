//! The harness rejects every cheat and names the right fault.

use proofs::sabotage::{ALL, Trial, can_be_tried, measure, misjudged};

fn all_are_refused(trial: Trial) {
    let measured = measure(trial).expect("the sweep runs");
    let tried = measured.iter().filter(|(sabotage, _)| can_be_tried(sabotage));
    let wrong: Vec<String> = tried.filter_map(|(sabotage, samples)| misjudged(sabotage, samples)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

macro_rules! refused {
    ($($name:ident: $trial:ident),*) => {
        $(#[test]
        fn $name() {
            all_are_refused(Trial::$trial);
        })*
    };
}
refused! {
    strategies_that_cheat_with_jobs_are_refused_by_name: Short,
    strategies_that_cheat_with_threads_and_work_are_refused_by_name: Long,
    strategies_with_missing_workers_are_refused_by_name: Waiting,
    tasks_that_split_words_or_skip_rows_are_refused_by_name: Task
}

#[test]
fn no_cheat_is_in_any_list() {
    let listed: Vec<&str> = harness::strategies().map(|strategy| strategy.name).collect();
    let tasks: Vec<&str> = tasks::ALL.iter().map(|entry| entry.name).collect();
    for sabotage in ALL {
        assert!(!listed.contains(&sabotage.name) && !tasks.contains(&sabotage.name), "{}", sabotage.name);
    }
}
