//! Draws timelines and charts of delivery as inline SVG that a style sheet colours.
//!
//! plotters has no lanes. Their blocks are paths, because a timeline has hundreds: an element for each would take twice
//! the space.

use crate::render::svg::{classes, escape, fine};
use crate::view::chart::Tick;
use crate::view::lanes::{Block, ChartLane, Curve, LaneChart, Phase, StepChart};
use std::fmt::Write as _;

/// The sizes in tenths of a unit, as in the other charts.
const WIDTH: i32 = 5_600;
const LEFT: i32 = 660;
const RIGHT: i32 = 5_060;
const TOP: i32 = 400;
const BOTTOM: i32 = 520;
/// The height of the row of phases, with the space below it.
const PHASES: i32 = 300;
/// The height of all lanes if there are many, and of one lane if there are few.
const LANES: i32 = 2_700;
const LANE: i32 = 260;
/// The height of the area of a chart of delivery.
const AREA: i32 = 2_900;
/// The distance between labels that a narrow page needs.
const APART: i32 = 220;
/// The width of the longest name of a delivery on a narrow page.
const NAME: i32 = 1_400;
/// The smallest width of a block that can be seen.
const THIN: i32 = 3;

/// Draws a timeline. `id` must be unique on the page.
pub fn timeline(chart: &LaneChart, id: &str) -> String {
    let (low, high) = chart.extent_ns;
    let x = |ns: f64| LEFT + part((ns - low) / (high - low), RIGHT - LEFT);
    let count = i32::try_from(chart.lanes.len()).unwrap_or(i32::MAX).max(1);
    let pitch = LANE.min(LANES / count).max(THIN);
    let (top, bottom) = (TOP + PHASES, TOP + PHASES + pitch * count);
    let mut svg = open("chart lanes", bottom + BOTTOM, id, &chart.title, &chart.description);
    axis(&mut svg, &chart.ticks, x, (TOP, bottom));
    chart.phases.iter().for_each(|phase| draw_phase(&mut svg, phase, x));
    label(&mut svg, "label", (80, 80), ("start", ".8em"), "worker");
    let every = (APART / pitch + 1).min(count);
    for (nth, lane) in (0..).zip(&chart.lanes) {
        let y = top + nth * pitch;
        draw_lane(&mut svg, lane, x, (y, pitch));
        if lane.is_last {
            label(&mut svg, "note", (RIGHT + 60, y + pitch / 2), ("start", ".35em"), "last");
        }
        if nth % every == 0 {
            let middle = y + pitch / 2;
            label(&mut svg, "label", (LEFT - 100, middle), ("end", ".35em"), &lane.worker.to_string());
        }
    }
    label(&mut svg, "label", (RIGHT, bottom + BOTTOM - 30), ("end", "-.2em"), "time since the run began");
    svg + "</svg>"
}

fn draw_phase(svg: &mut String, phase: &Phase, x: impl Fn(f64) -> i32) {
    let (from, to) = (x(phase.extent_ns.0), x(phase.extent_ns.1).max(x(phase.extent_ns.0) + THIN));
    group(svg, "phase", &phase.words);
    let _ = write!(svg, "<path class=\"bar\" d=\"{}\"/>", rectangle(from, to - from, TOP, PHASES - 80));
    // A label that does not fit would cover the next phase.
    let room = i32::try_from(phase.name.len()).unwrap_or(0) * 110;
    if to - from > room {
        label(svg, "label", ((from + to) / 2, TOP + (PHASES - 80) / 2), ("middle", ".35em"), phase.name);
    }
    svg.push_str("</g>");
}

/// Draws a lane. The height of a block is its share inside jobs; the dark part is the task itself.
fn draw_lane(svg: &mut String, lane: &ChartLane, x: impl Fn(f64) -> i32, (y, pitch): (i32, i32)) {
    group(svg, if lane.is_last { "lane last" } else { "lane" }, &lane.words);
    let height = (pitch * 8 / 10).max(1);
    let path = |share: fn(&Block) -> f64| {
        let rectangles = lane.blocks.iter().map(|block| {
            let from = x(block.extent_ns.0);
            let tall = part(share(block), height).max(1);
            rectangle(from, (x(block.extent_ns.1) - from).max(THIN), y + height - tall, tall)
        });
        rectangles.collect::<String>()
    };
    if lane.blocks.iter().any(|block| block.in_task < block.in_jobs) {
        let _ = write!(svg, "<path class=\"job\" d=\"{}\"/>", path(|block| block.in_jobs));
    }
    let _ = write!(svg, "<path class=\"work\" d=\"{}\"/>", path(|block| block.in_task));
    svg.push_str("</g>");
}

/// Draws a chart of delivery. `id` must be unique on the page.
pub fn steps(chart: &StepChart, id: &str) -> String {
    let x = |ns: f64| LEFT + part(ns / chart.most_ns, RIGHT - LEFT);
    let y = |results: f64| TOP + AREA - part(results / chart.results, AREA);
    let mut svg = open("chart steps", TOP + AREA + BOTTOM, id, &chart.title, &chart.description);
    axis(&mut svg, &chart.ticks, x, (TOP, TOP + AREA));
    for tick in &chart.counts {
        let _ = write!(svg, "<path class=\"grid\" d=\"M{} {}h{}\"/>", fine(LEFT), fine(y(tick.at)), fine(RIGHT - LEFT));
        label(&mut svg, "label", (LEFT - 100, y(tick.at)), ("end", ".35em"), &tick.label);
    }
    label(&mut svg, "label", (80, 80), ("start", ".8em"), "results that are usable");
    for (nth, curve) in chart.curves.iter().enumerate() {
        draw_curve(&mut svg, curve, nth, x, y);
    }
    label(&mut svg, "label", (RIGHT, TOP + AREA + BOTTOM - 30), ("end", "-.2em"), "time since the run began");
    svg + "</svg>"
}

/// Draws a step line and its name at a quarter, a half or three quarters of its height, so that names do not cover each other.
fn draw_curve(svg: &mut String, curve: &Curve, nth: usize, x: impl Fn(f64) -> i32, y: impl Fn(f64) -> i32) {
    group(svg, &format!("curve {}", classes(nth, None)), &curve.words);
    let mut path = format!("M{} {}", fine(x(0.0)), fine(y(0.0)));
    let mut before = (x(0.0), y(0.0));
    for (place, (ns, results)) in curve.steps.iter().enumerate() {
        let next = (x(*ns), y(*results));
        // Steps that nobody can see would fill the page.
        let is_small = next.0 - before.0 < 10 && before.1 - next.1 < 10;
        if is_small && place + 1 < curve.steps.len() {
            continue;
        }
        let _ = write!(path, "H{}V{}", fine(next.0), fine(next.1));
        before = next;
    }
    let _ = write!(svg, "<path class=\"line\" d=\"{path}H{}\"/>", fine(RIGHT));
    // The later results become usable, the lower the name: left above the earliest line there is nothing.
    let place = curve.steps.len() * (1 + nth.min(2)) / 4;
    if let Some((ns, results)) = curve.steps.get(place.min(curve.steps.len().saturating_sub(1))) {
        // Left of its line, where no later line is, unless it would cover the axis. The middle name has a line on both sides.
        let is_left = x(*ns) > LEFT + NAME && (nth != 1 || x(*ns) > RIGHT - NAME);
        let (shift, anchor) = if is_left { (-60, "end") } else { (60, "start") };
        label(svg, "note", (x(*ns) + shift, y(*results)), (anchor, ".35em"), &curve.delivery);
    }
    svg.push_str("</g>");
}

fn open(class: &str, height: i32, id: &str, title: &str, description: &str) -> String {
    format!(
        "<svg class=\"{class}\" viewBox=\"0 0 {} {}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\">\
         <title id=\"{id}-title\">{}</title><desc id=\"{id}-desc\">{}</desc>",
        fine(WIDTH),
        fine(height),
        escape(title),
        escape(description),
    )
}

/// Draws the axis of time with its grid.
fn axis(svg: &mut String, ticks: &[Tick], x: impl Fn(f64) -> i32, (top, bottom): (i32, i32)) {
    for tick in ticks {
        let at = x(tick.at);
        let _ = write!(svg, "<path class=\"grid\" d=\"M{} {}V{}\"/>", fine(at), fine(top), fine(bottom + 40));
        label(svg, "label", (at, bottom + 110), ("middle", ".8em"), &tick.label);
    }
    let _ = write!(svg, "<path class=\"axis\" d=\"M{} {}H{}\"/>", fine(LEFT), fine(bottom), fine(RIGHT));
}

fn group(svg: &mut String, class: &str, title: &str) {
    let _ = write!(svg, "<g class=\"{class}\"><title>{}</title>", escape(title));
}

fn label(svg: &mut String, class: &str, (x, y): (i32, i32), (anchor, down): (&str, &str), text: &str) {
    let (x, y, text) = (fine(x), fine(y), escape(text));
    let _ =
        write!(svg, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" dy=\"{down}\" text-anchor=\"{anchor}\">{text}</text>");
}

/// A share of a length. A damaged record may have times outside of the run, which are drawn at its edge.
fn part(share: f64, length: i32) -> i32 {
    (f64::from(length) * share.clamp(0.0, 1.0)).round() as i32
}

fn rectangle(x: i32, width: i32, y: i32, height: i32) -> String {
    let [x, width, y, height] = [x, width, y, height].map(fine);
    format!("M{x} {y}h{width}v{height}h-{width}z")
}
