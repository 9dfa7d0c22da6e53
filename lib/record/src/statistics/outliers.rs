//! Samples far from the others of their cell. They are listed, never dropped.
//!
//! A sample that took three times as long may be the machine's fault or the strategy's. The number alone cannot show
//! which. Every figure therefore includes it; medians tolerate outliers.

use super::{Blocks, MARGIN, median};

/// The smallest distance of an outlier, in robust standard deviations: B. Iglewicz and D. C. Hoaglin, "How to Detect
/// and Handle Outliers", 1993, section 3.2.
const FAR: f64 = 3.5;

/// The factor from a median absolute deviation to the standard deviation of a normal distribution.
const MEDIAN_DEVIATION: f64 = 1.482_6;

/// The factor from a mean absolute deviation to the standard deviation of a normal distribution.
const MEAN_DEVIATION: f64 = 1.253_3;

/// A sample far from the others of its cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outlier {
    /// The sample's block.
    pub block: u32,
    /// The sample's place in its block, from 0.
    pub index: usize,
    /// The sample's time, in nanoseconds.
    pub ns: f64,
    /// The sample's time divided by the cell's median sample. Below 1 for a quick outlier.
    pub factor: f64,
}

/// The outliers, in the order of measurement. An outlier is further from the median sample than 3.5 robust standard
/// deviations, and further than [`MARGIN`]. Distances are differences of logarithms.
pub fn outliers(blocks: &Blocks) -> Vec<Outlier> {
    let samples: Vec<(u32, usize, f64)> = blocks
        .iter()
        .flat_map(|(block, samples)| samples.iter().enumerate().map(|(index, ns)| (*block, index, *ns)))
        .collect();
    let Some(centre) = median(&samples.iter().map(|(.., ns)| *ns).collect::<Vec<_>>()) else {
        return Vec::new();
    };
    let distances: Vec<f64> = samples.iter().map(|(.., ns)| (ns / centre).ln().abs()).collect();
    let deviation = match median(&distances).unwrap_or(0.0) * MEDIAN_DEVIATION {
        // More than half of the samples are equal, as with a coarse clock. The same authors propose this alternative.
        0.0 => MEAN_DEVIATION * distances.iter().sum::<f64>() / distances.len() as f64,
        deviation => deviation,
    };
    let far = (FAR * deviation).max(MARGIN.ln_1p());
    samples
        .iter()
        .zip(distances)
        .filter(|(_, distance)| *distance > far)
        .map(|((block, index, ns), _)| Outlier { block: *block, index: *index, ns: *ns, factor: ns / centre })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::{always, blocks, time};
    use super::*;

    #[test]
    fn an_outlier_is_listed_with_its_place_and_factor_and_still_counts_in_intervals() {
        let mut blocks = blocks(&[&[100.0, 101.0], &[99.0, 100.0], &[101.0, 99.5], &[100.5, 100.0], &[98.0, 100.0]]);
        assert_eq!(outliers(&blocks), []);
        blocks.insert(2, vec![101.0, 300.0]);
        assert_eq!(outliers(&blocks), [Outlier { block: 2, index: 1, ns: 300.0, factor: 3.0 }]);
        let slowest = time(&blocks, 0.95).and_then(|time| time.interval).expect("five blocks").high;
        assert!(slowest > 200.0, "its process is still the slowest: {slowest}");
    }

    #[test]
    fn quick_samples_can_be_outliers() {
        let blocks = blocks(&[&[100.0, 101.0], &[99.0, 100.0], &[50.0, 99.5]]);
        assert_eq!(outliers(&blocks).len(), 1);
        assert!((outliers(&blocks)[0].factor - 0.5).abs() < 0.01);
    }

    #[test]
    fn among_equal_samples_only_a_clearly_different_one_is_an_outlier() {
        let mut blocks = always(100.0, 20);
        assert_eq!(outliers(&blocks), []);
        blocks.insert(7, vec![100.5]);
        assert_eq!(outliers(&blocks), [], "half a per cent does not matter");
        blocks.insert(7, vec![120.0]);
        assert_eq!(outliers(&blocks).len(), 1);
        assert_eq!(outliers(&Blocks::new()), []);
    }
}
