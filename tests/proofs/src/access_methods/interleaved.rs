//! Runs several contestants in turn on the same job, so that drift affects all equally.

use super::time_breakdown::Cost;
use crate::overhead::median;
use anyhow::{Result, bail};
use fastrand::Rng;
use std::fmt::Display;

/// The costs of each contestant's runs, or the reason why it has none.
pub struct Interleaved<Side> {
    sides: Vec<(Side, Result<Vec<Cost>, String>)>,
}

impl<Side: Copy + PartialEq + Display> Interleaved<Side> {
    /// Runs one untimed round and then `rounds` timed ones. Each round runs every side once, in a shuffled order. A side
    /// that fails once has no cost and is not run again.
    pub fn run(sides: &[Side], rounds: usize, mut run: impl FnMut(Side) -> Result<Cost>) -> Self {
        let mut sides: Vec<_> = sides.iter().map(|side| (*side, Ok(Vec::new()))).collect();
        let mut rng = Rng::with_seed(1);
        for round in 0..=rounds {
            rng.shuffle(&mut sides);
            for (side, costs) in &mut sides {
                let Ok(timed) = costs else { continue };
                match run(*side) {
                    Ok(cost) if round > 0 => timed.push(cost),
                    Ok(_) => {}
                    Err(error) => *costs = Err(format!("{error:#}")),
                }
            }
        }
        Interleaved { sides }
    }

    /// Combines the results of several processes. Each process reports the typical cost of each side, in the order of
    /// `sides`.
    pub fn of_processes(sides: &[Side], processes: &[Vec<Cost>]) -> Self {
        let of = |index: usize| processes.iter().filter_map(|process| process.get(index).copied()).collect();
        Interleaved { sides: sides.iter().enumerate().map(|(index, side)| (*side, Ok(of(index)))).collect() }
    }

    /// Fails with the reason if a side failed.
    pub fn complete(self) -> Result<Self> {
        for (side, costs) in &self.sides {
            if let Err(reason) = costs {
                bail!("{side}: {reason}");
            }
        }
        Ok(self)
    }

    /// The costs of a side's runs, or the reason why it has none.
    pub fn of(&self, side: Side) -> Result<&[Cost], &str> {
        match self.sides.iter().find(|(other, _)| *other == side) {
            Some((_, Ok(costs))) => Ok(costs),
            Some((_, Err(reason))) => Err(reason),
            None => Err("it was not asked for"),
        }
    }

    /// The median of a figure, or NaN if there is none.
    pub fn median(&self, side: Side, figure: impl Fn(&Cost) -> f64) -> f64 {
        self.of(side).map_or(f64::NAN, |costs| median(costs.iter().map(figure).collect()))
    }

    /// The speed-up of `one` over `other`: the median time of `other` divided by that of `one`.
    pub fn faster(&self, one: Side, other: Side) -> f64 {
        self.median(other, |cost| cost.wall) / self.median(one, |cost| cost.wall)
    }

    /// The cost of the side's run with the median time.
    pub fn typical(&self, side: Side) -> Result<Cost, &str> {
        let mut costs = self.of(side)?.to_vec();
        costs.sort_by(|one, other| one.wall.total_cmp(&other.wall));
        costs.get(costs.len() / 2).copied().ok_or("it was never run")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::ensure;

    #[test]
    fn the_first_round_is_untimed_and_a_ratio_compares_medians() {
        let mut turn = 0;
        let rounds = Interleaved::run(&["slow", "fast"], 3, |side| {
            turn += 1;
            // The untimed round takes longer than any other.
            let wall = if turn <= 2 { 1e9 } else { f64::from(1 + 2 * u8::from(side == "slow")) };
            Ok(Cost::from_outside(wall, 0.0, None))
        });
        assert_eq!(rounds.of("slow").map(<[Cost]>::len), Ok(3));
        assert_eq!(rounds.faster("fast", "slow"), 3.0);
    }

    #[test]
    fn a_side_that_fails_once_keeps_the_reason_and_is_not_run_again() {
        let mut runs = 0;
        let rounds = Interleaved::run(&["right", "wrong"], 3, |side| {
            runs += u32::from(side == "wrong");
            ensure!(side == "right" || runs < 2, "it has lost a row");
            Ok(Cost::from_outside(1.0, 0.0, None))
        });
        assert_eq!((rounds.of("wrong").err(), runs), (Some("it has lost a row"), 2));
        assert!(rounds.median("wrong", |cost| cost.wall).is_nan() && rounds.complete().is_err());
    }
}
