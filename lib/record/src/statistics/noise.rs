//! Random times with a known true value, for simulations of the effect of chance.

use super::Blocks;
use fastrand::Rng;

/// How processes differ from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// The normal distribution.
    Normal,
    /// The exponential distribution: like times, it has a hard minimum and a long upper tail.
    Skewed,
    /// Student's t distribution with three degrees of freedom: sometimes far from the median, on either side.
    HeavyTailed,
}

/// The noise of a simulated cell, relative to its time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Noise {
    /// The distribution of the differences between processes.
    pub shape: Shape,
    /// The standard deviation between processes.
    pub between: f64,
    /// The standard deviation within a process. This noise always has a normal distribution.
    pub within: f64,
}

impl Noise {
    /// Normal noise with standard deviation `total` per sample. `between`, from 0 to 1, is the part of the variance
    /// that lies between processes.
    pub fn normal(total: f64, between: f64) -> Self {
        Self { shape: Shape::Normal, between: total * between.sqrt(), within: total * (1.0 - between).sqrt() }
    }

    /// Blocks whose median process takes `ns`.
    pub fn blocks(&self, ns: f64, blocks: u32, samples: usize, random: &mut Rng) -> Blocks {
        (0..blocks).map(|block| (block, self.process(ns, samples, random))).collect()
    }

    /// The samples of one process.
    pub fn process(&self, ns: f64, samples: usize, random: &mut Rng) -> Vec<f64> {
        let off = match self.shape {
            Shape::Normal => normal(random),
            // Minus the median of the distribution.
            Shape::Skewed => exponential(random) - std::f64::consts::LN_2,
            // Divided by the standard deviation of the distribution.
            Shape::HeavyTailed => {
                let squares: f64 = (0..3).map(|_| normal(random).powi(2)).sum();
                normal(random) / squares.sqrt()
            }
        };
        let process = ns * (1.0 + self.between * off).max(0.1);
        (0..samples).map(|_| process * (1.0 + self.within * normal(random)).max(0.1)).collect()
    }
}

/// A number from the standard normal distribution (G. E. P. Box and M. E. Muller, 1958).
pub fn normal(random: &mut Rng) -> f64 {
    (2.0 * exponential(random)).sqrt() * (std::f64::consts::TAU * random.f64()).cos()
}

/// A number from the exponential distribution with mean 1.
pub(super) fn exponential(random: &mut Rng) -> f64 {
    -(1.0 - random.f64()).ln()
}

#[cfg(test)]
mod tests {
    use super::super::{median, processes};
    use super::*;

    #[test]
    fn noise_has_the_given_deviation_and_keeps_the_median() {
        let mut random = Rng::with_seed(4);
        for shape in [Shape::Normal, Shape::Skewed, Shape::HeavyTailed] {
            let noise = Noise { shape, between: 0.03, within: 0.0 };
            let times = processes(&noise.blocks(100.0, 20_000, 1, &mut random));
            let mean = times.iter().sum::<f64>() / times.len() as f64;
            let deviation = (times.iter().map(|ns| (ns - mean).powi(2)).sum::<f64>() / times.len() as f64).sqrt();
            assert!((median(&times).expect("many") - 100.0).abs() < 0.15, "{shape:?}");
            assert!((2.0..4.0).contains(&deviation), "{shape:?}: {deviation}");
        }
        let Noise { between, within, .. } = Noise::normal(0.02, 0.5);
        assert!((between.powi(2) + within.powi(2) - 0.02_f64.powi(2)).abs() < 1e-12);
    }
}
