//! A run that never happened: times from a small model of jobs and overheads, with noise from a fixed seed.

// The tests and the example are crates of their own, and neither uses all of this.
#![allow(dead_code)]

use fastrand::Rng;
use record::Record;
use record::{
    BASELINE, Cell, Census, Check, Detail, Ended, Fault, Lane, Line, MOST_SPANS, Machine, PHYSICAL_CORES, Peer,
    PeerRun, Pool, Queries, Role, Run, Sample, Shipping, Skipped, Span, Status, StrategyNote, TaskNote, Times, Trace,
    TracedRun, VERSION, Verdict, lane,
};
use std::collections::BTreeMap;

/// Strategies: the name, what one job costs in nanoseconds, and how many times as long the work takes.
const STRATEGIES: [(&str, f64, f64); 9] = [
    ("threads_split", 60.0, 1.06),
    ("threads_shared", 140.0, 1.0),
    ("channel_crossbeam", 320.0, 1.004),
    ("rayon", 180.0, 1.0),
    ("tokio_blocking", 1_400.0, 1.01),
    ("tokio_tasks", 700.0, 1.012),
    ("async_std", 1_100.0, 1.02),
    ("smol", 900.0, 1.015),
    ("processes", 24_000.0, 1.09),
];

/// Tasks: the name, the unit, items, nanoseconds for one item, the share that stays serial, the default size.
const TASKS: [(&str, &str, u64, f64, f64, u64); 3] = [
    ("count", "numbers", 100_000, 9_000.0, 0.002, 1_000),
    ("word_totals", "lines", 10_000_000, 110.0, 0.012, 60_000),
    ("cursor_ranges", "rows", 2_000_000, 420.0, 0.21, 50_000),
];

/// What the synthetic run looks like.
#[derive(Debug, Clone)]
pub(crate) struct Synthetic {
    pub(crate) cores: Vec<u32>,
    pub(crate) sizes: usize,
    pub(crate) blocks: u32,
    pub(crate) samples: u32,
    /// Relative standard deviation from process to process.
    pub(crate) noise: f64,
    pub(crate) failures: bool,
    /// Whether the machine was not in order: checks warn and refuse, half of the cores are sibling hyperthreads,
    /// processes are of two kinds, a sample is far off, first samples are cold, and blocks are not whole.
    pub(crate) trouble: bool,
    /// Another number gives other noise around the same truth.
    pub(crate) session: u64,
}

impl Default for Synthetic {
    fn default() -> Self {
        Self {
            cores: vec![1, 2],
            sizes: 5,
            blocks: 5,
            samples: 2,
            noise: 0.006,
            failures: true,
            trouble: false,
            session: 7,
        }
    }
}

impl Synthetic {
    pub(crate) fn record(&self) -> Record {
        let run = self.run();
        let mut samples = Vec::new();
        let more = if self.trouble { 3 } else { 0 };
        for block in 0..self.blocks + more {
            let mut cells: Vec<Cell> = run.tasks.iter().flat_map(|task| self.cells(task)).collect();
            cells.retain(|cell| block < self.blocks || wanted(cell));
            Rng::with_seed(u64::from(block)).shuffle(&mut cells);
            for (turn, cell) in (0..).zip(cells) {
                samples.extend(self.process(&run, block, turn, &cell));
            }
        }
        let skipped = vec![Skipped {
            task: "cursor_pages".into(),
            reason: "no PostgreSQL server answers; start one with `just postgres`.".into(),
        }];
        let ended = Some(Ended {
            at: "2025-11-02T10:31:07Z".into(),
            blocks: self.blocks + more,
            interrupted: false,
            checks: checks(self.trouble, false),
        });
        Record { run, samples, skipped, peers: Vec::new(), traces: Vec::new(), ended, resumed: 0, torn: None }
    }

    fn run(&self) -> Run {
        let words = |text: &str| text.to_owned();
        let most = self.cores.iter().copied().max().unwrap_or(1);
        Run {
            version: VERSION,
            id: words("2025-11-02-1014-kfqz"),
            began: words("2025-11-02T10:14:55Z"),
            command: format!("goldilocks sweep --cores 1-{most} --sizes {} --budget 15m --seed 7", self.sizes),
            program: words("goldilocks 0.1.0 (4f2a91c)"),
            seed: 7,
            budget_s: 900.0,
            machine: Machine {
                processor: words("Example Processor 9000 at 3.1 GHz"),
                cores_available: most,
                cores_online: most,
                memory_bytes: 25_769_803_776,
                kernel: words("Linux 6.8.0"),
                system: words("Debian GNU/Linux 13"),
                compiler: words("rustc 1.95.0"),
                profile: words("release"),
                boundaries: Vec::new(),
                nodes: Vec::new(),
                input_nodes: Vec::new(),
                notes: BTreeMap::from([
                    (words("PostgreSQL"), words("17.2")),
                    (words(PHYSICAL_CORES), if self.trouble { most / 2 } else { most }.to_string()),
                ]),
            },
            tasks: TASKS.iter().map(|task| self.task(*task)).collect(),
            strategies: STRATEGIES.iter().map(|(name, ..)| note(name)).collect(),
            cores: self.cores.clone(),
            processors: (0..most).collect(),
            checks: checks(self.trouble, true),
            unmeasured: [
                ("cache_misses", "This processor lends its counters to no virtual machine."),
                ("energy_uj", "/sys/class/powercap is empty here."),
            ]
            .map(|(name, reason)| (words(name), words(reason)))
            .into(),
        }
    }

    fn task(&self, (name, unit, items, _, _, default_size): (&str, &str, u64, f64, f64, u64)) -> TaskNote {
        let around = [1, 10, 100, 1_000, 3_000, 10_000, 30_000];
        let mut sizes: Vec<u64> =
            around[..self.sizes.min(around.len())].iter().map(|by| by * default_size / 100).collect();
        if !sizes.contains(&default_size) {
            sizes.push(default_size);
        }
        TaskNote {
            name: name.into(),
            about: match name {
                "count" => "Counts from zero to each of a list of numbers, one honest increment at a time.",
                "word_totals" => "Adds up how often each word occurs over all years of a Google Books 1-gram file.",
                _ => "Streams a table of products in block ranges, each through its own cursor, and counts words.",
            }
            .into(),
            unit: unit.into(),
            options: BTreeMap::from([("kernel".into(), "bytes".into())]),
            items: Some(items),
            sizes,
            default_size,
            sizing: String::new(),
            digest: format!("b3:{name}"),
            answer: vec![("total".into(), "1650999".into()), ("Aardvark".into(), "16 821".into())],
            grown: Vec::new(),
            details: match name {
                "count" => vec![Detail::UnitCost {
                    unit: "an increment".into(),
                    figure: "sum".into(),
                    limit: "each takes a branch".into(),
                }],
                _ => Vec::new(),
            },
        }
    }

    fn cells(&self, task: &TaskNote) -> Vec<Cell> {
        let cell = |strategy: &str, cores: u32, size: u64| Cell {
            task: task.name.clone(),
            strategy: strategy.into(),
            cores,
            workers: cores,
            size,
            delivery: "gather".into(),
            combine: "per_partition".into(),
        };
        let mut cells = vec![cell(BASELINE, 1, 0)];
        for (strategy, ..) in STRATEGIES {
            for &cores in &self.cores {
                cells.extend(task.sizes.iter().map(|&size| cell(strategy, cores, size)));
            }
        }
        cells
    }

    fn process(&self, run: &Run, block: u32, turn: u32, cell: &Cell) -> Vec<Sample> {
        let seed = format!("{block} {cell:?}")
            .bytes()
            .fold(self.session, |hash: u64, byte| hash.wrapping_mul(31) + u64::from(byte));
        let mut random = Rng::with_seed(seed);
        // The whole machine gets 3 % slower over the run, and each process has its own luck.
        let drift = 1.0 + 0.03 * f64::from(block) / f64::from(self.blocks.max(1));
        let luck = 1.0 + self.noise * normal(&mut random);
        let digest = &run.tasks.iter().find(|task| task.name == cell.task).expect("cells are of tasks").digest;
        (0..self.samples)
            .map(|index| {
                let ns = model(cell) * drift * luck * (1.0 + 0.3 * self.noise * normal(&mut random));
                let ns = if self.trouble { ns * odd(cell, block, index) } else { ns };
                let (status, reason) = if self.failures { fate(cell, block) } else { (Status::Verified, "") };
                Sample {
                    block,
                    turn,
                    index,
                    cell: cell.clone(),
                    status,
                    reason: reason.into(),
                    fault: match status {
                        Status::Verified => None,
                        Status::Hung => Some(Fault::Hung),
                        Status::Crashed => Some(Fault::Crashed),
                        Status::Unfair => Some(Fault::TooManyJobs),
                        _ => Some(Fault::WrongAnswer),
                    },
                    outside: false,
                    digest: if status == Status::Verified { digest.clone() } else { String::new() },
                    elapsed_ms: 0,
                    processors: (0..cell.cores).collect(),
                    warm_up_ns: (index == 0).then_some((ns * 1.1) as u64),
                    times: (status == Status::Verified).then(|| times(cell, ns)),
                }
            })
            .collect()
    }
}

/// Other programs at the job of `word_totals`: a floor, this program, two that are close, one that is absent.
pub(crate) fn peers() -> Vec<Peer> {
    let peer = |name: &str, role: Role, threads: u32, ms: u64| Peer {
        task: "word_totals".into(),
        name: name.into(),
        about: "Does the same.".into(),
        role,
        version: if ms == 0 { "" } else { "2.0" }.into(),
        threads,
        runs: [ms, ms + ms / 50]
            .into_iter()
            .filter(|_| ms > 0)
            .map(|ms| PeerRun {
                wall_ns: ms * 1_000_000,
                start_ns: 30_000_000,
                cpu_ns: ms * 900_000,
                system_ns: Some(ms * 100_000),
                minor_faults: Some(27_000),
                peak_memory_bytes: 300 << 20,
            })
            .collect(),
        queries: None,
        reason: if ms == 0 { "absent: No module named 'fast'" } else { "" }.into(),
    };
    let engine = |threads: u32, ms: u64| Peer {
        queries: Some(Queries {
            start_ns: Some(250_000_000),
            first_ns: Some(900_000_000),
            workers_ns: vec![600_000_000, 200_000_000],
            repeated: 1,
        }),
        ..peer("sail", Role::Other, threads, ms)
    };
    vec![
        peer("line_count", Role::Floor, 1, 100),
        peer("runs_map", Role::Own, 1, 200),
        peer("runs_map", Role::Own, 2, 110),
        peer("book_pread", Role::Own, 1, 9_000),
        peer("polars", Role::Other, 1, 4_000),
        peer("polars", Role::Other, 2, 2_200),
        peer("duckdb", Role::Other, 2, 2_300),
        peer("sqlite", Role::Other, 1, 2_350),
        peer("fast", Role::Other, 1, 0),
        engine(2, 700),
        Peer { runs: Vec::new(), reason: "cannot start spark: no Java".into(), name: "spark".into(), ..engine(2, 700) },
    ]
}

/// A traced run of each strategy of a record on its most cores at the default size, `rayon` with each delivery, and one
/// strategy without a trace.
pub(crate) fn traces(record: &Record) -> Vec<Trace> {
    let cores = record.run.cores.iter().copied().max().unwrap_or(1);
    let mut traces = Vec::new();
    for task in &record.run.tasks {
        for (strategy, ..) in STRATEGIES {
            let deliveries = ["gather", "in_order", "as_completed"];
            for delivery in &deliveries[..if strategy == "rayon" { 3 } else { 1 }] {
                let cell = Cell {
                    task: task.name.clone(),
                    strategy: strategy.into(),
                    cores,
                    workers: cores,
                    size: task.default_size,
                    delivery: (*delivery).into(),
                    combine: "per_partition".into(),
                };
                let reason = if strategy == "async_std" { "the measuring process was killed by signal 9" } else { "" };
                let run = reason.is_empty().then(|| traced(&cell, task.items.unwrap_or(0) / task.default_size));
                traces.push(Trace { cell, run, reason: reason.into() });
            }
        }
    }
    traces
}

/// Each worker takes the next job when it is free. Every job takes about as long.
fn traced(cell: &Cell, jobs: u64) -> TracedRun {
    let mut random = Rng::with_seed(jobs + u64::from(cell.workers));
    let mut free = vec![0_u64; cell.workers as usize];
    let mut spans: Vec<Vec<Span>> = vec![Vec::new(); free.len()];
    let mut ends = Vec::new();
    for job in 0..jobs {
        let worker = (0..free.len()).min_by_key(|worker| free[*worker]).expect("there is a worker");
        let length_ns = (1_000_000.0 * (1.0 + 0.2 * normal(&mut random)).max(0.1)) as u64;
        let start_ns = free[worker] + 5_000 + random.u64(..60_000);
        let in_task_ns = if cell.strategy == "processes" { length_ns / 10 * 7 } else { length_ns };
        spans[worker].push(Span { job, jobs: 1, start_ns, length_ns, in_jobs_ns: length_ns, in_task_ns });
        free[worker] = start_ns + length_ns;
        ends.push((job, free[worker]));
    }
    let run_ns = free.iter().max().expect("there is a worker") + 30_000;
    let mut delivered_ns: Vec<u64> = match &*cell.delivery {
        "gather" => (0..jobs).map(|job| run_ns + job).collect(),
        "in_order" => ends
            .iter()
            .scan(0, |last, (_, end)| {
                *last = *end.max(last);
                Some(*last)
            })
            .collect(),
        _ => ends.iter().map(|(_, end)| *end).collect(),
    };
    delivered_ns.sort_unstable();
    let mut lanes: Vec<Lane> = (0..).zip(spans).filter_map(|(worker, spans)| Lane::of(worker, spans)).collect();
    let cpu_ns = lanes.iter().map(Lane::in_jobs_ns).sum::<u64>() / 100 * 98;
    lane::merge(&mut lanes, MOST_SPANS);
    TracedRun {
        start_ns: u64::from(cell.workers) * if cell.strategy == "processes" { 4_100_000 } else { 61_000 },
        run_ns,
        reduce_ns: run_ns / 20,
        cpu_ns,
        jobs,
        lanes,
        delivered_ns: TracedRun::thinned(&delivered_ns),
    }
}

/// What goes wrong, so that each way of going wrong is on the page.
fn fate(cell: &Cell, block: u32) -> (Status, &'static str) {
    match (cell.strategy.as_str(), cell.task.as_str(), cell.cores) {
        ("async_std", "word_totals", 2) if cell.size == 60_000 && block == 1 => {
            (Status::Wrong, "the answer has 1 650 998 distinct words, the baseline's has 1 650 999")
        }
        ("processes", "cursor_ranges", _) if cell.size < 5_000 => (Status::Hung, "no answer within 60 s; stopped"),
        ("tokio_tasks", "count", 2) if cell.size == 1_000 && block == 2 => {
            (Status::Unfair, "3 jobs were in progress at one moment, and 2 workers were asked for")
        }
        ("smol", "count", 2) if cell.size == 10 && block == 0 => (Status::Crashed, "the process died of signal 11"),
        _ => (Status::Verified, ""),
    }
}

/// Cells that are measured again after the blocks that all have.
fn wanted(cell: &Cell) -> bool {
    cell.strategy == BASELINE || matches!(cell.strategy.as_str(), "smol" | "rayon")
}

/// How many times as long a sample takes for a reason that medians do not show.
fn odd(cell: &Cell, block: u32, index: u32) -> f64 {
    match (cell.strategy.as_str(), cell.task.as_str()) {
        ("smol", "word_totals") if cell.cores > 1 && cell.size == 60_000 && block % 3 == 1 => 1.4,
        ("threads_split", "count") if (cell.size, block, index) == (1_000, 3, 1) => 2.5,
        ("tokio_tasks", "cursor_ranges") if cell.size == 50_000 && index == 0 => 1.15,
        _ => 1.0,
    }
}

fn model(cell: &Cell) -> f64 {
    let (_, _, items, each, serial, _) = TASKS.into_iter().find(|task| task.0 == cell.task).expect("known");
    let work = items as f64 * each;
    let Some((_, job, factor)) = STRATEGIES.into_iter().find(|strategy| strategy.0 == cell.strategy) else {
        return work;
    };
    let partitions = (items as f64 / cell.size as f64).ceil();
    let cores = f64::from(cell.cores);
    // The last partitions to end leave workers idle.
    let rounds = (partitions / cores).ceil() * cores / partitions;
    let contention = 1.0 + 0.25 * (cores - 1.0);
    work * factor * (serial + (1.0 - serial) * rounds / cores) + partitions * job * contention + 90_000.0 * cores
}

fn times(cell: &Cell, ns: f64) -> Times {
    let wall_ns = ns as u64;
    let reduce_ns = if cell.size == 0 { 0 } else { wall_ns / 40 };
    let all_workers = (cell.size > 0).then_some(u64::from(cell.workers) * (wall_ns - reduce_ns));
    Times {
        wall_ns,
        start_ns: u64::from(cell.workers) * if cell.strategy == "processes" { 4_100_000 } else { 61_000 },
        run_ns: wall_ns - reduce_ns,
        reduce_ns,
        first_result_ns: wall_ns / 50,
        user_ns: (ns * f64::from(cell.cores) * 0.93) as u64,
        system_ns: wall_ns / 100,
        peak_memory_bytes: 48_000_000 + u64::from(cell.cores) * 3_000_000,
        in_jobs_ns: all_workers.map(|ns| ns / 100 * 97),
        in_task_ns: all_workers.map(|ns| ns / 100 * if cell.strategy == "processes" { 80 } else { 97 }),
        at_ends_ns: all_workers.map(|ns| ns / 100 * 2),
        shipping: (cell.strategy == "processes").then(|| {
            let shipped = all_workers.unwrap_or(0) / 100 * 17;
            let (packing_ns, unpacking_ns) = (shipped / 10, shipped / 5);
            let transfer_ns = shipped - packing_ns - unpacking_ns;
            Shipping { packing_ns, transfer_ns, unpacking_ns, sent_bytes: 2_700, received_bytes: 40_960_000 }
        }),
        partitions: 100,
        most_in_progress: cell.workers,
        threads: cell.workers + 1,
        voluntary_switches: 100 + wall_ns % 17,
        involuntary_switches: wall_ns % 5,
        minor_faults: 900 + wall_ns % 101,
        migrations: Some(wall_ns % 3),
        cycles: Some(wall_ns * 3),
        instructions: Some(wall_ns * 7),
        census: (cell.size > 0).then(|| census(cell, wall_ns)),
        ..Times::default()
    }
}

/// The main thread waits, the workers work, and tokio's runtime has one extra thread.
fn census(cell: &Cell, wall_ns: u64) -> Census {
    let pool =
        |name: &str, threads: u32, working: u32, cpu_ns: u64| Pool { name: name.into(), threads, working, cpu_ns };
    let workers = cell.workers;
    let mut pools = vec![pool(&format!("{}-worker", cell.strategy), workers, workers, wall_ns * u64::from(cell.cores))];
    if cell.strategy.starts_with("tokio") {
        pools.push(pool("tokio-runtime-w", 1, 0, 40_000));
    }
    pools.push(pool("goldilocks", 1, 0, 9_000));
    let alive = pools.iter().map(|pool| pool.threads).sum();
    Census { looks: 40, alive, runnable: workers, cost_ns: wall_ns / 400, pools }
}

/// Checks before and after; with trouble one warns twice, one only afterwards, and one refuses.
fn checks(trouble: bool, before: bool) -> Vec<Check> {
    let check =
        |name: &str, verdict: Verdict, sentence: &str| Check { name: name.into(), verdict, sentence: sentence.into() };
    let mut checks = vec![
        check("clock source", Verdict::Ok, "The clock is tsc, which takes 20 ns to read."),
        check("turbo", Verdict::Unknown, "This machine does not tell whether its clock rises under load."),
    ];
    checks.push(if trouble {
        check(
            "governor",
            Verdict::Warn,
            "2 of 2 processors are governed by powersave; `cpupower frequency-set -g performance` cures it.",
        )
    } else {
        check("governor", Verdict::Ok, "All processors are governed by performance.")
    });
    if trouble && before {
        checks.push(check("swap", Verdict::Refuse, "1.20 GiB are swapped out; end other programs and measure again."));
    }
    if trouble && !before {
        checks.push(check(
            "throttling",
            Verdict::Warn,
            "The processors were throttled 4 times while measuring; cool them.",
        ));
    }
    checks
}

fn note(name: &str) -> StrategyNote {
    StrategyNote {
        name: name.into(),
        about: "Workers pull the next job from one shared iterator behind a lock.".into(),
        good: "partitions differ in size, so nobody waits for the unlucky one.".into(),
        bad: "partitions are tiny, so everybody waits for the lock.".into(),
        trace: "lanes end together; gaps between spans are the lock.".into(),
        source: "//! Workers pull the next job.\nuse rayon::scope;\n\npub fn start() -> u8 {\n    7 // one\n}\n".into(),
        libraries: vec!["rayon".into()],
    }
}

/// The sum of twelve uniform numbers is close enough to a normal one.
pub(crate) fn normal(random: &mut Rng) -> f64 {
    (0..12).map(|_| random.f64()).sum::<f64>() - 6.0
}

/// A record as the lines of a `run.jsonl`.
pub(crate) fn lines(record: &Record) -> String {
    let mut all = vec![Line::Run(Box::new(record.run.clone()))];
    all.extend(record.skipped.iter().cloned().map(Line::Skipped));
    all.extend(record.samples.iter().map(|sample| Line::Sample(Box::new(sample.clone()))));
    all.extend(record.traces.iter().cloned().map(|trace| Line::Trace(Box::new(trace))));
    all.extend(record.ended.iter().cloned().map(Line::Ended));
    all.extend(record.peers.iter().cloned().map(|peer| Line::Peer(Box::new(peer))));
    all.iter().map(|line| serde_json::to_string(line).expect("a line has string keys only") + "\n").collect()
}
