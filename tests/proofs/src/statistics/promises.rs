//! What the statistics promise, each with the figure that a simulation gives and the bar that it must hold.

use super::simulation::{
    BLOCKS, coverage, drift, false_verdicts, falsely_two_kinds, found, saving, session, two_kinds,
};
use record::statistics::{BLOCKS_FOR_A_VERDICT, Noise, Shape};

/// Sessions behind each figure.
const SESSIONS: u32 = 1_000;

/// The noise of the sessions that compare strategies: 2 % per sample, half of its square between processes.
const TWO_PER_CENT: f64 = 0.02;

/// One promise, and whether it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Promise {
    /// What was simulated.
    pub what: String,
    /// What came out.
    pub figure: String,
    /// What should.
    pub bar: &'static str,
    /// Whether it did.
    pub holds: bool,
}

/// Simulates everything that is promised; always with the same figures.
pub fn promises() -> Vec<Promise> {
    let mut promises = verdicts();
    promises.extend(intervals());
    promises.push(drifting());
    promises.extend(kinds());
    promises.push(early());
    promises
}

fn verdicts() -> Vec<Promise> {
    let noise = Noise::normal(TWO_PER_CENT, 0.5);
    let false_one = |names: usize| {
        let share = false_verdicts(&vec![noise; names], BLOCKS, SESSIONS);
        Promise {
            what: format!("one strategy under {names} names: sessions in which one is said to be slower"),
            figure: percent(share),
            bar: "at most 5 %",
            holds: share <= 0.05,
        }
    };
    // The worst case is that all noise lies between processes, for then a second sample of a process tells nothing.
    let [half, all] = [0.5, 1.0].map(|between| found(1.05, 2, Noise::normal(TWO_PER_CENT, between), BLOCKS, SESSIONS));
    let slower = Promise {
        what: "5 % slower with 2 % noise and the default budget: sessions in which it is found".into(),
        figure: format!("{}; {} if all noise lies between processes", percent(half), percent(all)),
        bar: "at least 90 %",
        holds: half.min(all) >= 0.90,
    };
    vec![false_one(2), false_one(9), slower]
}

fn intervals() -> impl Iterator<Item = Promise> {
    let shapes = [
        ("bell-shaped noise", Noise { shape: Shape::Normal, between: 0.03, within: 0.01 }),
        ("skewed noise", Noise { shape: Shape::Skewed, between: 0.05, within: 0.01 }),
        ("heavy-tailed noise", Noise { shape: Shape::HeavyTailed, between: 0.03, within: 0.01 }),
        ("noise inside processes only", Noise { shape: Shape::Normal, between: 0.0, within: 0.03 }),
    ];
    shapes.into_iter().map(|(name, noise)| {
        let counts = [BLOCKS_FOR_A_VERDICT as u32, 6, 10, 20];
        let shares = counts.map(|blocks| coverage(noise, blocks, SESSIONS));
        let figures: Vec<String> =
            counts.iter().zip(shares).map(|(blocks, share)| format!("{} of {blocks} blocks", percent(share))).collect();
        Promise {
            what: format!("intervals that cover the truth, {name}"),
            figure: figures.join(", "),
            bar: "92 % to 98 %",
            holds: shares.iter().all(|share| (0.92..=0.98).contains(share)),
        }
    })
}

fn drifting() -> Promise {
    let drift = drift(0.20, 2, Noise::normal(TWO_PER_CENT, 0.5), BLOCKS, SESSIONS);
    Promise {
        what: "a drift of 20 % over a session: bias of the ratio of two equal strategies".into(),
        figure: format!("{} in shuffled blocks, {} in nested ones", percent(drift.shuffled), percent(drift.nested)),
        bar: "at most 1 %, and at least 5 %",
        holds: drift.shuffled <= 0.01 && drift.nested >= 0.05,
    }
}

fn kinds() -> [Promise; 2] {
    let seen = [0.5, 0.1].map(|slow| two_kinds(slow, 0.019, 10, SESSIONS));
    let least = |of: fn(&super::simulation::TwoKinds) -> f64| seen.iter().map(of).fold(1.0, f64::min);
    let (flagged, covered) = (least(|it| it.flagged), least(|it| it.covered));
    let mut false_alarm = 0.0_f64;
    for shape in [Shape::Normal, Shape::Skewed, Shape::HeavyTailed] {
        for between in [0.03, 0.10] {
            for processes in [6, 10, 20] {
                let noise = Noise { shape, between, within: 0.01 };
                false_alarm = false_alarm.max(falsely_two_kinds(noise, processes, SESSIONS));
            }
        }
    }
    [
        Promise {
            what: "ten processes of 30 or 50 ms: sessions that are flagged, and whose interval covers both".into(),
            figure: format!("{} and {}", percent(flagged), percent(covered)),
            bar: "at least 95 %",
            holds: flagged >= 0.95 && covered >= 0.95,
        },
        Promise {
            what: "processes of one kind, the worst of all shapes: sessions that are flagged".into(),
            figure: percent(false_alarm),
            bar: "at most 5 %",
            holds: false_alarm <= 0.05,
        },
    ]
}

fn early() -> Promise {
    // Cells with 0.3 % to 8 % of noise; the widest interval may be as wide as 3 % to either side.
    let saved = saving(&session(4, 5, 12), 0.03, 400, 1);
    let figure = saved.map_or_else(
        || "400 blocks were not enough".into(),
        |saved| format!("{} instead of {}: {} fewer", saved.early, saved.fixed, percent(saved.share())),
    );
    Promise {
        what: "samples until the widest interval is narrow enough, stopping early".into(),
        figure,
        bar: "at least 30 % fewer",
        holds: saved.is_some_and(|saved| saved.share() >= 0.30),
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
