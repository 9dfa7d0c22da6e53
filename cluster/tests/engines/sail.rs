//! Sail as the embedded engine: its answers, its faults, and what it leaves behind.

use crate::support::{UNUSUAL, alive, groups, input, is_loopback, kill, large, listening, run, setup};
use cluster::engine::{Engine, explain};
use cluster::setup::Kind;
use std::time::{Duration, Instant};

#[test]
fn sail_gives_our_totals_of_unusual_words_and_listens_only_on_loopback() {
    let input = input(UNUSUAL.iter().copied().cycle().take(10_000));
    for cores in [1, 3] {
        run(async {
            let mut engine =
                Engine::start(setup(Kind::Sail, cores)).await.expect("Sail starts; `just setup-tests` installs it");
            assert_eq!(engine.version().await.expect("a version"), "0.7.2");
            for _ in 0..2 {
                let answer = engine.word_totals(&input.path).await.expect("totals");
                assert_eq!(answer.repeated, None);
                let (got, expected) = (answer.totals.sorted(), &input.totals);
                assert!(got == *expected, "{}\n{}", String::from_utf8_lossy(&got), String::from_utf8_lossy(expected));
            }
            let addresses = listening(&engine.services()[0].processes());
            assert!(!addresses.is_empty() && addresses.iter().all(|it| is_loopback(it)), "{addresses:?}");
            let groups = groups(&engine);
            engine.stop().await;
            assert_eq!(alive(&groups), Vec::<String>::new());
        });
    }
}

#[test]
fn an_engine_killed_mid_query_starts_again_and_answers_rightly() {
    let input = large(2_000_000);
    run(async {
        let mut engine = Engine::start(setup(Kind::Sail, 2)).await.expect("Sail starts");
        let mut repeated = 0;
        for nth in 0..5 {
            let (victim, before) = (engine.services()[0].id(), groups(&engine));
            let killer = std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(20 + 40 * nth));
                kill(&[victim]);
            });
            let answer = engine.word_totals(&input.path).await.expect("an answer");
            killer.join().expect("killed");
            assert!(answer.totals.sorted() == input.totals, "a wrong total");
            repeated += u32::from(answer.repeated.is_some_and(|reason| reason.contains("sail was killed by signal 9")));
            assert!(groups(&engine) == before || alive(&before).is_empty());
        }
        assert!(repeated > 0, "no query was interrupted");
    });
}

#[test]
fn a_missing_file_an_absent_engine_and_a_passed_deadline_are_named() {
    let input = large(2_000_000);
    run(async {
        let mut engine = Engine::start(setup(Kind::Sail, 1)).await.expect("Sail starts");
        let error = engine.word_totals("/nowhere/grams".as_ref()).await.err().expect("an error");
        assert!(explain(&error).contains("cannot find /nowhere/grams"), "{}", explain(&error));
        // Sail itself answers for a missing file with no row, as one sees without our check of the path.
        let mut given = Engine::start(setup(Kind::At(engine.address().to_owned()), 1)).await.expect("a session");
        let error = given.word_totals("/nowhere/grams".as_ref()).await.err().expect("an error");
        assert!(explain(&error).contains("/nowhere/grams"), "{}", explain(&error));

        let hurried = Engine::start(setup(Kind::At(engine.address().to_owned()), 1)).await.expect("a session");
        let mut hurried = hurried.within(Duration::from_millis(30));
        let began = Instant::now();
        let error = hurried.word_totals(&input.path).await.err().expect("an error");
        assert!(explain(&error).contains("no answer within 30ms"), "{}", explain(&error));
        assert!(began.elapsed() < Duration::from_secs(5));

        let address = engine.address().to_owned();
        engine.stop().await;
        let error = Engine::start(setup(Kind::At(address.clone()), 1)).await.err().expect("an error");
        assert!(explain(&error).contains(&format!("no engine answers at {address}")), "{}", explain(&error));
        for wrong in ["sc://", "sc://host:1/;token=x", "sc://a b"] {
            assert!(Engine::start(setup(Kind::At(wrong.to_owned()), 1)).await.is_err(), "{wrong}");
        }
    });
}
