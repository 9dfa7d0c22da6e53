//! Where more stops to help.

/// How much of the best rate is nearly all of it.
pub const NEARLY: f64 = 0.9;

/// The smallest size whose rate is within 10 % of the best; none if there is no rate. Of equal sizes the best rate
/// counts.
pub fn knee(rates: impl IntoIterator<Item = (u32, f64)>) -> Option<u32> {
    let rates: Vec<_> = rates.into_iter().filter(|(_, rate)| rate.is_finite()).collect();
    let best = rates.iter().map(|(_, rate)| *rate).fold(0.0, f64::max);
    rates.iter().filter(|(_, rate)| *rate >= NEARLY * best).map(|(size, _)| *size).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_knee_is_the_smallest_that_is_within_a_tenth_of_the_best() {
        assert_eq!(knee([(1, 10.0), (50, 89.0), (200, 91.0), (1_000, 100.0), (5_000, 95.0)]), Some(200));
        assert_eq!(knee([(50, 89.0), (50, 99.0), (200, 100.0)]), Some(50));
        assert_eq!(knee([]), None);
    }
}
