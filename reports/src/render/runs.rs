//! Renders the list of runs: one HTML file without scripts or requests.

use crate::error::Result;
use crate::format;
use crate::view::runs::Listed;
use askama::Template;

/// The text by which a file is recognised as a list of runs.
pub const MARK: &str = "<meta name=\"generator\" content=\"goldilocks runs\">";

/// Renders the list, in the given order.
///
/// # Errors
/// If the page cannot be rendered.
pub fn page(runs: &[Listed]) -> Result<String> {
    let style = concat!(include_str!("../../templates/page.css"), include_str!("../../templates/runs.css"));
    Ok(Page { style, mark: MARK, runs }.render()?)
}

#[derive(Template)]
#[template(path = "runs.html")]
struct Page<'a> {
    style: &'static str,
    mark: &'static str,
    runs: &'a [Listed],
}

impl Page<'_> {
    fn count(&self) -> String {
        let readable = self.runs.iter().filter(|run| run.summary.is_ok()).count();
        let unreadable = self.runs.len() - readable;
        let runs = if readable == 1 { "run" } else { "runs" };
        let mut text = format!("{} {runs}, the newest first.", format::count(readable as u64));
        if unreadable > 0 {
            text += &format!(" {} cannot be read.", format::count(unreadable as u64));
        }
        text
    }
}
