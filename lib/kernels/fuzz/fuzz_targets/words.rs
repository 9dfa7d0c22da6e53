//! Tests all kernels on texts with enough words for many tables. Every two bytes of input make a line with one of
//! 65,536 words. The text is sorted or not. The test also adds up the totals of two halves.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use std::fmt::Write;

#[derive(Arbitrary, Debug)]
struct Text<'a> {
    sorted: bool,
    /// The number of words out of 8, modulo 8, that get a prefix. A word with the prefix is longer than what a kernel
    /// compares at once.
    long: u8,
    counts: [u32; 4],
    words: &'a [u8],
}

fuzz_target!(|text: Text<'_>| {
    let mut words: Vec<u16> = text.words.as_chunks().0.iter().map(|bytes| u16::from_le_bytes(*bytes)).collect();
    if text.sorted {
        words.sort_unstable();
    }
    let mut lines = String::new();
    for (number, word) in words.iter().enumerate() {
        let len = if word % 8 < u16::from(text.long % 8) { 7 * usize::from(word % 7) } else { 0 };
        let count = text.counts[number % 4];
        writeln!(lines, "{:w<len$}{word:05}\t2008\t{count}\t1", "").expect("a string takes everything");
    }
    fuzz::all_agree(lines.as_bytes());
    fuzz::halves_agree(lines.as_bytes());
});
