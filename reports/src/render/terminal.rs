//! Renders the findings, with a chart and a compact table for each task, for the terminal.

use crate::analysis::engines::Engines;
use crate::analysis::peers::PeerResult;
use crate::analysis::{Analysis, TaskAnalysis};
use crate::render::bars;
use crate::render::wrap::{Look, aligned, fitted, printable, wrap};
use crate::view::answer::{self, Part};
use crate::view::{engines, peers, results, run, summary};

/// The conclusions that are shown without being asked for: what limits the speed-up, and whether the work grew.
const ESSENTIAL: [&str; 2] = ["limits", "growing_work"];

/// The alarm, then for each task the finding, its numbers, what limits it, a chart and a table of strategies.
pub fn text(analysis: &Analysis, look: &Look) -> String {
    let mut text = String::new();
    let width = look.width;
    if let Some(alarm) = &analysis.environment.alarm {
        text += &wrap(alarm.headline, width, "", "");
        for (check, sentence) in run::alarm_entries(&analysis.environment) {
            text += &wrap(&format!("{check}: {sentence}"), width, "  ", "    ");
        }
        text.push('\n');
    }
    let skipped = &analysis.environment.skipped;
    for skipped in skipped {
        text += &wrap(&format!("{} was not measured: {}", skipped.task, skipped.reason), width, "", "  ");
        text.push('\n');
    }
    for task in &analysis.tasks {
        let results = &task.results;
        if results.cells.is_empty() && skipped.iter().any(|skipped| skipped.task == results.task.name) {
            continue;
        }
        text += &of_task(task, look);
    }
    if analysis.environment.samples == 0 {
        text += &wrap("Nothing was measured: the record has no sample.", width, "", "");
    }
    printable(&text)
}

fn of_task(task: &TaskAnalysis, look: &Look) -> String {
    let (results, name) = (&task.results, &task.results.task.name);
    let mut text = wrap(&format!("{name}: {}", task.finding.headline), look.width, "", "  ");
    // The headline has the values already; the notes say how far they hold.
    for Part { question, value, note } in answer::parts(task).into_iter().filter(|_| look.verbose) {
        let note = if note.is_empty() { note } else { format!("; {note}") };
        text += &wrap(&format!("{question}: {value}{note}"), look.width, "  ", "    ");
    }
    text += &wrap(&format!("Can you trust it? {}", task.trust.sentence), look.width, "  ", "  ");
    let shown = task.conclusions.iter().filter(|it| look.verbose || ESSENTIAL.contains(&it.about));
    shown.for_each(|conclusion| text += &wrap(&conclusion.sentence, look.width, "  ", "  "));
    if results.cells.is_empty() {
        return text;
    }
    if let Some(chart) = summary::speed_ups(results) {
        let bars = bars::speed_ups(&chart, look.width, look.unicode);
        let mark = if look.unicode { '│' } else { '|' };
        let title = format!("{}; {mark} marks as many times as cores:", chart.title);
        text += &format!("\n{}{bars}", wrap(&title, look.width, "  ", "  "));
    }
    let table = if look.verbose {
        let mut rows = results::summary(results).texts();
        // A column of names needs no head.
        rows[0][0].clear();
        aligned(&rows)
    } else {
        fitted(results::short(results), look.width, 3)
    };
    text += &format!("\n{table}\n");
    text += &peer_lines(name, &task.peers.results, look);
    text + &engine_lines(name, task.engines.as_ref(), look)
}

/// The times of distributed engines for the job of `task`, as plain text; empty without engines.
pub fn of_engines(task: &str, engines: Option<&Engines>, look: &Look) -> String {
    printable(&engine_lines(task, engines, look))
}

fn engine_lines(task: &str, engines: Option<&Engines>, look: &Look) -> String {
    let Some(engines) = engines else { return String::new() };
    let table = engines::table(task, engines);
    let rows = if look.verbose { aligned(&table.texts()) } else { fitted(engines::summary(engines), look.width, 3) };
    format!("{}\n{rows}\n", wrap(&table.caption, look.width, "", ""))
}

/// The times of other programs for the job of `task`, as plain text; empty without peers.
pub fn of_peers(task: &str, peers: &[PeerResult], look: &Look) -> String {
    printable(&peer_lines(task, peers, look))
}

fn peer_lines(task: &str, peers: &[PeerResult], look: &Look) -> String {
    let Some(table) = peers::table(task, peers) else { return String::new() };
    let (caption, rows) = if look.verbose {
        (table.caption.clone(), aligned(&table.texts()))
    } else {
        let caption = format!("Other programs at the job of {task}. {}", peers::CAVEAT);
        (caption, fitted(peers::summary(peers), look.width, 3))
    };
    format!("{}\n{rows}\n", wrap(&caption, look.width, "", ""))
}
