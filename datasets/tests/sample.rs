//! Tests that the sample in the repository matches its README.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::str;

use datasets::ngrams::Recipe;
use datasets::sample;

const DIFFICULT: &[u8] = include_bytes!("../sample/difficult.tsv");

fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|&byte| byte == b'\n').collect()
}

#[test]
fn the_sample_consists_of_the_generated_and_the_difficult_lines() {
    let mut expected = Vec::new();
    Recipe { bytes: 80_000, ..Recipe::default() }.write(&mut expected, &mut |_| ()).unwrap();
    expected.extend_from_slice(DIFFICULT);
    let mut expected = lines(&expected);
    expected.sort_unstable();
    assert!(lines(sample::LINES) == expected);
}

#[test]
fn the_expected_totals_match_the_lines() {
    let mut totals = BTreeMap::new();
    for line in str::from_utf8(sample::LINES).unwrap().lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        *totals.entry(fields[0]).or_insert(0) += fields[2].parse::<u64>().unwrap();
    }
    assert!(totals.into_iter().eq(sample::expected()));
}

#[test]
fn all_totals_are_exact_in_double_precision() {
    assert!(sample::expected().all(|(_, total)| total < 1 << 53));
}
