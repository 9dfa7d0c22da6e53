//! Simulated sessions with a known truth: how often the statistics find it, and how often they err.
//!
//! Each function simulates many sessions from a fixed seed, so it returns the same figure every time.

use fastrand::Rng;
use record::statistics::{
    BLOCKS_FOR_A_VERDICT, Blocks, Interval, LEVEL, Need, Noise, fastest, half_width, holm, median, modes, pooled_ratio,
    processes, rank_test, ratio, time, wanting,
};
use record::{Cell, Record, Status};
use std::collections::BTreeMap;

/// Samples per process in a default sweep.
pub const SAMPLES: usize = 2;

/// Approximate number of blocks in a sweep with the default budget.
pub const BLOCKS: u32 = 6;

/// The true time of every simulated strategy, in nanoseconds.
const NS: f64 = 10_000_000.0;

/// The share of sessions in which equally fast strategies do not tie. `noises` has one entry per strategy.
pub fn false_verdicts(noises: &[Noise], blocks: u32, sessions: u32) -> f64 {
    share(sessions, 1, |random| {
        let all: Vec<Blocks> = noises.iter().map(|noise| noise.blocks(NS, blocks, SAMPLES, random)).collect();
        leaders(&all).len() < all.len()
    })
}

/// The share of sessions in which the statistics detect the one slow strategy among `count`. Its time is `factor` times
/// that of the others.
pub fn found(factor: f64, count: usize, noise: Noise, blocks: u32, sessions: u32) -> f64 {
    share(sessions, 2, |random| {
        let slow = count - 1;
        let ns = |index: usize| if index == slow { factor * NS } else { NS };
        let all: Vec<Blocks> = (0..count).map(|index| noise.blocks(ns(index), blocks, SAMPLES, random)).collect();
        !leaders(&all).contains(&slow)
    })
}

/// The share of sessions in which the interval of a strategy's time covers its true time.
pub fn coverage(noise: Noise, blocks: u32, sessions: u32) -> f64 {
    share(sessions, 3, |random| covers(&noise.blocks(NS, blocks, SAMPLES, random)))
}

/// The share of sessions in which the interval of the leaders' pooled speed-up covers the true one. `factors` has the
/// true time of each strategy, relative to the first; the plain loop takes twice as long as the first.
///
/// The leaders are those that the statistics find in each session. The true speed-up of a group is the pooled one over
/// many blocks.
pub fn group_coverage(factors: &[f64], noise: Noise, blocks: u32, sessions: u32) -> f64 {
    const MANY: u32 = 4_000;
    let mut known: BTreeMap<Vec<usize>, f64> = BTreeMap::new();
    let session = |blocks: u32, random: &mut Rng| -> (Blocks, Vec<Blocks>) {
        let plain = noise.blocks(2.0 * NS, blocks, SAMPLES, random);
        (plain, factors.iter().map(|factor| noise.blocks(factor * NS, blocks, SAMPLES, random)).collect())
    };
    let pooled = |(plain, all): &(Blocks, Vec<Blocks>), group: &[usize]| {
        pooled_ratio(plain, &group.iter().map(|place| &all[*place]).collect::<Vec<_>>(), LEVEL).expect("blocks")
    };
    let truth_session = session(MANY, &mut Rng::with_seed(9));
    share(sessions, 10, |random| {
        let measured = session(blocks, random);
        let group = leaders(&measured.1);
        let interval = pooled(&measured, &group).interval;
        let truth = *known.entry(group).or_insert_with_key(|group| pooled(&truth_session, group).value);
        interval.is_some_and(|interval| interval.contains(truth))
    })
}

/// The bias that a drift of the machine causes in the ratio of two equal strategies, for two orders of measurement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drift {
    /// The distance of the mean ratio from 1, over all sessions, if cells are shuffled inside blocks.
    pub shuffled: f64,
    /// The root mean square distance of one session's ratio from 1, with shuffled cells. It is noise, which the interval
    /// covers.
    pub shuffled_typically: f64,
    /// The distance of the mean ratio from 1 if each cell is measured completely before the next.
    pub nested: f64,
}

/// Simulates two equal strategies among `cells` cells on a machine that slows down linearly by the share `drift`.
pub fn drift(drift: f64, cells: usize, noise: Noise, blocks: u32, sessions: u32) -> Drift {
    let mut random = Rng::with_seed(4);
    let turns = cells * blocks as usize;
    let slowed = |turn: usize| NS * (1.0 + drift * turn as f64 / (turns - 1) as f64);
    let off = |random: &mut Rng, nested: bool| {
        let [mut one, mut other] = [Blocks::new(), Blocks::new()];
        for block in 0..blocks {
            // As in a sweep, every block measures every cell once, in a new random order.
            let mut order: Vec<usize> = (0..cells).collect();
            random.shuffle(&mut order);
            for (turn, cell) in order.into_iter().enumerate() {
                let turn = if nested { cell * blocks as usize + block as usize } else { block as usize * cells + turn };
                let measured = match cell {
                    0 => &mut one,
                    last if last == cells - 1 => &mut other,
                    _ => continue,
                };
                measured.insert(block, noise.process(slowed(turn), SAMPLES, random));
            }
        }
        ratio(&other, &one, LEVEL).map_or(f64::NAN, |ratio| ratio.value) - 1.0
    };
    let mut all = |nested| -> Vec<f64> { (0..sessions).map(|_| off(&mut random, nested)).collect() };
    let (shuffled, nested) = (all(false), all(true));
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let squares: Vec<f64> = shuffled.iter().map(|off| off * off).collect();
    Drift { shuffled: mean(&shuffled).abs(), shuffled_typically: mean(&squares).sqrt(), nested: mean(&nested).abs() }
}

/// The results of [`two_kinds`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TwoKinds {
    /// The share of sessions in which the statistics report two kinds of processes.
    pub flagged: f64,
    /// The share of sessions in which the interval covers both kinds.
    pub covered: f64,
}

/// Simulates sessions with two kinds of processes. A process takes 50 ms with the probability `slow`, otherwise 30 ms.
/// `within` is the noise of each kind. Sessions in which a kind has less than a fifth of the processes are skipped,
/// because such processes count as outliers.
pub fn two_kinds(slow: f64, within: f64, processes: u32, sessions: u32) -> TwoKinds {
    let mut random = Rng::with_seed(5);
    let noise = Noise::normal(within, 0.5);
    let [quick_ns, slow_ns] = [30e6, 50e6];
    let (mut flagged, mut covered, mut counted) = (0, 0, 0);
    while counted < sessions {
        let kinds: Vec<f64> = (0..processes).map(|_| if random.f64() < slow { slow_ns } else { quick_ns }).collect();
        let slow = kinds.iter().filter(|ns| **ns == slow_ns).count();
        if 5 * slow.min(kinds.len() - slow) < kinds.len() {
            continue;
        }
        counted += 1;
        let blocks: Blocks = (0..).zip(kinds.iter().map(|ns| noise.process(*ns, SAMPLES, &mut random))).collect();
        flagged += u32::from(modes(&blocks).is_some());
        // The measured time of a kind is the median of its processes. It differs slightly from 30 or 50 ms.
        let kind = |wanted: f64| {
            let own = blocks.values().zip(&kinds).filter(|(_, ns)| **ns == wanted);
            median(&own.filter_map(|(samples, _)| median(samples)).collect::<Vec<_>>())
        };
        let interval = time(&blocks, LEVEL).and_then(|time| time.interval);
        let covers = |ns| kind(ns).zip(interval).is_some_and(|(kind, interval)| interval.contains(kind));
        covered += u32::from(covers(quick_ns) && covers(slow_ns));
    }
    let of_all = |count: u32| f64::from(count) / f64::from(sessions);
    TwoKinds { flagged: of_all(flagged), covered: of_all(covered) }
}

/// The results of [`lone_outlier`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoneOutlier {
    /// The share of sessions in which the statistics report two kinds of processes.
    pub flagged: f64,
    /// The share of sessions in which the interval reaches more than half of the way to the outlier.
    pub widened: f64,
}

/// Simulates sessions with one process that takes between 1.2 and 4 times as long as the others.
pub fn lone_outlier(noise: Noise, processes: u32, sessions: u32) -> LoneOutlier {
    let of_all = |holds: fn(&Blocks, f64) -> bool| {
        share(sessions, 11, |random| {
            let mut blocks = noise.blocks(NS, processes, SAMPLES, random);
            let slow = NS * (1.2 + 2.8 * random.f64());
            blocks.insert(random.u32(0..processes), vec![slow; SAMPLES]);
            holds(&blocks, f64::midpoint(NS, slow))
        })
    };
    LoneOutlier {
        flagged: of_all(|blocks, _| modes(blocks).is_some()),
        widened: of_all(|blocks, halfway| {
            time(blocks, LEVEL).and_then(|time| time.interval).is_none_or(|Interval { high, .. }| high > halfway)
        }),
    }
}

/// The share of pairs of runs in which a difference is found in any of `cells` cells, although there is none. The runs
/// have `blocks` processes of each cell, with `noises`.
pub fn falsely_different(cells: u32, noises: [Noise; 2], blocks: [u32; 2], sessions: u32) -> f64 {
    share(sessions, 12, |random| {
        let mut side = |run: usize| processes(&noises[run].blocks(NS, blocks[run], SAMPLES, random));
        let p_values: Vec<f64> = (0..cells).map(|_| rank_test(&side(0), &side(1))).collect();
        holm(&p_values).iter().any(|p_value| *p_value <= 1.0 - LEVEL)
    })
}

/// The share of cells whose difference is found between two runs. A quarter of `cells` cells take `factor` times as long
/// in the second run.
pub fn differences_found(factor: f64, cells: usize, noise: Noise, blocks: [u32; 2], sessions: u32) -> f64 {
    let mut random = Rng::with_seed(13);
    let different = cells / 4;
    let found: usize = (0..sessions)
        .map(|_| {
            let mut side = |ns: f64, blocks: u32| processes(&noise.blocks(ns, blocks, SAMPLES, &mut random));
            let factors = (0..cells).map(|cell| if cell < different { factor } else { 1.0 });
            let p_values: Vec<f64> =
                factors.map(|factor| rank_test(&side(NS, blocks[0]), &side(factor * NS, blocks[1]))).collect();
            holm(&p_values)[..different].iter().filter(|p_value| **p_value <= 1.0 - LEVEL).count()
        })
        .sum();
    found as f64 / (different as f64 * f64::from(sessions))
}

/// The share of sessions in which the statistics report two kinds although all processes are of one kind.
pub fn falsely_two_kinds(noise: Noise, processes: u32, sessions: u32) -> f64 {
    share(sessions, 6, |random| modes(&noise.blocks(NS, processes, SAMPLES, random)).is_some())
}

/// The samples that it takes to make every interval of a session narrow enough.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Saving {
    /// Samples if every cell gets the same number of blocks.
    pub fixed: usize,
    /// Samples if only cells with a wide interval get more blocks.
    pub early: usize,
    /// Half the width of the widest interval, as a share of the time, if all cells have the same number of blocks.
    pub widest_fixed: f64,
    /// The same half width if cells are stopped early.
    pub widest_early: f64,
}

impl Saving {
    /// The share of samples that stopping early saves.
    pub fn share(&self) -> f64 {
        1.0 - self.early as f64 / self.fixed as f64
    }
}

/// Resamples a recorded session in two ways until no interval is wider than `target`. Returns `None` if `max_blocks`
/// blocks are not enough.
///
/// - Fixed: all cells get the same number of blocks.
/// - Early: only cells that [`wanting`] returns get more blocks. [`Need::Close`] is ignored because it does not concern
///   width.
///
/// The bootstrap is smoothed; otherwise a record of few blocks would repeat the same times (B. W. Silverman and
/// G. A. Young, "The bootstrap: To smooth or not to smooth?", Biometrika 74, 1987).
pub fn saving(session: &[(Cell, Blocks)], target: f64, max_blocks: u32, seed: u64) -> Option<Saving> {
    let mut random = Rng::with_seed(seed);
    // Both ways use the same times: each takes a cell's blocks in this order.
    let drawn: Vec<Vec<Vec<f64>>> =
        session.iter().map(|(_, blocks)| resample(blocks, max_blocks, &mut random)).collect();
    let first = |cell: usize, blocks: u32| -> Blocks { (0..blocks).zip(drawn[cell].iter().cloned()).collect() };
    let width =
        |blocks: &Blocks| if modes(blocks).is_some() { 0.0 } else { half_width(blocks).unwrap_or(f64::INFINITY) };
    let widest = |cells: &[Blocks]| cells.iter().map(width).fold(0.0, f64::max);
    let samples = |cells: &[Blocks]| cells.iter().flat_map(Blocks::values).map(Vec::len).sum::<usize>();

    let floor = BLOCKS_FOR_A_VERDICT as u32;
    let all = |blocks| -> Vec<Blocks> { (0..session.len()).map(|cell| first(cell, blocks)).collect() };
    let fixed = (floor..=max_blocks).map(all).find(|cells| widest(cells) <= target)?;

    let mut early = all(floor);
    loop {
        let cells: Vec<(&Cell, &Blocks)> = session.iter().map(|(cell, _)| cell).zip(&early).collect();
        let wants = wanting(&cells, target);
        let needy: Vec<usize> = wants.iter().filter(|want| want.need != Need::Close).map(|want| want.place).collect();
        if needy.is_empty() {
            break;
        }
        for place in needy {
            // A cell's next block number follows its own last one. All cells therefore share their first block numbers.
            let next = early[place].len() as u32;
            let samples = drawn[place].get(next as usize)?.clone();
            early[place].insert(next, samples);
        }
    }
    Some(Saving {
        fixed: samples(&fixed),
        early: samples(&early),
        widest_fixed: widest(&fixed),
        widest_early: widest(&early),
    })
}

/// The share of sessions in which the interval covers the true time if measuring stops early: when the interval is as
/// narrow as `target`, or after `max_blocks` blocks. Early stopping favours intervals that are narrow by chance.
pub fn coverage_when_stopped_early(noise: Noise, target: f64, max_blocks: u32, sessions: u32) -> f64 {
    share(sessions, 7, |random| {
        let mut blocks = noise.blocks(NS, BLOCKS_FOR_A_VERDICT as u32, SAMPLES, random);
        while half_width(&blocks).is_none_or(|width| width > target) && (blocks.len() as u32) < max_blocks {
            blocks.insert(blocks.len() as u32, noise.process(NS, SAMPLES, random));
        }
        covers(&blocks)
    })
}

/// The cells of a recorded run that have enough blocks for [`saving`].
pub fn recorded(record: &Record) -> Vec<(Cell, Blocks)> {
    let mut cells: BTreeMap<&Cell, Blocks> = BTreeMap::new();
    for sample in record.samples.iter().filter(|sample| sample.status == Status::Verified) {
        if let Some(times) = &sample.times {
            let blocks = cells.entry(&sample.cell).or_default();
            blocks.entry(sample.block).or_default().push(times.wall_ns.max(1) as f64);
        }
    }
    let enough = cells.into_iter().filter(|(_, blocks)| blocks.len() >= BLOCKS_FOR_A_VERDICT);
    enough.map(|(cell, blocks)| (cell.clone(), blocks)).collect()
}

/// A simulated session with `groups` settings of `strategies` strategies each, and `blocks` blocks of [`SAMPLES`]
/// samples. Each cell has its own noise, between 0.3 % and 8 %.
pub fn session(groups: u32, strategies: u32, blocks: u32) -> Vec<(Cell, Blocks)> {
    let mut random = Rng::with_seed(8);
    let cells = (0..groups).flat_map(|group| (0..strategies).map(move |strategy| (group, strategy)));
    cells
        .map(|(group, strategy)| {
            let cell = Cell {
                task: "simulated".into(),
                strategy: format!("strategy_{strategy}"),
                cores: group + 1,
                workers: group + 1,
                size: 1_000,
                delivery: "gather".into(),
                combine: "per_partition".into(),
            };
            // Noise is log-uniform. Each strategy is up to a third slower than the fastest.
            let noise = Noise::normal(0.003 * (0.08_f64 / 0.003).powf(random.f64()), 0.7);
            let ns = NS / f64::from(group + 1) * (1.0 + random.f64() / 3.0);
            (cell, noise.blocks(ns, blocks, SAMPLES, &mut random))
        })
        .collect()
}

/// Draws `blocks` blocks. Each copies a random recorded process with smoothed times.
fn resample(recorded: &Blocks, blocks: u32, random: &mut Rng) -> Vec<Vec<f64>> {
    let logarithms: Vec<f64> = processes(recorded).into_iter().map(f64::ln).collect();
    let count = logarithms.len().max(2) as f64;
    let mean = logarithms.iter().sum::<f64>() / count;
    let spread = (logarithms.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / (count - 1.0)).sqrt();
    // Silverman's rule of thumb for the bandwidth.
    let width = 0.9 * spread * count.powf(-0.2);
    let kept: Vec<&Vec<f64>> = recorded.values().filter(|samples| !samples.is_empty()).collect();
    (0..blocks)
        .filter_map(|_| {
            let factor = (width * record::statistics::normal(random)).exp();
            let process = kept.get(random.usize(..kept.len().max(1)))?;
            Some(process.iter().map(|ns| ns * factor).collect())
        })
        .collect()
}

fn covers(blocks: &Blocks) -> bool {
    time(blocks, LEVEL).and_then(|time| time.interval).is_some_and(|interval| interval.contains(NS))
}

/// The indexes of the strategies that tie with the fastest.
fn leaders(all: &[Blocks]) -> Vec<usize> {
    let names: Vec<String> = (0..all.len()).map(|index| index.to_string()).collect();
    let candidates: Vec<(&str, &Blocks)> = names.iter().map(String::as_str).zip(all).collect();
    fastest(&candidates).iter().filter_map(|name| name.parse().ok()).collect()
}

fn share(sessions: u32, seed: u64, mut holds: impl FnMut(&mut Rng) -> bool) -> f64 {
    let mut random = Rng::with_seed(seed);
    let count = (0..sessions).filter(|_| holds(&mut random)).count();
    count as f64 / f64::from(sessions)
}
