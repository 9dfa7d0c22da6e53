//! Several at the same job by turns, so that whatever drifts hits all alike.

use super::time_breakdown::Took;
use crate::overhead::median;
use anyhow::{Result, bail};
use fastrand::Rng;
use std::fmt::Display;

/// What each of several took, and why some have no time.
pub struct Rounds<Who> {
    sides: Vec<(Who, Result<Vec<Took>, String>)>,
}

impl<Who: Copy + PartialEq + Display> Rounds<Who> {
    /// Has each of them run once a round, in a shuffled order; a first round warms up and does not count. Whoever fails
    /// once has no time and is not asked again.
    pub fn run(who: &[Who], rounds: usize, mut run: impl FnMut(Who) -> Result<Took>) -> Self {
        let mut sides: Vec<_> = who.iter().map(|who| (*who, Ok(Vec::new()))).collect();
        let mut rng = Rng::with_seed(1);
        for round in 0..=rounds {
            rng.shuffle(&mut sides);
            for (who, side) in &mut sides {
                let Ok(times) = side else { continue };
                match run(*who) {
                    Ok(took) if round > 0 => times.push(took),
                    Ok(_) => {}
                    Err(error) => *side = Err(format!("{error:#}")),
                }
            }
        }
        Rounds { sides }
    }

    /// What several processes found: of each process, what was typical for each of them, in the same order.
    pub fn of_processes(who: &[Who], processes: &[Vec<Took>]) -> Self {
        let of = |place: usize| processes.iter().filter_map(|process| process.get(place).copied()).collect();
        Rounds { sides: who.iter().enumerate().map(|(place, who)| (*who, Ok(of(place)))).collect() }
    }

    /// Fails if one of them has failed.
    ///
    /// # Errors
    /// Its reason.
    pub fn complete(self) -> Result<Self> {
        for (who, side) in &self.sides {
            if let Err(reason) = side {
                bail!("{who}: {reason}");
            }
        }
        Ok(self)
    }

    /// What one of them took, or why it has no time.
    pub fn of(&self, who: Who) -> Result<&[Took], &str> {
        match self.sides.iter().find(|(other, _)| *other == who) {
            Some((_, Ok(times))) => Ok(times),
            Some((_, Err(reason))) => Err(reason),
            None => Err("it was not asked"),
        }
    }

    /// The median of a figure; not a number if there is none.
    pub fn median(&self, who: Who, figure: impl Fn(&Took) -> f64) -> f64 {
        self.of(who).map_or(f64::NAN, |times| median(times.iter().map(figure).collect()))
    }

    /// How many times as fast the first is as the second: the ratio of their medians.
    pub fn faster(&self, one: Who, other: Who) -> f64 {
        self.median(other, |took| took.wall) / self.median(one, |took| took.wall)
    }

    /// The run of one of them that has the median time.
    pub fn typical(&self, who: Who) -> Result<Took, &str> {
        let mut times = self.of(who)?.to_vec();
        times.sort_by(|one, other| one.wall.total_cmp(&other.wall));
        times.get(times.len() / 2).copied().ok_or("it was never run")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::ensure;

    fn after(wall: f64) -> Took {
        Took::from_outside(wall, 0.0, None)
    }

    #[test]
    fn the_first_round_does_not_count_and_a_ratio_is_that_of_medians() {
        let mut turn = 0.0;
        let rounds = Rounds::run(&["slow", "fast"], 3, |who| {
            turn += 1.0;
            // As long as nothing else would ever take, while warming up.
            Ok(after(if turn <= 2.0 {
                1e9
            } else if who == "slow" {
                300.0
            } else {
                100.0
            }))
        });
        assert_eq!(rounds.of("slow").map(<[Took]>::len), Ok(3));
        assert_eq!(rounds.faster("fast", "slow"), 3.0);
    }

    #[test]
    fn whoever_fails_once_has_a_reason_and_no_time_and_is_not_asked_again() {
        let mut asked = 0;
        let rounds = Rounds::run(&["right", "wrong"], 3, |who| {
            asked += u32::from(who == "wrong");
            ensure!(who == "right" || asked < 2, "it has lost a row");
            Ok(after(1.0))
        });
        assert_eq!((rounds.of("wrong").err(), asked), (Some("it has lost a row"), 2));
        assert!(rounds.median("wrong", |took| took.wall).is_nan() && rounds.complete().is_err());
    }
}
