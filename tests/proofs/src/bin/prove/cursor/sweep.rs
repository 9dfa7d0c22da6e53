//! Every page size, depth and round trip: where more stops to help, and whether that could be told beforehand.

use super::{RATED, table};
use crate::Proofs;
use anyhow::{Context, Result, ensure};
use cursor::{Cursor, DEFAULT_DEPTH, PageSize};
use fastrand::Rng;
use postgres::Server;
use proofs::access_methods::knee::{NEARLY, knee};
use proofs::access_methods::{Sum, Table, Way, declare, drain, every_row, explained, fetch_all, plain};
use proofs::delayed_wire::over;
use proofs::overhead::median;
use std::fmt;
use std::time::{Duration, Instant};

/// Rows in a page.
const SIZES: [u32; 8] = [1, 10, 50, 200, 1_000, 5_000, 20_000, 100_000];

/// What a round trip takes longer, in microseconds.
const LATE: [u64; 4] = [0, 200, 1_000, 5_000];

/// A way that has pages.
#[derive(Clone, Copy, PartialEq)]
enum Paged {
    /// Our cursor with so many pages under way.
    Cursor(usize),
    /// `DECLARE`, then one `FETCH` after the other.
    Declared,
}

const PAGED: [Paged; 5] =
    [Paged::Declared, Paged::Cursor(1), Paged::Cursor(2), Paged::Cursor(8), Paged::Cursor(DEFAULT_DEPTH)];

impl fmt::Display for Paged {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Paged::Cursor(depth) => write!(out, "cursor, {depth} under way"),
            Paged::Declared => write!(out, "DECLARE and FETCH"),
        }
    }
}

/// A way to page, over a wire that is so late.
#[derive(Clone, Copy, PartialEq)]
struct Cell {
    way: Paged,
    size: u32,
    late: Duration,
}

impl Cell {
    /// Rows enough for a fifth of a second: over a slow wire small pages bring few.
    fn rows(&self) -> u64 {
        let depth = if let Paged::Cursor(depth) = self.way { depth } else { 1 };
        let under_way = depth as f64 * f64::from(self.size);
        // A round trip without any wire takes about 60 µs, and no way is faster than 5 M rows a second.
        let rate = (under_way / (self.late.as_secs_f64() + 6e-5)).min(5e6);
        ((0.2 * rate).max(4.0 * under_way) as u64).clamp(20, RATED)
    }

    /// Rows a second, from the first page asked for to the last row.
    fn rate(&self, server: &Server) -> Result<f64> {
        let rows = self.rows();
        let query = format!("{} LIMIT {rows}", every_row(&table(server, "rated")));
        let (sum, took) = over(&server.url(), self.late, async |mut client, _| {
            let mut transaction = client.transaction().await.map_err(explained)?;
            anyhow::Ok(match self.way {
                Paged::Cursor(depth) => {
                    let mut cursor = Cursor::open(&mut transaction, &query, &[]).await?.depth(depth);
                    let began = Instant::now();
                    (drain::<Sum>(&mut cursor, PageSize::Rows(self.size)).await?, began.elapsed())
                }
                Paged::Declared => {
                    let fetch = declare(&transaction, &query, self.size).await?;
                    let began = Instant::now();
                    (fetch_all::<Sum>(&transaction, &fetch, self.size).await?, began.elapsed())
                }
            })
        })??;
        ensure!(sum.rows == rows, "{}: {} rows came and not {rows}", self.way, sum.rows);
        Ok(rows as f64 / took.as_secs_f64())
    }
}

/// The median rate of each cell, by turns.
fn rates(server: &Server, cells: &[Cell], rounds: usize) -> Result<Vec<f64>> {
    let mut rates = vec![Vec::new(); cells.len()];
    let mut rng = Rng::with_seed(1);
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        let mut order: Vec<usize> = (0..cells.len()).collect();
        rng.shuffle(&mut order);
        for cell in order {
            rates[cell].push(cells[cell].rate(server)?);
        }
    }
    Ok(rates.into_iter().map(median).collect())
}

/// `640`, `16 k`, `5.13 M`.
fn short(rate: f64) -> String {
    match rate {
        _ if rate.is_nan() => "–".to_owned(),
        _ if rate < 1e3 => format!("{rate:.0}"),
        _ if rate < 1e6 => format!("{:.0} k", rate / 1e3),
        _ => format!("{:.2} M", rate / 1e6),
    }
}

/// One row of a table: the rates at every size, with a star at the knee.
fn row(name: &str, rates: &[f64]) -> Vec<String> {
    let knee = knee(SIZES.into_iter().zip(rates.iter().copied()));
    let figures = SIZES.iter().zip(rates).map(|(size, rate)| {
        let star = if Some(*size) == knee { "*" } else { "" };
        format!("{}{star}", short(*rate))
    });
    std::iter::once(name.to_owned()).chain(figures).collect()
}

/// Every way that has pages, at every size and round trip, as tables. Nothing is promised of them.
pub(super) fn sweep(server: &Server, _: &mut Proofs) -> Result<()> {
    println!("Rows a second by rows in a page. *: the knee, the smallest page within 10 % of the row's best.");
    let cells = |late| PAGED.iter().flat_map(move |way| SIZES.map(|size| Cell { way: *way, size, late }));
    let lates = LATE.map(Duration::from_micros);
    let all: Vec<Cell> = lates.into_iter().flat_map(cells).collect();
    let measured = rates(server, &all, 3)?;
    for (late, rates) in lates.into_iter().zip(measured.chunks(PAGED.len() * SIZES.len())) {
        let mut rows = vec![std::iter::once(String::new()).chain(SIZES.map(|size| size.to_string())).collect()];
        rows.extend(PAGED.iter().zip(rates.chunks(SIZES.len())).map(|(way, rates)| row(&way.to_string(), rates)));
        if late.is_zero() {
            rows.extend(ranges(server)?);
        }
        let query = every_row(&table(server, "rated"));
        let took: Result<Duration> = over(&server.url(), late, async |client, _| {
            let began = Instant::now();
            plain::<Sum>(&client, &query).await?;
            Ok(began.elapsed())
        })?;
        let stream = short(RATED as f64 / took?.as_secs_f64());
        println!(
            "\n{late:?} more a round trip (plain row stream, no pages: {stream})\n{}",
            reports::render::terminal::aligned(&rows)
        );
    }
    Ok(())
}

/// Range cursors by rows in a range. The smallest that can be cut is a block, about a hundred rows.
fn ranges(server: &Server) -> Result<Vec<Vec<String>>> {
    let mut table = Table::open(&server.url(), &table(server, "rated"))?;
    let mut rows = Vec::new();
    for cursors in [2, 4] {
        let rates: Result<Vec<f64>> = SIZES
            .iter()
            .map(|size| {
                if *size < 1_000 {
                    return Ok(f64::NAN);
                }
                let way = Way::Ranges { cursors, rows: *size as usize };
                let took: Result<Vec<f64>> = (0..3).map(|_| Ok(table.read::<Sum>(way)?.1.wall)).collect();
                Ok(RATED as f64 / median(took?) * 1e9)
            })
            .collect();
        rows.push(row(&format!("{cursors} range cursors, rows in a range"), &rates?));
    }
    Ok(rows)
}

/// With a millisecond more a round trip: how many rows should be under way, and how many it takes.
pub(super) fn prefetch(server: &Server, proofs: &mut Proofs) -> Result<()> {
    let late = Duration::from_millis(1);
    let trip = median(over(&server.url(), late, async |client, _| {
        let mut trips = Vec::new();
        for _ in 0..101 {
            let began = Instant::now();
            client.simple_query("").await.map_err(explained)?;
            trips.push(began.elapsed().as_secs_f64());
        }
        anyhow::Ok(trips)
    })??);
    // The rate is that of a wire without delay: what is predicted is not measured.
    let near = Cell { way: Paged::Cursor(DEFAULT_DEPTH), size: 1_000, late: Duration::ZERO };
    let rate = rates(server, &[near], 7)?[0];
    let predicted = trip * rate;
    let (depths, sizes) = ([1_u32, 2, 4, 6, 8, 12, 16, 24, 32], [50, 100, 200, 400, 800, 1_600, 3_200, 6_400]);
    let cells: Vec<Cell> = depths
        .into_iter()
        .flat_map(|depth| sizes.map(|size| Cell { way: Paged::Cursor(depth as usize), size, late }))
        .collect();
    let measured = rates(server, &cells, 3)?;
    let mut rows = vec![std::iter::once(String::new()).chain(sizes.map(|size| size.to_string())).collect::<Vec<_>>()];
    for (depth, rates) in depths.iter().zip(measured.chunks(sizes.len())) {
        rows.push(std::iter::once(format!("{depth} under way")).chain(rates.iter().map(|rate| short(*rate))).collect());
    }
    println!(
        "Rows a second by rows in a page, {late:?} more a round trip\n{}",
        reports::render::terminal::aligned(&rows)
    );
    let mut cells: Vec<(u32, f64)> =
        depths.into_iter().flat_map(|depth| sizes.map(|size| depth * size)).zip(measured).collect();
    cells.sort_by_key(|(under_way, _)| *under_way);
    // What more cannot help: the best of many would only be the luckiest.
    let plateau = median(cells[cells.len() * 3 / 4..].iter().map(|(_, rate)| *rate).collect());
    let found = cells.iter().find(|(_, rate)| *rate >= NEARLY * plateau).context("nothing was measured")?.0;
    let ratio = predicted / f64::from(found);
    proofs.line(
        "1 ms more a round trip, the best prefetch",
        &format!(
            "{predicted:.0} rows predicted ({:.2} ms × {} rows/s), {found} measured (the fewest rows under way that give \
             90 % of what the most give, {} rows/s): {ratio:.2} times as many",
            1e3 * trip,
            short(rate),
            short(plateau)
        ),
        "within 2 ×",
        (0.5..=2.0).contains(&ratio),
    );
    Ok(())
}
