//! The words of any bytes, cut anywhere, are those of a naive count of the whole text.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use strategies::{Partitions, Task};
use tasks::Lines;
use tasks::word_count::{Counts, Options, Split, WordCount};
use unicode_segmentation::UnicodeSegmentation;

fn task(bytes: &[u8], split: Split) -> (tempfile::NamedTempFile, Arc<WordCount>) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let options = Options { files: vec![file.path().to_owned()], split, ..Options::default() };
    let task = WordCount::new(&options).unwrap();
    (file, Arc::new(task))
}

fn written(task: &WordCount, total: &Counts) -> String {
    let mut out = Vec::new();
    task.write(total, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Counts without any part of the task: the whole text as one string, lines as Python reads them.
fn naive(bytes: &[u8], split: Split) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.replace("\r\n", "\n");
    let mut totals: BTreeMap<&str, u64> = BTreeMap::new();
    for line in text.strip_suffix('\n').unwrap_or(&text).split('\n').filter(|_| !text.is_empty()) {
        let words: Vec<&str> = match split {
            Split::Blanks => line.split(' ').collect(),
            Split::Space => line.split_whitespace().collect(),
            Split::Unicode => line.unicode_words().collect(),
        };
        words.into_iter().for_each(|word| *totals.entry(word).or_default() += 1);
    }
    totals.iter().map(|(word, total)| format!("{word}\t{total}\n")).collect()
}

fn mapped(task: &Arc<WordCount>, size: usize) -> (usize, Counts) {
    let partitions: Partitions<Lines> = task.partitions(NonZeroUsize::new(size).unwrap()).unwrap();
    let partials: Vec<Counts> = partitions
        .map(|range| {
            let mut partial = Counts::default();
            task.map(range.unwrap(), &mut partial).unwrap();
            partial
        })
        .collect();
    let (count, mut total) = (partials.len(), Counts::default());
    partials.into_iter().for_each(|partial| WordCount::reduce(&mut total, partial));
    (count, total)
}

/// Texts with blanks, empty lines, carriage returns, accents, invalid bytes and words of one letter.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        4 => "[a-cA-C]{1,3}".prop_map(String::into_bytes),
        3 => Just(b" ".to_vec()),
        2 => Just(b"\n".to_vec()),
        1 => prop_oneof![Just("\r\n"), Just("\t"), Just("  "), Just("don't"), Just("é,"), Just("日本"), Just("\u{2028}")]
            .prop_map(|text| text.as_bytes().to_vec()),
        1 => prop_oneof![Just(b"\xff".to_vec()), Just(b"\xe2\x82".to_vec()), Just(b"\r".to_vec())],
    ];
    proptest::collection::vec(part, 0..60).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn every_cut_counts_what_a_naive_count_does(bytes in text(), size in 1_usize..9) {
        for split in [Split::Blanks, Split::Space, Split::Unicode] {
            let (_file, task) = task(&bytes, split);
            let expected = naive(&bytes, split);
            let baseline = task.baseline().unwrap();
            prop_assert_eq!(written(&task, &baseline), expected);
            let (_, total) = mapped(&task, size);
            prop_assert_eq!(task.answer(&total).unwrap(), task.answer(&baseline).unwrap());
            prop_assert_eq!(written(&task, &total), written(&task, &baseline));
        }
    }
}

#[test]
fn lines_that_are_not_utf_8_are_counted_and_their_words_too() {
    let (_file, task) = task(b"good line\nbad \xff byte\n\xff\n", Split::Space);
    let (partitions, total) = mapped(&task, 1);
    assert_eq!(partitions, 3);
    let answer = task.answer(&total).unwrap();
    let figure = |name: &str| answer.figures.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    assert_eq!((figure("lines"), figure("words")), (Some("3"), Some("6")));
    assert_eq!(figure("lines that are not UTF-8"), Some("2"));
    assert_eq!(figure("most frequent word"), Some("`\u{fffd}` (2)"));
    assert_eq!(task.answer(&task.baseline().unwrap()).unwrap(), answer);
}

#[test]
fn a_line_of_megabytes_is_counted_and_an_endless_one_is_refused() {
    let longest = datasets::input::Kind::Text.longest_line();
    let words = "word ".repeat(3 * 1024 * 1024 / 5);
    let text = format!("first\n{words}\nlast");
    let (_file, counted) = task(text.as_bytes(), Split::Space);
    let (_, total) = mapped(&counted, 1);
    assert_eq!(written(&counted, &total), format!("first\t1\nlast\t1\nword\t{}\n", words.len() / 5));

    // A sparse file, and a letter at its beginning and its end, so that it is taken for text.
    let (file, _) = task(&[b"first\n".as_slice(), &vec![b'x'; datasets::input::HEAD]].concat(), Split::Space);
    file.as_file().set_len(longest as u64 + 1_000_000).unwrap();
    let options = Options { files: vec![file.path().to_owned()], ..Options::default() };
    let endless = Arc::new(WordCount::new(&options).unwrap());
    let error = endless.baseline().err().unwrap().to_string();
    assert!(error.contains("line 2: the line is longer than 64 MiB; break it, for instance with `fold"), "{error}");
    let mut failures = endless.partitions(NonZeroUsize::MIN).unwrap().filter_map(|range| {
        let mut partial = Counts::default();
        endless.map(range.unwrap(), &mut partial).err()
    });
    assert_eq!(failures.next().map(|error| error.to_string()), Some(error));
}

#[test]
fn a_text_that_grows_keeps_the_answer_of_its_first_length() {
    let (file, before) = task(b"one two\n", Split::Space);
    let answer = before.answer(&before.baseline().unwrap()).unwrap();
    std::fs::write(file.path(), b"one two\nthree\n").unwrap();
    let options = Options { files: vec![file.path().to_owned()], length: Some(8), ..Options::default() };
    let after = Arc::new(WordCount::new(&options).unwrap());
    assert_eq!(after.answer(&after.baseline().unwrap()).unwrap(), answer);
    assert_eq!(after.answer(&mapped(&after, 1).1).unwrap(), answer);
    std::fs::write(file.path(), b"one\n").unwrap();
    let error = WordCount::new(&options).err().unwrap().to_string();
    assert!(error.contains("became shorter"), "{error}");
}
