//! Texts that are nearly right, and long enough for windows, stretches and groups of eight: runs of equal words, then a
//! few bytes overwritten, then cut off somewhere.
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
    letter: u8,
    /// The word has so many letters, modulo 80: there are paths for less than 16, less than 32, and more.
    letters: u8,
    lines: u8,
    year: u16,
    count: u64,
    /// The count is cut down to so many bits, for most counts are small.
    bits: u8,
    volumes: u16,
}

fuzz_target!(|text: Text| {
    let mut bytes = Vec::new();
    for run in text.runs {
        let word = vec![run.letter; usize::from(run.letters % 80)];
        let count = run.count >> (run.bits % 64);
        for line in 0..u64::from(run.lines) {
            bytes.extend_from_slice(&word);
            let numbers = format!("\t{}\t{}\t{}\n", run.year, count.saturating_add(line), run.volumes);
            bytes.extend_from_slice(numbers.as_bytes());
        }
    }
    for (place, byte) in text.overwritten {
        // A share of the text, so that places are spread over all of it however long it is.
        let place = usize::from(place) * bytes.len() / 65_536;
        if let Some(old) = bytes.get_mut(place) {
            *old = byte;
        }
    }
    bytes.truncate(bytes.len().saturating_sub(usize::from(text.cut)));
    fuzz::all_agree(&bytes);
});
