//! Samples far from the others of their cell: listed, never dropped.
//!
//! A sample that took three times as long may be the machine's fault or the strategy's, and the number alone cannot show
//! which. So it stays in every figure, because medians tolerate it, and the reader can look into it.

use super::{Blocks, MARGIN, median};

/// The distance of an outlier in robust standard deviations: B. Iglewicz and D. C. Hoaglin, "How to Detect and Handle Outliers",
/// 1993, section 3.2.
const FAR: f64 = 3.5;

/// The factor from a median absolute deviation to the standard deviation of a normal distribution.
const MEDIAN_DEVIATION: f64 = 1.482_6;

/// The same for a mean absolute deviation.
const MEAN_DEVIATION: f64 = 1.253_3;

/// A sample far from the others of its cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outlier {
    /// Its block.
    pub block: u32,
    /// Its place among the samples of its block, from 0.
    pub index: usize,
    /// Its time, in nanoseconds.
    pub ns: f64,
    /// Its time over the cell's median sample; below 1 if it was quicker.
    pub factor: f64,
}

/// The samples that are further from the median sample than 3.5 robust standard deviations and than [`MARGIN`], in the
/// order of measurement. Distances are between logarithms.
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
        // More than half of the samples are equal, as with a coarse clock: the same authors' alternative.
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
    fn an_outlier_is_listed_with_its_place_and_size_and_stays_in_the_figures() {
        let mut blocks = blocks(&[&[100.0, 101.0], &[99.0, 100.0], &[101.0, 99.5], &[100.5, 100.0], &[98.0, 100.0]]);
        assert_eq!(outliers(&blocks), []);
        blocks.insert(2, vec![101.0, 300.0]);
        assert_eq!(outliers(&blocks), [Outlier { block: 2, index: 1, ns: 300.0, factor: 3.0 }]);
        let slowest = time(&blocks, 0.95).and_then(|time| time.interval).expect("five blocks").high;
        assert!(slowest > 200.0, "its process is still the slowest: {slowest}");
    }

    #[test]
    fn quick_ones_are_outliers_too() {
        let blocks = blocks(&[&[100.0, 101.0], &[99.0, 100.0], &[50.0, 99.5]]);
        assert_eq!(outliers(&blocks).len(), 1);
        assert!((outliers(&blocks)[0].factor - 0.5).abs() < 0.01);
    }

    #[test]
    fn equal_samples_have_none_and_the_one_that_differs_is_one() {
        let mut blocks = always(100.0, 20);
        assert_eq!(outliers(&blocks), []);
        blocks.insert(7, vec![100.5]);
        assert_eq!(outliers(&blocks), [], "half a per cent does not matter");
        blocks.insert(7, vec![120.0]);
        assert_eq!(outliers(&blocks).len(), 1);
        assert_eq!(outliers(&Blocks::new()), []);
    }
}
