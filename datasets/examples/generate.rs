//! Writes 1-grams to standard output, and the rate to standard error: `generate [bytes] [seed] [shuffled]`.

use std::io;
use std::time::Instant;

use datasets::ngrams::Recipe;

fn main() -> io::Result<()> {
    let mut recipe = Recipe::default();
    let mut arguments = std::env::args().skip(1);
    let refuse = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, format!("{what} is not a number"));
    if let Some(bytes) = arguments.next() {
        recipe.bytes = bytes.parse().map_err(|_| refuse(&bytes))?;
    }
    if let Some(seed) = arguments.next() {
        recipe.seed = seed.parse().map_err(|_| refuse(&seed))?;
    }
    recipe.shuffled = arguments.next().is_some_and(|order| order == "shuffled");

    let start = Instant::now();
    let summary = recipe.write(&mut io::stdout().lock(), &mut |_| ())?;
    let seconds = start.elapsed().as_secs_f64();
    let megabytes = summary.bytes as f64 / 1e6;
    eprintln!("{summary:?}: {seconds:.3} s, {:.0} MB/s", megabytes / seconds);
    Ok(())
}
