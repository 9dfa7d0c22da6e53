//! A run survives the death of a worker process, or names it.

use proofs::killed_workers::{Ending, kill_one};

#[test]
fn a_run_with_a_killed_worker_gives_the_right_answer_or_names_the_worker() {
    for strategy in ["processes", "processes_by_value"] {
        let endings: Vec<Ending> = (0..6).map(|seed| kill_one(strategy, seed).expect("the workers start")).collect();
        let is_good = |ending: &Ending| !matches!(ending, Ending::Bad(_));
        assert!(endings.iter().all(is_good), "{strategy}: {endings:?}");
        // A kill always costs a partition its try, in this run or in the next.
        assert!(endings.iter().any(|ending| matches!(ending, Ending::Right(1..))), "{strategy}: {endings:?}");
    }
}
