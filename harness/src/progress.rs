//! The progress display of a sweep. Nothing is drawn while a cell is being timed.

use crate::counted;
use crate::plan::cells::Cell;
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::cell::OnceCell;
use std::io::IsTerminal;
use std::time::{Duration, Instant};
use system::printing::say;

/// A progress bar on a terminal. Without a terminal, occasional lines.
pub struct Progress {
    bar: Option<ProgressBar>,
    began: Instant,
    last_line: Option<Instant>,
}

/// The minimum time between two lines without a terminal.
const PAUSE: Duration = Duration::from_secs(10);

impl Progress {
    /// Starts the display.
    pub fn begin() -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = terminal.then(|| {
            // The bar has no drawing thread, because such a thread would disturb the measured process.
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(20));
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        Progress { bar, began: Instant::now(), last_line: None }
    }

    /// Shows the cell that comes next, `turn` of `cells` in this block, and the estimated time `rest` until the sweep
    /// ends.
    pub fn show(&mut self, cell: &Cell, block: u32, turn: usize, cells: usize, rest: Duration) {
        let elapsed = self.began.elapsed();
        let what =
            format!("{} {} {}, size {}", cell.task, cell.strategy, counted(cell.cores.into(), "core"), cell.size);
        let when = format!("{} elapsed, about {} left", short(elapsed), short(rest));
        match &self.bar {
            Some(bar) => {
                bar.set_length(cells as u64);
                bar.set_position(turn as u64);
                bar.set_message(format!("cells of block {}, {when}: {what}", block + 1));
                bar.tick();
            }
            None if self.last_line.is_none_or(|last| last.elapsed() > PAUSE) => {
                say(format_args!("block {}, cell {} of its {cells}, {when}: {what}", block + 1, turn + 1));
                self.last_line = Some(Instant::now());
            }
            None => {}
        }
    }

    /// Prints a line that stays on the terminal.
    pub fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| say(line)),
            None => say(line),
        }
    }

    /// Removes the bar.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A line about something that the program waits for. A terminal shows the newest text in place. Without a terminal,
/// only the first text is printed.
#[derive(Default)]
pub struct Waiting {
    bar: OnceCell<ProgressBar>,
}

impl Waiting {
    /// Shows the reason for waiting.
    pub fn show(&self, reason: &str) {
        let bar = self.bar.get_or_init(|| {
            let bar = ProgressBar::new_spinner();
            if bar.is_hidden() {
                say(reason);
            }
            bar
        });
        bar.set_message(reason.to_owned());
        bar.tick();
    }

    /// Removes the line.
    pub fn end(&self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }
}

/// A duration in a few characters.
pub fn short(time: Duration) -> String {
    if time < Duration::from_secs(120) { format!("{} s", time.as_secs()) } else { HumanDuration(time).to_string() }
}
