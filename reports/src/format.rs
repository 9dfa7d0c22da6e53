//! Formats numbers and lists for readers: three digits, one unit, a space between thousands.

use record::BASELINE;
use record::statistics::Estimate;

/// The narrow no-break space between thousands and before units.
pub const SPACE: char = '\u{202f}';

/// The text in place of a missing number.
pub const NONE: &str = "–";

const TIME: [(f64, &str); 4] = [(1.0, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s")];
const MEMORY: [(f64, &str); 4] = [(1.0, "B"), (1024.0, "KiB"), (1_048_576.0, "MiB"), (1_073_741_824.0, "GiB")];

/// A whole number with a space between thousands: `60 000`.
pub fn count(number: u64) -> String {
    apart(&number.to_string())
}

/// A value with three significant digits: `1.93`, `12.3`, `60 100`, `0.00123`.
pub fn digits(value: f64) -> String {
    rounded(value, 3)
}

/// A time in nanoseconds with its unit: `12.3 ms`.
pub fn time(ns: f64) -> String {
    with_unit(ns, &TIME)
}

/// A time and its interval, both in one unit: `12.3 ms` and `12.1–12.6`. Without an interval the second text is empty.
pub fn time_estimate(ns: Estimate) -> (String, String) {
    let (size, unit) = unit(ns.value, &TIME);
    (format!("{}{SPACE}{unit}", digits(ns.value / size)), interval(ns, size))
}

/// A speed-up and its interval: `1.93×` and `1.90–1.95`. Without an interval the second text is empty.
pub fn speed_up(times: Estimate) -> (String, String) {
    (format!("{}×", digits(times.value)), interval(times, 1.0))
}

/// A value and its interval in running text: `1.93× (1.90–1.95)`.
pub fn sentence((value, interval): (String, String)) -> String {
    if interval.is_empty() { value } else { format!("{value} ({interval})") }
}

/// A value rounded to a whole number, with a space between thousands.
pub fn whole(value: f64) -> String {
    count(value.round() as u64)
}

/// Microjoules in joules: `12.3 J`.
pub fn joules(microjoules: f64) -> String {
    format!("{}{SPACE}J", digits(microjoules / 1e6))
}

/// A share between 0 and 1 as a whole percentage: `96 %`.
pub fn percent(share: f64) -> String {
    format!("{:.0}{SPACE}%", share * 100.0)
}

/// An amount of memory: `23.4 MiB`.
pub fn memory(bytes: f64) -> String {
    with_unit(bytes, &MEMORY)
}

/// A number for an axis, as short as it can be: `0.5`, `60 000`, `1 M`.
pub fn short(number: f64) -> String {
    for (size, letter) in [(1e9, 'G'), (1e6, 'M')] {
        if number >= size {
            return format!("{}{SPACE}{letter}", bare(number / size));
        }
    }
    bare(number)
}

/// A count that may be very large, with three digits: `728 M`, `2.90 G`. Below a million it has all its digits.
pub fn many(number: f64) -> String {
    let large = [(1e9, 'G'), (1e6, 'M')].into_iter().find(|(size, _)| number / size >= 0.9995);
    large.map_or_else(
        || count(number.round() as u64),
        |(size, letter)| format!("{}{SPACE}{letter}", digits(number / size)),
    )
}

/// A time for an axis, as short as it can be: `250 µs`, `1 ms`.
pub fn short_time(ns: f64) -> String {
    let (size, unit) = unit(ns, &TIME);
    format!("{}{SPACE}{unit}", bare(ns / size))
}

/// The strategy's name, or `plain loop` for the baseline.
pub fn strategy(name: &str) -> &str {
    if name == BASELINE { "plain loop" } else { name }
}

/// The text with its first letter in upper case.
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// `1 core`, `2 cores`.
pub fn cores(number: u32) -> String {
    format!("{}{SPACE}{}", count(number.into()), if number == 1 { "core" } else { "cores" })
}

/// `1 cell`, `2 cells`.
pub fn cells(number: usize) -> String {
    if number == 1 { "1 cell".into() } else { format!("{} cells", count(number as u64)) }
}

/// `1 block`, `5 blocks`, or `5 to 12 blocks`.
pub fn blocks(fewest: usize, most: usize) -> String {
    format!("{} {}", block_count(fewest, most), if most == 1 { "block" } else { "blocks" })
}

/// `5`, or `5 to 12`.
pub fn block_count(fewest: usize, most: usize) -> String {
    if fewest == most { most.to_string() } else { format!("{fewest} to {most}") }
}

/// `partitions of 60 000 lines`, `partitions of 1 line`. The unit is a regular plural.
pub fn partitions(size: u64, unit: &str) -> String {
    let unit = if size == 1 { unit.trim_end_matches('s') } else { unit };
    format!("partitions of {} {unit}", count(size))
}

/// `10 to 1 000` if `sizes` are neighbours among `all`, otherwise each size: `10 and 1 000`.
pub fn sizes(sizes: &[u64], all: &[u64]) -> String {
    match sizes {
        [first, .., last] if all.iter().filter(|size| (first..=last).contains(size)).count() == sizes.len() => {
            format!("{} to {}", count(*first), count(*last))
        }
        [first @ .., last] if !first.is_empty() => {
            let first: Vec<String> = first.iter().map(|size| count(*size)).collect();
            format!("{} and {}", first.join(", "), count(*last))
        }
        several => several.iter().map(|size| count(*size)).collect(),
    }
}

/// `a and b`, or `a, b, c and 5 others`.
pub fn names(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] if names.len() <= 4 => format!("{} and {last}", first.join(", ")),
        _ => format!("{} and {} others", names[..3].join(", "), names.len() - 3),
    }
}

/// [`digits`] without zeros at the end of a fraction.
fn bare(value: f64) -> String {
    let text = digits(value);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn interval(estimate: Estimate, size: f64) -> String {
    estimate.interval.map_or_else(String::new, |interval| {
        format!("{}–{}", digits(interval.low / size), digits(interval.high / size))
    })
}

fn with_unit(value: f64, units: &[(f64, &'static str)]) -> String {
    let (size, unit) = unit(value, units);
    format!("{}{SPACE}{unit}", digits(value / size))
}

/// The largest unit in which the rounded value is at least 1: 999.7 µs is 1 ms, not 1 000 µs.
fn unit(value: f64, units: &[(f64, &'static str)]) -> (f64, &'static str) {
    let fits = |size: f64| value / size >= 0.9995;
    units.iter().rev().copied().find(|(size, _)| fits(*size)).unwrap_or(units[0])
}

fn rounded(value: f64, significant: i32) -> String {
    if value == 0.0 || !value.is_finite() {
        return if value == 0.0 { "0".into() } else { NONE.into() };
    }
    let magnitude = |value: f64| value.abs().log10().floor() as i32;
    // Rounding can add a digit (9.996 becomes 10.0), so the magnitude is computed again afterwards.
    let step = 10_f64.powi(magnitude(value) - significant + 1);
    let value = (value / step).round() * step;
    let decimals = (significant - 1 - magnitude(value * (1.0 + f64::EPSILON))).max(0);
    apart(&format!("{value:.*}", usize::try_from(decimals).unwrap_or(0)))
}

fn apart(number: &str) -> String {
    let (whole, rest) = number.split_at(number.find('.').unwrap_or(number.len()));
    let mut text = String::new();
    for (place, digit) in whole.char_indices() {
        let left = whole.len() - place;
        if place > 0 && left % 3 == 0 && !text.ends_with('-') {
            text.push(SPACE);
        }
        text.push(digit);
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::statistics::Interval;

    #[test]
    fn numbers_have_three_digits_and_thousands_apart() {
        let cases =
            [(0.0, "0"), (1.0, "1.00"), (1.934, "1.93"), (12.34, "12.3"), (9.996, "10.0"), (0.001_234, "0.00123")];
        for (value, text) in cases {
            assert_eq!(digits(value), text);
        }
        assert_eq!(digits(60_123.0), "60\u{202f}100");
        assert_eq!(digits(f64::NAN), NONE);
        assert_eq!(count(1_650_999), "1\u{202f}650\u{202f}999");
        assert_eq!(count(999), "999");
    }

    #[test]
    fn times_take_the_largest_unit_of_which_there_is_one() {
        let cases =
            [(0.0, "0 ns"), (12.0, "12.0 ns"), (999_700.0, "1.00 ms"), (12_340_000.0, "12.3 ms"), (6.1e10, "61.0 s")];
        for (ns, text) in cases {
            assert_eq!(time(ns).replace(SPACE, " "), text);
        }
    }

    #[test]
    fn an_interval_has_the_unit_of_its_value() {
        let estimate = Estimate { value: 1_020_000.0, interval: Some(Interval { low: 980_000.0, high: 1_100_000.0 }) };
        assert_eq!(time_estimate(estimate), ("1.02\u{202f}ms".into(), "0.980–1.10".into()));
        assert_eq!(sentence(speed_up(Estimate { value: 1.93, interval: None })), "1.93×");
    }

    #[test]
    fn large_counts_have_three_digits_and_small_ones_all_of_theirs() {
        for (number, text) in [(0.0, "0"), (12_345.4, "12 345"), (999_700.0, "1.00 M"), (2.9e9, "2.90 G")] {
            assert_eq!(many(number).replace(SPACE, " "), text);
        }
    }

    #[test]
    fn axis_labels_are_as_short_as_they_can_be() {
        let cases = [(0.5, "0.5"), (2.0, "2"), (60_000.0, "60 000"), (1e6, "1 M"), (2.5e6, "2.5 M"), (1e9, "1 G")];
        for (number, text) in cases {
            assert_eq!(short(number).replace(SPACE, " "), text);
        }
        assert_eq!(short_time(250_000.0).replace(SPACE, " "), "250 µs");
    }
}
