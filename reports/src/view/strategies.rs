//! The cards of the strategies: what each does, costs and looks like.

use crate::analysis::Analysis;
use crate::analysis::overhead::DispatchCost;
use crate::format;
use crate::view::rust_source::{Piece, pieces};
use record::StrategyNote;

/// The card of a strategy.
#[derive(Debug, Clone, PartialEq)]
pub struct Card<'a> {
    /// The strategy's own words.
    pub note: &'a StrategyNote,
    /// What the strategy costs: names and values.
    pub price: Vec<(&'static str, String)>,
    /// The text of the strategy's file; empty if the record does not have it.
    pub source: Vec<Piece<'a>>,
}

/// The cards, in the run's order.
pub fn cards(analysis: &Analysis) -> Vec<Card<'_>> {
    let dispatched = |name: &str| {
        let mut costs = analysis.tasks.iter().flat_map(|task| &task.overhead.dispatch);
        costs.find(|cost| cost.strategy == name)
    };
    let card = |note: &'_ StrategyNote| {
        let mut price = Vec::new();
        if !note.source.is_empty() {
            price.push(("Lines of code", lines(&note.source).to_string()));
            let none = || "none besides the standard library".to_owned();
            price.push(("Libraries", if note.libraries.is_empty() { none() } else { note.libraries.join(", ") }));
        }
        price.extend(dispatched(&note.name).and_then(dispatch).map(|cost| ("Cost of a job", cost)));
        price
    };
    let notes = analysis.environment.run.strategies.iter();
    notes.map(|note| Card { note, price: card(note), source: pieces(&note.source) }).collect()
}

/// Says how to measure the cost of a job, if this run has not measured it.
pub fn unmeasured(analysis: &Analysis) -> Option<&'static str> {
    let measured = analysis.tasks.iter().any(|task| !task.overhead.dispatch.is_empty());
    (!measured).then_some(
        "This run did not measure what handing over a job costs. A sweep of the task noop does: goldilocks sweep --tasks noop.",
    )
}

/// The lines of a file that hold code, without comments.
fn lines(source: &str) -> usize {
    source.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

/// `1.20 µs for one of many, 14.1 µs for one alone`.
fn dispatch(cost: &DispatchCost) -> Option<String> {
    let many = cost.of_many.median.map(|ns| format!("{} for one of many", format::time(ns)));
    let alone = cost.alone.median.map(|ns| format!("{} for one alone", format::time(ns)));
    let parts: Vec<String> = many.into_iter().chain(alone).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}
