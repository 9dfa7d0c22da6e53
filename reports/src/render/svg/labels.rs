//! Names beside the ends of lines, moved apart so that none covers another.

/// The most characters of a name beside a chart. The tooltip and the legend have all of them.
const LONGEST: usize = 17;

/// The name, cut off if it is too long for its place.
pub(super) fn shortened(name: &str) -> String {
    if name.chars().count() <= LONGEST {
        return name.to_owned();
    }
    let kept: String = name.chars().take(LONGEST - 1).collect();
    kept + "…"
}

/// Moves the `wanted` heights apart by at least `room`, as little as possible, between `top` and `bottom`. If the room does
/// not suffice for all, they get equal parts of it. Keeps the order of `wanted`.
pub(super) fn apart(wanted: &[i32], room: i32, (top, bottom): (i32, i32)) -> Vec<i32> {
    let number = i32::try_from(wanted.len()).unwrap_or(i32::MAX).max(1);
    let room = room.min((bottom - top) / number);
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by_key(|nth| wanted[*nth]);
    // Names that touch form a block, which stands around the middle of the wanted heights of its members.
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    for &nth in &order {
        let half = |names: usize| f64::from(room) * names as f64 / 2.0;
        let inside = |middle: f64, names: usize| {
            let (first, last) = (f64::from(top) + half(names), f64::from(bottom) - half(names));
            middle.clamp(first, last.max(first))
        };
        let mut block = (inside(f64::from(wanted[nth]), 1), 1);
        while let Some(&(middle, names)) = blocks.last() {
            if middle + half(names) <= block.0 - half(block.1) {
                break;
            }
            blocks.pop();
            let all = names + block.1;
            block = (inside((middle * names as f64 + block.0 * block.1 as f64) / all as f64, all), all);
        }
        blocks.push(block);
    }
    let mut heights = vec![0; wanted.len()];
    let mut order = order.into_iter();
    for (middle, names) in blocks {
        let first = middle - f64::from(room) * (names as f64 - 1.0) / 2.0;
        for (step, nth) in order.by_ref().take(names).enumerate() {
            heights[nth] = (first + f64::from(room) * step as f64).round() as i32;
        }
    }
    heights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_touch_are_moved_apart_and_others_stay() {
        assert_eq!(apart(&[100, 300, 200], 20, (0, 400)), [100, 300, 200]);
        assert_eq!(apart(&[100, 100], 20, (0, 400)), [90, 110]);
        assert_eq!(apart(&[0, 5], 20, (0, 400)), [10, 30]);
        assert_eq!(apart(&[], 20, (0, 400)), [0; 0]);
    }

    #[test]
    fn any_heights_end_up_apart_inside_and_in_order() {
        let mut random = fastrand::Rng::with_seed(3);
        for _ in 0..500 {
            let wanted: Vec<i32> = (0..random.usize(1..25)).map(|_| random.i32(-50..450)).collect();
            let moved = apart(&wanted, 20, (0, 400));
            for (one, other) in
                wanted.iter().zip(&moved).flat_map(|one| wanted.iter().zip(&moved).map(move |it| (one, it)))
            {
                assert!(one.0 >= other.0 || one.1 < other.1, "{wanted:?} {moved:?}");
            }
            let mut heights = moved;
            let room = 20.min(400 / heights.len() as i32);
            heights.sort_unstable();
            // Rounding may take one unit.
            assert!(heights.windows(2).all(|pair| pair[1] - pair[0] >= room - 1), "{heights:?}");
            assert!(heights[0] >= 0 && heights[heights.len() - 1] <= 400, "{heights:?}");
        }
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        assert_eq!(shortened("threads_shared"), "threads_shared");
        assert_eq!(shortened(&"é".repeat(30)).chars().count(), LONGEST);
    }
}
