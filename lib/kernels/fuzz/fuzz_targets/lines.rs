//! Tests all kernels on nearly valid texts: runs of equal words with a few overwritten bytes, cut off anywhere. The
//! texts are long enough for windows, stretches and batches of eight lines.
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
    /// The length of the word, modulo 80. The kernels treat words below 16 bytes, below 32 bytes and longer ones
    /// differently.
    len: u8,
    lines: u8,
    year: u16,
    count: u64,
    /// The number of bits by which the count is shifted right, modulo 64. Most counts in a real file are small.
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
        // Offsets are fractions of the text, so that they spread over a text of any length.
        let place = usize::from(place) * bytes.len() / 65_536;
        if let Some(old) = bytes.get_mut(place) {
            *old = byte;
        }
    }
    bytes.truncate(bytes.len().saturating_sub(usize::from(text.cut)));
    fuzz::all_agree(&bytes);
});
