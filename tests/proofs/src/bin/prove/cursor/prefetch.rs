//! Predicts the best number of rows in flight over a slow wire: the round trip multiplied by the rate.

use super::{RATED, table};
use crate::Proofs;
use anyhow::{Context, Result, ensure};
use cursor::{Cursor, DEFAULT_DEPTH, PageSize};
use fastrand::Rng;
use postgres::Server;
use proofs::access_methods::{Sum, drain, every_row, explained};
use proofs::delayed_wire::over;
use proofs::overhead::median;
use std::time::{Duration, Instant};

/// Pages in flight, and rows per page.
type Paging = (usize, u32);

/// Measures rows per second over a delayed wire, from the first page to the last row.
fn rate(server: &Server, delay: Duration, (depth, size): Paging) -> Result<f64> {
    let in_flight = depth as f64 * f64::from(size);
    // The read covers a fifth of a second. A round trip takes about 60 µs without delay, and no method exceeds 5 M rows/s.
    let most = (in_flight / (delay.as_secs_f64() + 6e-5)).min(5e6);
    let rows = ((0.2 * most).max(4.0 * in_flight) as u64).clamp(20, RATED);
    let query = format!("{} LIMIT {rows}", every_row(&table(server, "rated")));
    let (sum, took) = over(&server.url(), delay, async |mut client, _| {
        let mut transaction = client.transaction().await.map_err(explained)?;
        let mut cursor = Cursor::open(&mut transaction, &query, &[]).await?.depth(depth);
        let began = Instant::now();
        anyhow::Ok((drain::<Sum>(&mut cursor, PageSize::Rows(size)).await?, began.elapsed()))
    })??;
    ensure!(sum.rows == rows, "{depth} pages of {size}: {} rows arrived and not {rows}", sum.rows);
    Ok(rows as f64 / took.as_secs_f64())
}

/// The median rate of each paging, measured in turn.
fn rates(server: &Server, delay: Duration, pagings: &[Paging], rounds: usize) -> Result<Vec<f64>> {
    let mut rates = vec![Vec::new(); pagings.len()];
    let mut rng = Rng::with_seed(1);
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        let mut order: Vec<usize> = (0..pagings.len()).collect();
        rng.shuffle(&mut order);
        for index in order {
            rates[index].push(rate(server, delay, pagings[index])?);
        }
    }
    Ok(rates.into_iter().map(median).collect())
}

/// Adds a millisecond to each round trip, and compares the predicted number of rows in flight with the measured one.
pub(crate) fn prefetch(server: &Server, proofs: &mut Proofs) -> Result<()> {
    let delay = Duration::from_millis(1);
    let trip = median(over(&server.url(), delay, async |client, _| {
        let mut trips = Vec::new();
        for _ in 0..101 {
            let began = Instant::now();
            client.simple_query("").await.map_err(explained)?;
            trips.push(began.elapsed().as_secs_f64());
        }
        anyhow::Ok(trips)
    })??);
    // The prediction uses the rate of a wire without delay.
    let rate = rates(server, Duration::ZERO, &[(DEFAULT_DEPTH, 1_000)], 7)?[0];
    let predicted = trip * rate;
    let (depths, sizes) = ([1, 2, 4, 6, 8, 12, 16, 24, 32], [50, 100, 200, 400, 800, 1_600, 3_200, 6_400]);
    let pagings: Vec<Paging> = depths.into_iter().flat_map(|depth| sizes.map(|size| (depth, size))).collect();
    let measured = rates(server, delay, &pagings, 3)?;
    let short = |rate: f64| if rate < 1e6 { format!("{:.0} k", rate / 1e3) } else { format!("{:.2} M", rate / 1e6) };
    let mut rows = vec![std::iter::once(String::new()).chain(sizes.map(|size| size.to_string())).collect::<Vec<_>>()];
    for (depth, rates) in depths.iter().zip(measured.chunks(sizes.len())) {
        rows.push(std::iter::once(format!("{depth} in flight")).chain(rates.iter().map(|rate| short(*rate))).collect());
    }
    let table = reports::render::wrap::aligned(&rows);
    println!("Rows a second by rows in a page and pages in flight, {delay:?} more a round trip\n{table}");
    let mut cells: Vec<(u64, f64)> =
        pagings.iter().map(|(depth, size)| *depth as u64 * u64::from(*size)).zip(measured).collect();
    cells.sort_by_key(|(in_flight, _)| *in_flight);
    // The plateau is the rate at which more rows in flight do not help. It is a median, because a maximum favours chance.
    let plateau = median(cells[cells.len() * 3 / 4..].iter().map(|(_, rate)| *rate).collect());
    let found = cells.iter().find(|(_, rate)| *rate >= 0.9 * plateau).context("nothing was measured")?.0;
    let ratio = predicted / found as f64;
    proofs.line(
        "1 ms more a round trip, the best prefetch",
        format!(
            "{predicted:.0} rows predicted ({:.2} ms × {} rows/s), {found} measured (the fewest rows in flight that reach \
             90 % of the rate of the most, {} rows/s): {ratio:.2} times as many",
            1e3 * trip,
            short(rate),
            short(plateau)
        ),
        "within 2 ×",
        (0.5..=2.0).contains(&ratio),
    );
    Ok(())
}
