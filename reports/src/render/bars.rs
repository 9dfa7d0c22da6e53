//! Bars made of letters, for the terminal.

use crate::format;
use crate::view::summary::SpeedUps;
use std::fmt::Write as _;

/// The widest bar, in letters.
const LONGEST: usize = 48;

/// The parts of a letter, in eighths.
const EIGHTHS: [char; 7] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// One bar for each number of cores: full up to the smallest speed-up of the group, shaded up to the largest. A mark
/// stands where the speed-up equals the number of cores. Without `unicode`, the letters are ASCII.
pub fn speed_ups(chart: &SpeedUps, width: usize, unicode: bool) -> String {
    let label = |low: f64, high: f64| match [low, high].map(format::digits) {
        [low, high] if low == high => format!("{low}×"),
        [low, high] => format!("{low}–{high}×"),
    };
    let rows = || chart.by_cores.iter();
    let labels: Vec<String> = rows().map(|(_, range)| label(range.low, range.high)).collect();
    let named: Vec<String> = rows().map(|(cores, _)| format::cores(*cores)).collect();
    let widest = |texts: &[String]| texts.iter().map(|text| text.chars().count()).max().unwrap_or(0);
    let room = width.saturating_sub(2 + widest(&named) + 2 + 1 + widest(&labels)).clamp(1, LONGEST);
    let most = rows().map(|(cores, range)| range.high.max(f64::from(*cores))).fold(1.0, f64::max);
    let mut text = String::new();
    for (((cores, range), name), label) in rows().zip(&named).zip(&labels) {
        let place = |value: f64| value / most * room as f64;
        let bar = bar(place(range.low), place(range.high), place(f64::from(*cores)), room, unicode);
        let blanks = " ".repeat(widest(&named) - name.chars().count());
        // `write!` to a String cannot fail.
        let _ = writeln!(text, "  {blanks}{name}  {bar} {label}");
    }
    text
}

/// A bar of `room` letters and blanks. `low`, `high` and `ideal` are places in letters.
fn bar(low: f64, high: f64, ideal: f64, room: usize, unicode: bool) -> String {
    let full = low.floor() as usize;
    let shaded = (high.round() as usize).max(full);
    let mark = (ideal.ceil() as usize).clamp(1, room) - 1;
    let letter = |place: usize| {
        let eighth = ((low - place as f64) * 8.0).floor() as usize;
        match place {
            _ if place < full => {
                if unicode {
                    '█'
                } else {
                    '#'
                }
            }
            _ if place == mark => {
                if unicode {
                    '│'
                } else {
                    '|'
                }
            }
            _ if place == full && unicode && eighth > 0 && shaded <= full + 1 => EIGHTHS[eighth.min(7) - 1],
            _ if place < shaded => {
                if unicode {
                    '▒'
                } else {
                    '='
                }
            }
            _ => ' ',
        }
    };
    (0..room).map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::statistics::Interval;

    #[test]
    fn bars_are_as_long_as_the_speed_ups() {
        assert_eq!(bar(4.0, 4.0, 8.0, 8, true), "████   │");
        assert_eq!(bar(4.5, 4.5, 8.0, 8, true), "████▌  │");
        assert_eq!(bar(2.0, 4.0, 8.0, 8, true), "██▒▒   │");
        assert_eq!(bar(2.0, 4.0, 8.0, 8, false), "##==   |");
        assert_eq!(bar(8.0, 8.0, 8.0, 8, false), "########");
        assert_eq!(bar(0.0, 0.0, 1.0, 8, true), "│       ");
    }

    #[test]
    fn no_line_is_wider_than_asked_for() {
        let by_cores = [(1, 0.9, 1.0), (32, 14.0, 14.6), (128, 100.0, 130.0)];
        let by_cores = by_cores.map(|(cores, low, high)| (cores, Interval { low, high })).to_vec();
        let chart = SpeedUps { title: String::new(), by_cores };
        for width in [40, 60, 80] {
            let text = speed_ups(&chart, width, true);
            assert!(text.lines().all(|line| line.chars().count() <= width), "{text}");
            assert_eq!(text.lines().count(), 3);
        }
    }
}
