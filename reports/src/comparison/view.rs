//! A comparison as a table: plain data.

use crate::comparison::difference::{By, Difference, Figure, Outcome};
use crate::format::{self, NONE};

/// The table of cells: the heads of the columns, then one row for each cell.
pub fn rows(by: By, cells: &[Difference]) -> Vec<Vec<String>> {
    let head: &[&str] = match by {
        By::Time => &["", "cores", "A: median time", "B: median time", "B / A", ""],
        By::SpeedUp => &["", "cores", "A: speed-up", "B: speed-up", "B / A", "efficiency A, B", ""],
    };
    let mut rows = vec![head.iter().map(|&column| column.to_owned()).collect::<Vec<_>>()];
    let figure = |figure: Option<Figure>| {
        figure.map_or_else(
            || NONE.to_owned(),
            |figure| match by {
                By::Time => format::sentence(format::time_estimate(figure.into())),
                By::SpeedUp => format::sentence(format::speed_up(figure.into())),
            },
        )
    };
    for found in cells {
        let mut row = vec![format::strategy(&found.cell.strategy).to_owned(), format::count(found.cell.cores.into())];
        row.extend([figure(found.a), figure(found.b)]);
        let ratio = found.ratio.map(|ratio| format::sentence(format::speed_up(ratio.into())));
        row.push(ratio.unwrap_or_else(|| NONE.to_owned()));
        if by == By::SpeedUp {
            let percents = |shares: [f64; 2]| shares.map(format::percent).join(", ");
            row.push(found.efficiency.map_or_else(|| NONE.to_owned(), percents));
        }
        row.push(match (found.outcome, by) {
            (Outcome::NoneShown, _) => "no difference shown".into(),
            (Outcome::NotCompared, _) => format!("not compared: {}", found.reason),
            (Outcome::Worse, By::Time) => "slower in B".into(),
            (Outcome::Better, By::Time) => "faster in B".into(),
            (Outcome::Worse, By::SpeedUp) => "smaller in B".into(),
            (Outcome::Better, By::SpeedUp) => "greater in B".into(),
        });
        rows.push(row);
    }
    rows
}
