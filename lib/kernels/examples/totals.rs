//! Prints the ten words of a 1-gram file with the largest totals:
//! `cargo run --release -p kernels --example totals -- FILE`.

use kernels::runs::Vector;
use kernels::words::WordTotals;
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../../datasets/sample/1grams.tsv");
    let path = std::env::args_os().nth(1).map_or_else(|| PathBuf::from(sample), PathBuf::from);
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("cannot read {}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    };
    let kernel = Vector::Auto.kernel().expect("every processor has the portable path");
    let mut totals = WordTotals::default();
    if let Err(begin) = kernel(&text, &mut totals) {
        eprintln!("{}: the line at byte {begin} is malformed", path.display());
        return ExitCode::FAILURE;
    }
    let mut largest: Vec<(&[u8], u64)> = totals.iter().collect();
    largest.sort_unstable_by_key(|(word, total)| (std::cmp::Reverse(*total), *word));
    for (word, total) in largest.into_iter().take(10) {
        println!("{total:>20} {}", String::from_utf8_lossy(word));
    }
    ExitCode::SUCCESS
}
