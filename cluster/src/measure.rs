//! Times an engine for the record: its start, its first query, and warm queries. Every answer is compared with ours.

use crate::engine::{Answer, Engine, explain};
use crate::setup::{Kind, Setup};
use anyhow::{Context, Result, ensure};
use record::{Peer, PeerRun, Queries, Role};
use std::path::PathBuf;
use std::time::Duration;
use system::printing::say;

/// What to time.
#[derive(Clone, Debug)]
pub struct Measurement {
    /// The engine.
    pub setup: Setup,
    /// The 1-gram file, as the engine finds it.
    pub file: PathBuf,
    /// A file with only the first line, as the engine finds it.
    pub first_line: Option<PathBuf>,
    /// Our own totals: sorted lines of `word TAB total LF`.
    pub expected: Vec<u8>,
    /// The number of warm queries.
    pub rounds: u32,
    /// An engine whose warm query takes longer is asked only once.
    pub long: Duration,
}

/// Times an engine. One that fails or answers wrongly gets a reason instead of times.
pub async fn measure(measurement: &Measurement) -> Peer {
    let mut peer = describe(&measurement.setup);
    if let Err(error) = fill(measurement, &mut peer).await {
        peer.runs.clear();
        peer.reason = explain(&error);
        say(format_args!("{} has no time: {}", peer.name, peer.reason));
    }
    peer
}

fn describe(setup: &Setup) -> Peer {
    let workers = setup.workers();
    let (name, about) = match &setup.kind {
        Kind::Sail => ("sail", "Sail: an engine in Rust, one process with local workers.".to_owned()),
        Kind::Spark => ("spark", format!("Apache Spark: master, Connect server, worker processes: {workers}.")),
        Kind::At(address) => ("cluster", format!("The engine at {address}.")),
    };
    Peer {
        task: "word_totals".to_owned(),
        name: name.to_owned(),
        about,
        role: Role::Other,
        version: String::new(),
        threads: setup.cores,
        runs: Vec::new(),
        queries: Some(Queries::default()),
        reason: String::new(),
    }
}

async fn fill(measurement: &Measurement, peer: &mut Peer) -> Result<()> {
    let Measurement { setup, file, first_line, expected, rounds, long } = measurement;
    let name = peer.name.clone();
    say(format_args!("starting {name}, cores: {}", setup.cores));
    let mut engine = Engine::start(setup.clone()).await.with_context(|| format!("cannot start {name}"))?;
    let version = tokio::time::timeout(setup.deadline, engine.version()).await;
    peer.version = version.ok().and_then(Result::ok).unwrap_or_default();
    say(format_args!("{name} at {}: first query", engine.address()));
    let check = |answer: Answer| -> Result<Answer> {
        let Answer { totals, elapsed, repeated } = answer;
        ensure!(totals.sorted() == *expected, "its totals differ from ours");
        Ok(Answer { totals: Default::default(), elapsed, repeated })
    };
    let queries = peer.queries.insert(Queries::default());
    if !engine.services().is_empty() {
        queries.start_ns = Some(nanoseconds(engine.started_in));
    }
    let first = check(engine.word_totals(file).await?)?;
    match first.repeated.or_else(|| engine.ended()) {
        None => queries.first_ns = Some(nanoseconds(first.elapsed)),
        Some(reason) => {
            queries.repeated += 1;
            say(format_args!("{name} was lost, so its first query does not count: {reason}"));
            engine.repair().await?;
            check(engine.word_totals(file).await?)?;
        }
    }
    while peer.runs.len() < *rounds as usize {
        say(format_args!("{name}: warm query {} of {rounds}", peer.runs.len() + 1));
        let (line, lost) = match first_line {
            Some(line) => {
                let answer = engine.word_totals(line).await?;
                (answer.elapsed, answer.repeated)
            }
            None => (Duration::ZERO, None),
        };
        let before = times(&engine);
        let answer = check(engine.word_totals(file).await?)?;
        if let Some(reason) = lost.or(answer.repeated).or_else(|| engine.ended()) {
            // What an incomplete or restarted engine takes is not a warm query.
            queries.repeated += 1;
            ensure!(queries.repeated < 3, "it was lost again and again: {reason}");
            say(format_args!("{name} was lost, so the query does not count: {reason}"));
            engine.repair().await?;
            check(engine.word_totals(file).await?)?;
            continue;
        }
        let spent: Vec<Duration> =
            times(&engine).iter().zip(&before).map(|(after, before)| after.saturating_sub(*before)).collect();
        let works = engine.services().iter().map(|service| service.works());
        let of_workers = spent.iter().zip(works).filter(|(_, works)| *works).map(|(spent, _)| nanoseconds(*spent));
        let of_workers: Vec<u64> = of_workers.collect();
        queries.workers_ns.resize(of_workers.len(), 0);
        queries.workers_ns.iter_mut().zip(of_workers).for_each(|(sum, spent)| *sum += spent);
        peer.runs.push(PeerRun {
            wall_ns: nanoseconds(answer.elapsed),
            start_ns: nanoseconds(line),
            cpu_ns: nanoseconds(spent.iter().sum()),
            system_ns: None,
            minor_faults: None,
            peak_memory_bytes: engine.services().iter().map(|service| service.peak_memory()).max().unwrap_or(0),
        });
        if answer.elapsed > *long {
            break;
        }
    }
    engine.stop().await;
    Ok(())
}

/// The processor time of each service so far.
fn times(engine: &Engine) -> Vec<Duration> {
    engine.services().iter().map(|service| service.processor_time()).collect()
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
