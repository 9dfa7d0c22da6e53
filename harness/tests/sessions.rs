//! Whole sweeps on simulated machines: the planner and the schedule keep the budget, and what they measure decides.
//!
//! A run takes its serial part, its share of the rest, and the start of its threads: `t1 (0.02 + 0.98 / n) + 25 µs n`. Each
//! time has 3 % noise, half of it between processes.

use harness::plan::cells::{Axes, Cell};
use harness::plan::schedule::Schedule;
use harness::plan::stages::{budget_that_suffices, default_minutes, for_traces, planned, stage};
use harness::plan::staging::{Cost, Stage};
use harness::plan::{Plan, sizing};
use record::statistics::{Blocks, Noise, Verdict, against_the_fastest};
use record::{BASELINE, Sample, Times};
use std::collections::BTreeMap;
use std::time::Duration;
use strategies::{Combine, Delivery};
use tasks::Inputs;

/// The numbers of cores of the machines, and the numbers at which their topology changes.
const MACHINES: [(usize, &[usize]); 8] =
    [(1, &[]), (2, &[]), (4, &[]), (8, &[]), (16, &[8]), (32, &[8, 16, 24]), (64, &[16, 32, 48]), (128, &[32, 64, 96])];

/// The tasks of a default sweep, and the time of the plain loop with the default work.
const TASKS: [(&str, u64); 4] = [("count", 15), ("word_totals", 50), ("cursor_pages", 40), ("cursor_ranges", 45)];

/// The strategy that is slower than the others, the task, and by how much.
const SLOWER: (&str, &str, f64) = ("channel_flume", "count", 1.05);

/// The time before the first block.
const PREPARATION: Duration = Duration::from_secs(8);

/// The plan of a default sweep on a machine, and its cells.
fn plan(cores: usize, boundaries: &[usize], seed: u64) -> (Plan, Vec<Cell>) {
    let counts = harness::machine::core_counts(cores, boundaries.iter().copied());
    let budget = Duration::from_secs(60 * default_minutes(cores as u64));
    let (cores, memory) = (cores as u64, 64 << 30);
    let limits = sizing::Limits { cores, growth: 1, workers: cores, memory, disk: memory, budget };
    let (mut inputs, mut costs, mut tasks, mut default_sizes) =
        (Inputs::default(), BTreeMap::new(), vec![], BTreeMap::new());
    for (name, ms) in TASKS.into_iter().filter(|(name, _)| *name != "cursor_ranges" || cores >= 4) {
        let entry = tasks::find(name).expect("it exists");
        let sizing = entry.sizing.expect("it has one");
        let (work, took) = ((sizing.work)(&Inputs::default()).expect("nothing is named"), Duration::from_millis(ms));
        let chosen = sizing::choose(&sizing, work, took, &limits);
        (sizing.set)(&mut inputs, chosen.work, cores);
        let run_ns = (took.as_nanos() as f64 * chosen.work as f64 / work as f64) as u64;
        costs.insert(name.to_owned(), Cost { run_ns, process_ns: 25_000_000, speed_up: (sizing.speed_up)(cores) });
    }
    for name in costs.keys() {
        let entry = tasks::find(name).expect("it exists");
        let items = (entry.sizing.expect("it has one").items)(&inputs);
        let (sizes, default) = sizing::sizes(entry, items, cores);
        tasks.push((name.clone(), sizes));
        default_sizes.insert(name.clone(), default);
    }
    let names = |of: &[strategies::Strategy]| of.iter().map(|it| it.name.to_owned()).collect::<Vec<_>>();
    let axes = Axes {
        tasks,
        strategies: names(strategies::catalogue::usual()),
        cores: counts,
        workers: vec![],
        deliveries: vec![Delivery::Gather],
        combines: vec![Combine::PerPartition],
    };
    let budget_s = budget.as_secs_f64();
    let compared_only = names(strategies::catalogue::others());
    let plan = Plan { inputs, costs, default_sizes, compared_only, seed, budget_s, ..Plan::of(axes) };
    let plan = Plan { samples: 2, fewer_samples: true, ..plan };
    let cells = plan.cells();
    let staging = stage(&plan, &cells, budget - PREPARATION - for_traces(&plan, &cells));
    (Plan { staging, ..plan }, cells)
}

/// The median time of a run of a cell, in nanoseconds.
fn time(plan: &Plan, cell: &Cell) -> f64 {
    let cost = plan.costs[&cell.task];
    if cell.strategy == BASELINE {
        return cost.run_ns as f64;
    }
    let cores = f64::from(cell.cores).min(cost.speed_up as f64);
    let run = cost.run_ns as f64 * (0.02 + 0.98 / cores) + 25e3 * f64::from(cell.cores);
    let largest = cell.cores as usize == plan.axes.cores.iter().copied().max().unwrap_or(1);
    if (&*cell.strategy, &*cell.task, largest) == (SLOWER.0, SLOWER.1, true) { run * SLOWER.2 } else { run }
}

/// The result of a simulated sweep.
struct Session {
    elapsed: Duration,
    wanted: Option<Duration>,
    times: BTreeMap<record::Cell, Blocks>,
}

fn simulate(plan: &Plan, cells: &[Cell]) -> Session {
    let mut random = fastrand::Rng::with_seed(plan.seed);
    let noise = Noise::normal(0.03, 0.5);
    let mut schedule = Schedule::new(plan, cells.to_vec());
    let (mut elapsed, mut times, mut wanted) = (PREPARATION, BTreeMap::<record::Cell, Blocks>::new(), None);
    for block in 0.. {
        let order = schedule.block(block, elapsed);
        if order.is_empty() || wanted.is_some() {
            break;
        }
        for number in order {
            let (_, missing) = schedule.samples(block, number);
            let cell = schedule.cell(number).clone();
            let samples = noise.process(time(plan, &cell), missing as usize, &mut random);
            let runs: f64 = samples.iter().sum::<f64>() + samples.first().copied().unwrap_or_default();
            let took = Duration::from_nanos(plan.costs[&cell.task].process_ns + runs as u64);
            elapsed += took;
            schedule.note_process(number, took);
            for (index, wall_ns) in (0..).zip(&samples) {
                let times = Some(Times { wall_ns: *wall_ns as u64, ..Times::default() });
                let sample = Sample { index, times, ..Sample::first(cell.to_record(), block) };
                schedule.note_sample(number, &sample);
            }
            times.entry(cell.to_record()).or_default().insert(block, samples);
        }
        wanted = schedule.budget_for_verdicts(block + 1, elapsed);
    }
    Session { elapsed, wanted, times }
}

/// Whether the slower strategy was found, and whether another one was accused.
fn verdicts(plan: &Plan, session: &Session) -> (bool, bool) {
    let cores = plan.axes.cores.iter().copied().max().unwrap_or(1);
    let size = plan.default_size(SLOWER.1);
    let at = |cell: &&record::Cell| (&*cell.task, cell.cores as usize, cell.size) == (SLOWER.1, cores, size);
    let compared: Vec<(&str, &Blocks)> = session
        .times
        .iter()
        .filter(|(cell, _)| at(cell) && cell.strategy != BASELINE && cell.strategy != "sequential")
        .map(|(cell, blocks)| (&*cell.strategy, blocks))
        .collect();
    let slower: Vec<&str> = against_the_fastest(&compared)
        .iter()
        .filter(|it| it.verdict == Verdict::Slower)
        .map(|it| compared.iter().find(|(name, _)| *name == it.name).map_or("", |(name, _)| *name))
        .collect();
    (slower.contains(&SLOWER.0), slower.iter().any(|name| *name != SLOWER.0))
}

#[test]
fn simulated_sweeps_keep_the_budget_and_find_a_difference_of_5_percent() {
    let sessions: u64 = std::env::var("GOLDILOCKS_SESSIONS").map_or(10, |text| text.parse().expect("a number"));
    for (cores, boundaries) in MACHINES {
        let (mut found, mut accused, mut shortest, mut longest, mut fewest) = (0, 0, f64::MAX, 0.0_f64, usize::MAX);
        for seed in 0..sessions {
            let (plan, cells) = plan(cores, boundaries, seed);
            let budget = Duration::from_secs_f64(plan.budget_s);
            assert_eq!(budget_that_suffices(&plan, &cells, budget - PREPARATION, PREPARATION), None, "{cores} cores");
            let session = simulate(&plan, &cells);
            assert_eq!(session.wanted, None, "{cores} cores: the verdicts fit into the budget");
            let used = session.elapsed.as_secs_f64() / budget.as_secs_f64();
            (shortest, longest) = (shortest.min(used), longest.max(used));
            let deciding = cells.iter().zip(planned(&plan, &cells)).filter(|(_, planned)| planned.stage != Stage::Grid);
            let blocks = deciding.map(|(cell, _)| session.times.get(&cell.to_record()).map_or(0, Blocks::len));
            fewest = fewest.min(blocks.min().unwrap_or(0));
            let (is_found, is_accused) = verdicts(&plan, &session);
            (found, accused) = (found + u64::from(is_found), accused + u64::from(is_accused));
        }
        let text = format!(
            "{cores} cores: {:.0} % to {:.0} % of the budget, at least {fewest} blocks, {found} of {sessions} find it, {accused} \
             accuse another",
            100.0 * shortest,
            100.0 * longest
        );
        println!("{text}");
        assert!(longest <= 1.1 && fewest >= 5, "{text}");
        // The expected share is above 95 %, so that a few sessions do not fail by chance.
        assert!(found * 10 >= sessions * 9, "{text}");
    }
}
