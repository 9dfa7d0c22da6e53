//! Nearly valid texts, long enough for windows, stretches and batches of eight: runs of equal words, with a few bytes
//! overwritten, then cut off somewhere.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Text {
    runs: Vec<Run>,
    overwritten: Vec<(u16, u8)>,
    cut: u8,
}

#[derive(Arbitrary, Debug)]
struct Run {
    byte: u8,
    /// The length of the word, modulo 80: there are paths for less than 16, less than 32, and more.
    len: u8,
    lines: u8,
    year: u16,
    count: u64,
    /// How many bits are cut off the count, modulo 64, because most counts are small.
    bits: u8,
    volumes: u16,
}

fuzz_target!(|text: Text| {
    let mut bytes = Vec::new();
    for run in text.runs {
        let word = vec![run.byte; usize::from(run.len % 80)];
        let count = run.count >> (run.bits % 64);
        for line in 0..u64::from(run.lines) {
            bytes.extend_from_slice(&word);
            let numbers = format!("\t{}\t{}\t{}\n", run.year, count.saturating_add(line), run.volumes);
            bytes.extend_from_slice(numbers.as_bytes());
        }
    }
    for (place, byte) in text.overwritten {
        // A fraction of the text, so that places are spread over a text of any length.
        let place = usize::from(place) * bytes.len() / 65_536;
        if let Some(old) = bytes.get_mut(place) {
            *old = byte;
        }
    }
    bytes.truncate(bytes.len().saturating_sub(usize::from(text.cut)));
    fuzz::all_agree(&bytes);
});
