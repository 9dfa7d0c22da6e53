//! What a reader sees without scrolling, and in the colours of a reader's own scheme.

use crate::driver::Page;
use record::{Check, Record, Verdict};
use reports::analysis::Analysis;
use reports::render::html;
use serde::Deserialize;

/// The windows of a laptop and a telephone.
const WINDOWS: [(u32, u32); 2] = [(1366, 768), (390, 844)];

/// Where the first finding, the alarm and the first chart end, in pixels from the top.
#[derive(Debug, Deserialize)]
struct Ends {
    finding: f64,
    alarm: Option<f64>,
    chart: f64,
}

const ENDS: &str = "(() => {
  const end = selector => document.querySelector(selector)?.getBoundingClientRect().bottom ?? null;
  return { finding: end('.findings') ?? end('.sentence'), alarm: end('.alarm'), chart: end('.task .chart') };
})()";

/// Runs whose first screen is full: an alarm of many checks, many tasks, an undecided answer, one task.
fn records() -> Vec<(&'static str, Record)> {
    let mut loaded = crate::alarming();
    for name in ["noise", "second_threads", "huge_pages", "numa", "input_nodes"] {
        let sentence =
            "a loop of constant work lost 99.0 % of its time on the worst processor: measure at another time";
        loaded.run.checks.push(Check { name: name.into(), verdict: Verdict::Refuse, sentence: sentence.into() });
    }
    let mut few = crate::alarming();
    few.samples.retain(|sample| sample.block == 0);
    let mut alone = few.clone();
    alone.run.tasks.truncate(1);
    let task = alone.run.tasks[0].name.clone();
    alone.samples.retain(|sample| sample.cell.task == task);
    vec![("alarm", crate::alarming()), ("load", loaded), ("one block", few), ("one task", alone)]
}

#[test]
fn the_finding_and_the_first_chart_are_seen_without_scrolling() {
    for (name, record) in records() {
        let html = html::page(&Analysis::new(&record)).expect("the page can be rendered");
        let Some(page) = Page::open(&html) else { return };
        for (width, height) in WINDOWS {
            page.resize(width, height);
            page.load("");
            let ends: Ends = page.ask(ENDS);
            let alarm = ends.alarm.expect("the machine was not in order");
            assert!(alarm < f64::from(height) / 2.0 && ends.finding < f64::from(height), "{name}, {width}: {ends:?}");
            assert!(ends.chart <= f64::from(height), "{name}, {width} × {height}: {ends:?}");
        }
        // The alarm is impossible to miss, and says more on demand.
        assert!(page.ask::<bool>("document.querySelector('.alarm strong').checkVisibility()"));
        assert!(
            !page.ask::<bool>("document.querySelector('.alarm dd').checkVisibility({ contentVisibilityAuto: true })")
        );
        page.click(".alarm summary");
        assert!(
            page.ask::<bool>("document.querySelector('.alarm dd').checkVisibility({ contentVisibilityAuto: true })")
        );
    }
}

#[test]
fn in_a_readers_own_colours_lines_tiles_and_texts_are_seen() {
    let Some(page) = Page::open(&crate::report()) else { return };
    page.force_colours();
    for fragment in ["", "#?0.cores.show=time&0.mark=processes"] {
        page.load(fragment);
        let unseen: Vec<String> = page.ask(
            "(() => {
               const { color, backgroundColor } = getComputedStyle(document.body);
               const mark = document.querySelector('.mark .line'), marked = mark && getComputedStyle(mark).stroke;
               const shown = selector => [...document.querySelectorAll(selector)].filter(it => it.getClientRects().length);
               const is = (property, allowed) => it => !allowed.includes(getComputedStyle(it)[property]);
               const bad = [
                 ...shown('.chart .line, .swatch .line').filter(is('stroke', [color, marked])),
                 ...shown('.chart text').filter(is('fill', [color, marked])),
                 ...shown('.tile').filter(is('fill', [backgroundColor])),
               ];
               return bad.map(it => `${it.parentNode.getAttribute('class')} ${it.getAttribute('class')} ${getComputedStyle(it).fill} ${getComputedStyle(it).stroke} on ${backgroundColor}`).slice(0, 9);
             })()",
        );
        let marked: usize = page.ask("document.querySelectorAll('.mark .line').length");
        assert_eq!(marked > 0, fragment.contains("mark"));
        assert!(unseen.is_empty(), "{fragment}: {unseen:?}");
        assert!(page.ask::<bool>("matchMedia('(forced-colors: active)').matches"));
    }
}
