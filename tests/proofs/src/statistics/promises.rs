//! The promises of the statistics, each with a simulated figure and a bar.

use super::simulation::{
    BLOCKS, Drift, LoneOutlier, TwoKinds, coverage, coverage_when_stopped_early, differences_found, drift,
    false_verdicts, falsely_different, falsely_two_kinds, found, group_coverage, lone_outlier, saving, session,
    two_kinds,
};
use record::statistics::{BLOCKS_FOR_A_VERDICT, Noise, Shape, reach};

/// Simulated sessions per figure.
const SESSIONS: u32 = 1_000;

/// Shares of the noise's variance that lie between processes.
const SPLITS: [f64; 3] = [0.0, 0.5, 1.0];

/// One promise, and whether it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Promise {
    /// What was simulated.
    pub what: String,
    /// The result.
    pub figure: String,
    /// The bar.
    pub bar: &'static str,
    /// Whether the result holds the bar.
    pub holds: bool,
}

fn promise(what: impl Into<String>, figure: String, bar: &'static str, holds: bool) -> Promise {
    Promise { what: what.into(), figure, bar, holds }
}

/// Simulates all promises. Every call returns the same figures.
pub fn promises() -> Vec<Promise> {
    let mut promises = verdicts();
    promises.extend(intervals());
    promises.extend(groups());
    promises.push(drifting());
    promises.extend(kinds());
    promises.extend(two_runs());
    promises.extend(early());
    promises
}

/// Noise of 2 % per sample. `between` is the share of its variance that lies between processes.
fn two_per_cent(between: f64) -> Noise {
    Noise::normal(0.02, between)
}

fn verdicts() -> Vec<Promise> {
    // `one_noisy`: 8 % for one strategy and 1 % for the others. `unequal`: 0.3 % to 8 %, the hardest case known.
    let one_noisy: Vec<Noise> = (0..9).map(|index| Noise::normal(if index == 0 { 0.08 } else { 0.01 }, 0.7)).collect();
    let spread = |index: u8| 0.003 * (0.08_f64 / 0.003).powf(f64::from(index) / 8.0);
    let unequal: Vec<Noise> = (0..9).map(|index| Noise::normal(spread(index), 0.7)).collect();
    let nine = |noise, blocks| false_verdicts(&[noise; 9], blocks, SESSIONS);
    let (small, large) = (two_per_cent(0.5), Noise::normal(0.10, 0.7));
    let mut promises: Vec<Promise> = [
        ("under 2 names", SPLITS.map(|split| false_verdicts(&[two_per_cent(split); 2], BLOCKS, SESSIONS)).to_vec()),
        ("under 9 names", vec![nine(small, BLOCKS), nine(small, 20), nine(large, BLOCKS), nine(large, 20)]),
        ("under 9 names, one of them noisy", vec![false_verdicts(&one_noisy, BLOCKS, SESSIONS)]),
        ("under 9 names of different noise", vec![false_verdicts(&unequal, BLOCKS, 4 * SESSIONS)]),
    ]
    .into_iter()
    .map(|(names, shares)| {
        let what = format!("one strategy {names}: sessions in which one is called slower");
        promise(what, percents(&shares), "at most 5 %", shares.iter().all(|share| *share <= 0.05))
    })
    .collect();
    // If all noise lies between processes, a second sample of a process adds no information.
    let shares = SPLITS.map(|split| found(1.05, 2, two_per_cent(split), BLOCKS, SESSIONS));
    promises.push(promise(
        "5 % slower with 2 % noise and the default budget: sessions in which it is found",
        format!("{} with none, half and all of the noise between processes", percents(&shares)),
        "at least 90 %",
        shares.iter().all(|share| *share >= 0.90),
    ));
    let share = found(1.05, 9, two_per_cent(0.5), BLOCKS, SESSIONS);
    promises.push(promise("the same among nine strategies", percents(&[share]), "at least 85 %", share >= 0.85));
    promises
}

/// The kinds of noise whose intervals are simulated, with their names.
fn shapes() -> [(&'static str, Noise); 5] {
    let noise = |shape, between, within| Noise { shape, between, within };
    [
        ("bell-shaped noise", noise(Shape::Normal, 0.03, 0.01)),
        ("skewed noise", noise(Shape::Skewed, 0.05, 0.01)),
        ("heavy-tailed noise", noise(Shape::HeavyTailed, 0.03, 0.01)),
        ("noise inside processes only", noise(Shape::Normal, 0.0, 0.03)),
        ("noise between processes only", noise(Shape::Normal, 0.03, 0.0)),
    ]
}

fn intervals() -> impl Iterator<Item = Promise> {
    shapes().into_iter().flat_map(move |(name, noise)| {
        let cover = |counts: [u32; 4]| counts.map(|blocks| coverage(noise, blocks, SESSIONS));
        let shares = cover([BLOCKS_FOR_A_VERDICT as u32, 6, 10, 20]);
        let few = [3, 4].map(|blocks| (coverage(noise, blocks, SESSIONS), reach(blocks as usize)));
        [
            promise(
                format!("intervals that cover the truth, {name}"),
                format!("{} of {BLOCKS_FOR_A_VERDICT}, 6, 10 and 20 blocks", percents(&shares)),
                "92 % to 98 %",
                shares.iter().all(|share| (0.92..=0.98).contains(share)),
            ),
            promise(
                format!("intervals of 3 and 4 blocks, {name}"),
                format!("{} instead of {}", percents(&few.map(|pair| pair.0)), percents(&few.map(|pair| pair.1))),
                "within 3.5 %",
                few.iter().all(|(share, reach)| (share - reach).abs() < 0.035),
            ),
        ]
    })
}

fn groups() -> impl Iterator<Item = Promise> {
    const SPREAD: [f64; 9] = [1.0, 1.0, 1.0, 1.01, 1.02, 1.03, 1.05, 1.10, 1.20];
    let groups: [(&str, &[f64]); 3] = [
        ("two equal strategies", &[1.0; 2]),
        ("eight equal strategies", &[1.0; 8]),
        ("nine of 1 to 1.2 times", &SPREAD),
    ];
    groups.into_iter().map(|(group, factors)| {
        let counts = [BLOCKS_FOR_A_VERDICT as u32, 6, 10, 20];
        let worst = counts.map(|blocks| {
            let covered = shapes().map(|(_, noise)| group_coverage(factors, noise, blocks, SESSIONS));
            (covered.into_iter().fold(1.0, f64::min), covered.into_iter().fold(0.0, f64::max))
        });
        promise(
            format!("intervals of the leaders’ pooled speed-up that cover the truth, {group}, the worst of all noises"),
            format!("{} of {BLOCKS_FOR_A_VERDICT}, 6, 10 and 20 blocks", percents(&worst.map(|shares| shares.0))),
            "92 % to 98 %",
            worst.iter().all(|(least, most)| *least >= 0.92 && *most <= 0.98),
        )
    })
}

fn two_runs() -> [Promise; 3] {
    let blocks = [[7, 7], [8, 8], [10, 7]];
    let of = |noises: [Noise; 2]| blocks.map(|blocks| falsely_different(60, noises, blocks, SESSIONS / 4));
    let all = shapes().map(|(_, noise)| of([noise; 2]));
    let shares = [0, 1, 2].map(|at| all.iter().map(|shares| shares[at]).sum::<f64>() / all.len() as f64);
    let [quiet, noisy] = [0.03, 0.06].map(|total| Noise::normal(total, 0.8));
    let unequal = of([quiet, noisy]);
    let found = blocks.map(|blocks| differences_found(1.10, 60, two_per_cent(0.5), blocks, SESSIONS / 10));
    let counts = "with 7 and 7, 8 and 8, 10 and 7 blocks";
    [
        promise(
            "two runs of the same 60 cells: pairs of runs in which any cell is called different, over all kinds of noise",
            format!("{} {counts}", percents(&shares)),
            "at most 5 %",
            shares.iter().all(|share| *share <= 0.05),
        ),
        promise(
            "the same if the second run is twice as noisy",
            format!("{} {counts}", percents(&unequal)),
            "at most 20 %",
            unequal.iter().all(|share| *share <= 0.20),
        ),
        promise(
            "two runs in which 15 of 60 cells differ by 10 % with 2 % noise: cells that are found",
            format!("{} {counts}", percents(&found)),
            "at least 90 %",
            found.iter().all(|share| *share >= 0.90),
        ),
    ]
}

fn drifting() -> Promise {
    let of = |cells, noise| drift(0.20, cells, noise, BLOCKS, SESSIONS);
    let [two, nine] = [2, 9].map(|cells| of(cells, two_per_cent(0.5)));
    // Without noise, one session shows the bias that remains in spite of shuffling.
    let silent = of(9, Noise::normal(0.0, 0.5)).shuffled_typically;
    let both = |of: fn(&Drift) -> f64| [of(&two), of(&nine)];
    let (shuffled, nested) = (both(|drift| drift.shuffled), both(|drift| drift.nested));
    promise(
        "bias of the ratio of two equal strategies when the machine drifts by 20 % in a session of 2 or 9 cells",
        format!(
            "{} in shuffled blocks, {} in nested ones; typically {} in one session without noise",
            percents(&shuffled),
            percents(&nested),
            percents(&[silent])
        ),
        "at most 1 %, at least 5 %, at most 1 %",
        shuffled.iter().all(|off| *off <= 0.01) && nested.iter().all(|off| *off >= 0.05) && silent <= 0.01,
    )
}

fn kinds() -> [Promise; 3] {
    let all = [(0.5, 0.005), (0.5, 0.019), (0.3, 0.005), (0.3, 0.019)];
    let seen = all.map(|(slow, within)| two_kinds(slow, within, 10, SESSIONS));
    let least = |of: fn(&TwoKinds) -> f64| seen.iter().map(of).fold(1.0, f64::min);
    let (flagged, covered) = (least(|it| it.flagged), least(|it| it.covered));
    let outliers =
        shapes().into_iter().flat_map(|(_, noise)| [10, 14, 20].map(|count| lone_outlier(noise, count, SESSIONS)));
    let lone = outliers.fold(LoneOutlier { flagged: 0.0, widened: 0.0 }, |one, other| LoneOutlier {
        flagged: one.flagged.max(other.flagged),
        widened: one.widened.max(other.widened),
    });
    let mut false_alarm = 0.0_f64;
    for shape in [Shape::Normal, Shape::Skewed, Shape::HeavyTailed] {
        for between in [0.03, 0.10] {
            for processes in [6, 10, 15, 20] {
                let noise = Noise { shape, between, within: 0.01 };
                false_alarm = false_alarm.max(falsely_two_kinds(noise, processes, SESSIONS));
            }
        }
    }
    [
        promise(
            "ten processes of 30 or 50 ms, at least two of each: sessions that are flagged, and whose interval covers both",
            format!("{} and {}", percents(&[flagged]), percents(&[covered])),
            "at least 95 %",
            flagged >= 0.95 && covered >= 0.95,
        ),
        promise(
            "one process of 10, 14 or 20 takes 1.2 to 4 times as long: sessions that are flagged, and whose interval it widens",
            format!("{} and {}", percents(&[lone.flagged]), percents(&[lone.widened])),
            "at most 5 %, at most 1 %",
            lone.flagged <= 0.05 && lone.widened <= 0.01,
        ),
        promise(
            "processes of one kind, the worst of all shapes: sessions that are flagged",
            percents(&[false_alarm]),
            "at most 5 %",
            false_alarm <= 0.05,
        ),
    ]
}

fn early() -> Vec<Promise> {
    // Each cell's noise is between 0.3 % and 8 %.
    let session = session(4, 5, 12);
    let saved = |target: f64| {
        let saved = saving(&session, target, 400, 1);
        let figure = saved.map_or_else(
            || "400 blocks were not enough".into(),
            |saved| format!("{} instead of {}: {} fewer", saved.early, saved.fixed, percents(&[saved.share()])),
        );
        promise(
            format!(
                "stopping early: samples until the widest interval extends at most {} to either side",
                percents(&[target])
            ),
            figure,
            "at least 30 % fewer",
            saved.is_some_and(|it| it.share() >= 0.30 && it.widest_fixed <= target && it.widest_early <= target),
        )
    };
    let noises = [0.02, 0.04, 0.08];
    let shares = noises.map(|noise| coverage_when_stopped_early(Noise::normal(noise, 0.5), 0.02, 200, SESSIONS));
    let covered = promise(
        "intervals that cover the truth when cells are stopped early, with 2, 4 and 8 % noise",
        percents(&shares),
        "89 % to 97 %",
        shares.iter().all(|share| (0.89..0.97).contains(share)),
    );
    vec![saved(0.03), saved(0.05), covered]
}

/// `1.0 %, 2.0 %`.
fn percents(shares: &[f64]) -> String {
    shares.iter().map(|share| format!("{:.1} %", share * 100.0)).collect::<Vec<_>>().join(", ")
}
