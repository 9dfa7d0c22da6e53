//! Calls side by side as text for the terminal.

use crate::format;
use crate::render::wrap::{Look, aligned, printable, wrap};
use crate::view::calls::{Call, Columns, MEANING, columns, extent, lesson, rows};

/// The letters before a timeline: the name of its row.
const NAME: usize = 12;

/// The most columns of a timeline.
const COLUMNS: usize = 64;

/// The table, what its columns mean, a timeline for each call, and what they show.
pub fn text(calls: &[Call], look: &Look) -> String {
    let mut text = aligned(&rows(calls));
    text += &format!("\n{}", wrap(MEANING, look.width, "  ", "  "));
    let number = look.width.saturating_sub(NAME + 4).clamp(8, COLUMNS);
    let extent_ns = extent(calls);
    let end = format::time(extent_ns as f64);
    text += &format!("\n  {:<NAME$}0{end:>number$}\n", "");
    for call in calls {
        text += &timeline(call, &columns(call, extent_ns, number), look.unicode);
    }
    if let Some(lesson) = lesson(calls) {
        text += &format!("\n{}", wrap(&lesson, look.width, "  ", "  "));
    }
    printable(&text)
}

fn timeline(call: &Call, columns: &Columns, unicode: bool) -> String {
    let busy = if unicode { '█' } else { '#' };
    let line = |name: &str, letters: String| format!("    {name:<0$}|{letters}|\n", NAME - 2);
    let mut text = format!("  {}\n", call.name);
    for (worker, lane) in &columns.lanes {
        let letters = lane.iter().map(|is_busy| if *is_busy { busy } else { ' ' }).collect();
        text += &line(&format!("worker {worker}"), letters);
    }
    if columns.more > 0 {
        text += &format!("    and {} more workers\n", columns.more);
    }
    // The number of results; `+` stands for ten and more.
    let digit = |number: &u64| match number {
        0 => ' ',
        1..=9 => char::from(b'0' + u8::try_from(*number).unwrap_or(0)),
        _ => '+',
    };
    text + &line("usable", columns.usable.iter().map(digit).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::calls::CallTimes;
    use record::{Cell, Lane, Span, TracedRun};

    fn cell(delivery: &str) -> Cell {
        Cell {
            task: "count".into(),
            strategy: "rayon".into(),
            cores: 2,
            workers: 2,
            size: 1,
            delivery: delivery.into(),
            combine: "per_partition".into(),
        }
    }

    /// A slow partition, then three quick ones on the other worker.
    fn run(delivered_ms: &[u64]) -> TracedRun {
        let span = |job, start_ms: u64, ms: u64| {
            let [start_ns, length_ns] = [start_ms, ms].map(|ms| ms * 1_000_000);
            Span { job, jobs: 1, start_ns, length_ns, in_jobs_ns: length_ns, in_task_ns: length_ns }
        };
        let lanes = [vec![span(0, 0, 64)], vec![span(1, 0, 1), span(2, 1, 1), span(3, 2, 1)]];
        TracedRun {
            start_ns: 0,
            run_ns: 64_000_000,
            reduce_ns: 0,
            cpu_ns: 67_000_000,
            jobs: 4,
            lanes: (0..).zip(lanes).filter_map(|(worker, spans)| Lane::of(worker, spans)).collect(),
            delivered_ns: delivered_ms.iter().map(|ms| ms * 1_000_000).collect(),
        }
    }

    #[test]
    fn the_table_and_the_timelines_fit_into_80_columns_and_show_what_waits() {
        let (in_order, completed) = (cell("in_order"), cell("as_completed"));
        let (waiting, at_once) = (run(&[64; 4]), run(&[1, 2, 3, 64]));
        let call = |name, cell, run| Call {
            name,
            waits_for: "each result, in input order",
            cell,
            times: CallTimes::of(cell, run).expect("each result has a time"),
            run,
        };
        let calls = [call("map", &in_order, &waiting), call("as_completed", &completed, &at_once)];
        let text = text(&calls, &Look::default());
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        let row = |name: &str| text.lines().find(|line| line.trim_start().starts_with(name)).unwrap_or_default();
        let ends =
            |name: &str, times: &str| row(name).split_whitespace().collect::<Vec<_>>().join(" ").ends_with(times);
        assert!(ends("map ", "each result, in input order 64.0 ms 64.0 ms 63.0 ms"), "{text}");
        assert!(ends("as_completed ", "each result, in input order 1.00 ms 64.0 ms 0 ns"), "{text}");
        let blanks = |number| " ".repeat(number);
        assert!(
            text.contains(&format!("    worker 1  |###{}|\n    usable    |{}4|\n", blanks(61), blanks(63))),
            "{text}"
        );
        assert!(text.contains(&format!("    usable    | 111{}1|\n", blanks(59))), "{text}");
        assert!(text.contains("3 finished results wait up to 63.0 ms behind a slower one"), "{text}");
    }
}
