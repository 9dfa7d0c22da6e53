//! What the record says, in sentences: as much as the intervals carry, and not a word more.

use crate::analysis::results::{CLOSE, Measured, Range, Sweep};
use crate::analysis::slowdown::{Behind, behind};
use crate::view::chart::{on, partitions_of};
use crate::view::format;
use record::statistics::{self, BLOCKS_FOR_A_VERDICT, Blocks, Estimate, Interval, MARGIN};

/// What was found for one task.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The task.
    pub task: String,
    /// The finding in one sentence, without the task's name.
    pub headline: String,
    /// What else follows: enough cores, good partition sizes, who is far behind and why, who was left out.
    pub details: Vec<String>,
    /// The strategies by place, those that tie sharing one; empty if that is not decided.
    pub places: Vec<Vec<String>>,
}

impl Finding {
    /// The strategies that cannot be told from the fastest; empty if that is not decided.
    pub fn leaders(&self) -> &[String] {
        self.places.first().map_or(&[], Vec::as_slice)
    }
}

/// Says which strategies lead on the largest core count at the default partition size, and against what.
pub fn finding(sweep: &Sweep) -> Finding {
    let task = sweep.task.name.clone();
    let silent = |headline: String| {
        let details = left_out(sweep).into_iter().collect();
        Finding { task: task.clone(), headline, details, places: Vec::new() }
    };
    let Some(cores) = sweep.most_cores() else {
        return silent("nothing was measured.".into());
    };
    let size = sweep.task.default_size;
    let candidates: Vec<&Measured> =
        sweep.strategies.iter().filter_map(|(_, strategy)| sweep.sound(&strategy.name, cores, size)).collect();
    let setting = format!("on {} with {}", on(cores), partitions_of(size, &sweep.task.unit));
    if candidates.is_empty() {
        return silent(format!("not decided: no strategy has a sound cell {setting}."));
    }

    let blocks = Range::of(candidates.iter().copied());
    // Of a block that was cut off, some cells have their part and others have not.
    if blocks.fewest < BLOCKS_FOR_A_VERDICT {
        return silent(format!(
            "not decided, because a verdict takes {BLOCKS_FOR_A_VERDICT} blocks and there {}; `just bench --resume` \
             with a larger `--budget` or more `--blocks` measures more. {} {setting}.",
            if blocks.most == 1 { "is 1".into() } else { format!("are {}", blocks.number()) },
            so_far(&candidates),
        ));
    }

    let named: Vec<(&str, &Blocks)> =
        candidates.iter().map(|measured| (measured.cell.strategy.as_str(), &measured.blocks)).collect();
    let places = statistics::tie_groups(&named);
    let leaders = places.first().cloned().unwrap_or_default();
    let leading: Vec<&Measured> =
        candidates.iter().copied().filter(|measured| leaders.contains(&measured.cell.strategy.as_str())).collect();

    let who = match leaders.as_slice() {
        [only] if candidates.len() == 1 => format!("{only}, the only strategy measured {setting}, is"),
        [only] => format!("{only} is the fastest {setting}:"),
        all if all.len() == candidates.len() => {
            let all = if all.len() == 2 { "both".into() } else { format!("all {}", all.len()) };
            format!("no strategy can be told from the others {setting}: {all} are")
        }
        some => format!("{} tie {setting}:", listed(some)),
    };
    let mut details = Vec::new();
    details.extend(enough_cores(sweep, &leaders));
    details.extend(good_sizes(sweep, &leaders, cores));
    details.extend(behind(sweep).iter().map(Behind::sentence));
    details.extend(left_out(sweep));
    Finding {
        task: task.clone(),
        headline: format!("{who} {}", against_the_baseline(&leading)),
        details,
        places: places.into_iter().map(|tied| tied.into_iter().map(str::to_owned).collect()).collect(),
    }
}

/// `1.93× (1.90–1.95) as fast as the plain one-thread loop`, for one or for several.
fn against_the_baseline(leading: &[&Measured]) -> String {
    const AGAINST: &str = "as fast as the plain one-thread loop";
    let speed_ups: Vec<Estimate> = leading.iter().filter_map(|measured| measured.speed_up).collect();
    let Some(hull) = hull(&speed_ups) else {
        return "with no sound baseline, there is nothing to state a speed-up against.".into();
    };
    let figures = match speed_ups.as_slice() {
        [only] => format::sentence(format::speed_up(*only)),
        _ => format!("{} (intervals within {})", medians(&speed_ups), range(hull.low, hull.high)),
    };
    let remark = if hull.high < 1.0 {
        ", so slower than it"
    } else if hull.low <= 1.0 + MARGIN {
        ", so not surely faster than it"
    } else {
        ""
    };
    format!("{figures} {AGAINST}{remark}.")
}

/// What is known before anything is decided: medians, and nobody's name.
fn so_far(candidates: &[&Measured]) -> String {
    let speed_ups: Vec<Estimate> = candidates.iter().filter_map(|measured| measured.speed_up).collect();
    if speed_ups.is_empty() {
        return "There is no sound baseline to compare with".into();
    }
    format!("So far the strategies’ medians are {} as fast as the plain one-thread loop", medians(&speed_ups))
}

/// `1.91× to 1.93×`, or `1.93×` if they round to the same.
fn medians(estimates: &[Estimate]) -> String {
    let values = || estimates.iter().map(|estimate| estimate.value);
    range(values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max))
}

fn range(low: f64, high: f64) -> String {
    let [low, high] = [low, high].map(|value| format!("{}×", format::digits(value)));
    if low == high { low } else { format!("{low} to {high}") }
}

/// From the lowest lower end to the highest upper end.
fn hull(estimates: &[Estimate]) -> Option<Interval> {
    let ends = estimates
        .iter()
        .map(|estimate| estimate.interval.unwrap_or(Interval { low: estimate.value, high: estimate.value }));
    ends.reduce(|one, other| Interval { low: one.low.min(other.low), high: one.high.max(other.high) })
}

/// The fewest cores with which every leader comes close to its best, if that is not the largest count.
fn enough_cores(sweep: &Sweep, leaders: &[&str]) -> Option<String> {
    let close = sweep.close_cores(leaders, sweep.task.default_size);
    let (enough, most) = (*close.first()?, sweep.most_cores()?);
    (enough < most).then(|| {
        let bring = if enough == 1 { "brings" } else { "bring" };
        let percent = format::percent(CLOSE);
        let not = if close.contains(&most) { String::new() } else { format!(", and {} do not", on(most)) };
        format!(
            "{} {bring} {} within {percent} of {} on any core count{not}.",
            on(enough),
            them(leaders),
            best(leaders)
        )
    })
}

/// The partition sizes with which every leader comes close to its best.
fn good_sizes(sweep: &Sweep, leaders: &[&str], cores: u32) -> Option<String> {
    let all = sweep.sizes();
    let close = sweep.close_sizes(leaders, cores);
    let (them, unit, percent) = (them(leaders), &sweep.task.unit, format::percent(CLOSE));
    match close.as_slice() {
        _ if all.len() < 2 => None,
        [] => Some(format!("No one partition size brings {them} within {percent} of {}.", best(leaders))),
        _ => Some(format!(
            "Partitions of {} {unit} bring {them} within {percent} of {}, of {} sizes tried.",
            spelled(&close, &all),
            best(leaders),
            all.len(),
        )),
    }
}

/// `10 to 1 000` if these are neighbours among `all`, otherwise one by one: `10, 1 000`.
pub(crate) fn spelled(sizes: &[u64], all: &[u64]) -> String {
    let count = |size: &u64| format::count(*size);
    match sizes {
        [first, .., last] if all.iter().filter(|size| (first..=last).contains(size)).count() == sizes.len() => {
            format!("{} to {}", count(first), count(last))
        }
        several => several.iter().map(count).collect::<Vec<_>>().join(", "),
    }
}

/// Who cannot be compared because samples went wrong.
fn left_out(sweep: &Sweep) -> Option<String> {
    let names: Vec<&str> = sweep
        .strategies
        .iter()
        .map(|(_, strategy)| strategy.name.as_str())
        .filter(|name| sweep.failures.iter().any(|sample| sample.cell.strategy == *name))
        .collect();
    (!names.is_empty()).then(|| {
        format!("Cells in which a sample failed are left out of every comparison; they are of {}.", names.join(", "))
    })
}

/// `a and b`, or `a, b, c and 5 others`.
pub(crate) fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] if names.len() <= 4 => format!("{} and {last}", first.join(", ")),
        _ => format!("{} and {} others", names[..3].join(", "), names.len() - 3),
    }
}

fn them(names: &[&str]) -> String {
    match names {
        [only] => (*only).to_owned(),
        [_, _] => "both".into(),
        _ => "all of them".into(),
    }
}

fn best(names: &[&str]) -> &'static str {
    if names.len() == 1 { "its best median" } else { "their best medians" }
}
