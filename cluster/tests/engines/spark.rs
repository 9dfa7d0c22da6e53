//! Apache Spark with a master, two workers and a Connect server, and faults in the middle of a query.

use crate::support::{Input, UNUSUAL, alive, groups, input, is_loopback, kill, large, listening, run, setup};
use cluster::engine::{Engine, explain};
use cluster::setup::Kind;
use std::time::{Duration, Instant};

async fn start() -> Engine {
    Engine::start(setup(Kind::Spark, 2)).await.expect("Spark starts; `just cluster-test` installs it")
}

#[test]
#[ignore = "needs Spark and a minute: just cluster-test"]
fn spark_gives_our_totals_with_both_workers_and_listens_only_on_loopback() {
    let (unusual, large) = (input(UNUSUAL.iter().copied().cycle().take(10_000)), large(8_000_000));
    run(async {
        let mut engine = start().await;
        let answer = engine.word_totals(&unusual.path).await.expect("totals");
        let (got, expected) = (answer.totals.sorted(), &unusual.totals);
        assert!(got == *expected, "{}\n{}", String::from_utf8_lossy(&got), String::from_utf8_lossy(expected));
        let times = |engine: &Engine| engine.services().iter().map(|it| it.processor_time()).collect::<Vec<_>>();
        let before = times(&engine);
        let answer = engine.word_totals(&large.path).await.expect("totals");
        assert!(answer.totals.sorted() == large.totals);
        let spent: Vec<Duration> = times(&engine).iter().zip(before).map(|(after, before)| *after - before).collect();
        let works = engine.services().iter().map(|service| service.works());
        let workers: Vec<_> = spent.iter().zip(works).filter(|(_, works)| *works).collect();
        assert_eq!(workers.len(), 2);
        let all: Duration = workers.iter().map(|(spent, _)| **spent).sum();
        assert!(workers.iter().all(|(spent, _)| **spent > all / 5), "one worker hardly worked: {workers:?}");

        let processes: Vec<u32> = engine.services().iter().flat_map(|service| service.processes()).collect();
        assert!(processes.len() >= 6, "a master, a server, two workers with an executor each: {processes:?}");
        let addresses = listening(&processes);
        assert!(addresses.len() >= 4 && addresses.iter().all(|it| is_loopback(it)), "{addresses:?}");
        let groups = groups(&engine);
        engine.stop().await;
        assert_eq!(alive(&groups), Vec::<String>::new());
    });
}

/// Kills the processes of `victims` in the middle of a query. Returns how the query ended, in words.
async fn survive(input: &Input, victims: usize, after: Duration) -> String {
    let mut engine = start().await;
    let before = groups(&engine);
    // The first query loads code, so the second is hit in the middle of its work.
    let first = engine.word_totals(&input.path).await.expect("totals");
    assert!(first.totals.sorted() == input.totals);
    let workers = engine.services().iter().filter(|service| service.works());
    let processes: Vec<u32> = workers.take(victims).flat_map(|service| service.processes()).collect();
    let killer = std::thread::spawn(move || {
        std::thread::sleep(after);
        kill(&processes);
    });
    let began = Instant::now();
    let answer = engine.word_totals(&input.path).await;
    assert!(began.elapsed() < Duration::from_secs(125), "the deadline was missed");
    killer.join().expect("killed");
    let after = groups(&engine);
    let outcome = match answer {
        Ok(answer) => {
            assert!(answer.totals.sorted() == input.totals, "a wrong total");
            answer.repeated.map_or("answered".to_owned(), |reason| format!("repeated because {reason}"))
        }
        Err(error) => format!("failed: {}", explain(&error)),
    };
    engine.stop().await;
    assert_eq!((alive(&before), alive(&after)), Default::default());
    outcome
}

#[test]
#[ignore = "needs Spark and five minutes: just cluster-test"]
fn a_worker_killed_mid_query_never_gives_a_wrong_total() {
    let input = large(8_000_000);
    for nth in 0..10 {
        let outcome = run(survive(&input, 1, Duration::from_millis(100 + 150 * nth)));
        eprintln!("one worker killed after {} ms: {outcome}", 100 + 150 * nth);
        assert!(!outcome.starts_with("failed"), "the other worker has all it needs: {outcome}");
    }
}

#[test]
#[ignore = "needs Spark and two minutes: just cluster-test"]
fn all_workers_killed_mid_query_are_replaced_or_named() {
    let input = large(8_000_000);
    for nth in 0..3 {
        let outcome = run(survive(&input, 2, Duration::from_millis(200 + 300 * nth)));
        eprintln!("all workers killed after {} ms: {outcome}", 200 + 300 * nth);
        assert!(outcome.contains("all workers have ended") || outcome == "answered", "{outcome}");
    }
}
