//! Properties of kernels and word totals that hold for every input.

use kernels::runs::{self, Vector};
use kernels::words::{Run, WordTotals};
use kernels::{book, bytes, line};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::BTreeMap;
use std::io::Write;

/// All observable properties of totals: sorted words with their totals, and the overflow flag.
type Seen = (Vec<(Vec<u8>, u64)>, bool);

fn seen(totals: &WordTotals) -> Seen {
    (totals.sorted().into_iter().map(|(word, total)| (word.to_vec(), total)).collect(), totals.overflowed())
}

/// Returns the result of a kernel on a piece: the totals, or the offset of the first malformed line.
fn outcome(kernel: fn(&[u8], &mut WordTotals) -> Result<(), usize>, piece: &[u8]) -> Result<Seen, usize> {
    let mut totals = WordTotals::default();
    kernel(piece, &mut totals).map(|()| seen(&totals))
}

/// Returns the same result without a kernel, line by line with the reference parser.
fn by_the_line(piece: &[u8]) -> Result<Seen, usize> {
    let mut totals = WordTotals::default();
    let mut begin = 0;
    for line in piece.split_inclusive(|byte| *byte == b'\n') {
        let (word, count) = line::parse(line.strip_suffix(b"\n").unwrap_or(line)).map_err(|_| begin)?;
        totals.add(Run::of(word, count));
        begin += line.len();
    }
    Ok(seen(&totals))
}

/// Returns the paths of the kernel `runs` that this processor supports.
fn paths() -> impl Iterator<Item = (&'static str, runs::Add)> {
    Vector::ALL.into_iter().filter_map(|vector| vector.kernel().map(|kernel| (vector.name(), kernel)))
}

fn kernels_agree(piece: &[u8]) -> Result<(), TestCaseError> {
    let expected = by_the_line(piece);
    prop_assert_eq!(&outcome(book::add, piece), &expected, "book");
    prop_assert_eq!(&outcome(bytes::add, piece), &expected, "bytes");
    for (name, kernel) in paths() {
        prop_assert_eq!(&outcome(kernel, piece), &expected, "{}", name);
    }
    Ok(())
}

#[test]
fn kernels_agree_on_short_runs() {
    // The text has more runs than a path collects, both in one window and over several.
    for lines_of_a_word in [1, 2, 9] {
        let mut text = Vec::new();
        for number in 0..9_000 {
            writeln!(text, "w{:05}\t1999\t{number}\t1", number / lines_of_a_word).unwrap();
        }
        kernels_agree(&text).unwrap();
        let mut lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
        lines.sort_by_key(|line| line.iter().rev().take(12).map(|byte| u64::from(*byte)).collect::<Vec<_>>());
        kernels_agree(&lines.concat()).unwrap();
    }
}

#[test]
fn totals_are_correct_for_any_pair_of_words() {
    let long = [b'x'; 32];
    let mut words: Vec<Vec<u8>> =
        [&b"a"[..], b"a\0", b"a\0\0", b"a\0b", b"a\x01", b"ab", b"b\xff", b"\xff"].map(Vec::from).to_vec();
    words.extend(
        (0..4)
            .flat_map(|length| [vec![b'y'; length], vec![0; length], vec![0xff; length]])
            .map(|end| [&long[..], &end].concat()),
    );
    words.extend([vec![0xff; 32], vec![0xff; 33], b"m\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01".to_vec()]);
    words.sort();
    words.dedup();
    for first in &words {
        for second in &words {
            let mut totals = WordTotals::default();
            totals.add_run(Run::of(first, 1));
            // A kernel adds a word with text after the word.
            totals.add_run(Run { text: &[&second[..], &long].concat(), len: second.len(), count: 2 });
            let mut expected = WordTotals::default();
            expected.add(Run::of(first, 1));
            expected.add(Run::of(second, 2));
            assert_eq!(seen(&totals), seen(&expected));
            assert_eq!(totals.total(second), expected.total(second));
        }
    }
}

#[test]
fn a_long_list_keeps_its_words() {
    const WORDS: u64 = 700_000;
    let mut totals = WordTotals::default();
    (0..WORDS).for_each(|number| totals.add_run(Run::of(format!("word-{number:08}").as_bytes(), number)));
    assert_eq!(totals.len() as u64, WORDS);
    assert!(
        totals
            .iter()
            .zip(0..)
            .all(|((word, total), number)| { total == number && word == format!("word-{number:08}").as_bytes() })
    );
}

/// Mostly bytes with a meaning in a 1-gram file.
fn meaningful_bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(select(b"\t\t\t\n\n0123459ab+-. \r\0\x80\xff".as_slice()), 0..64)
}

fn word() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        // A few words, so that they repeat.
        8 => select(vec![b"a".to_vec(), b"b".to_vec(), b"ab".to_vec(), b"Aardvark_NOUN".to_vec(), b"\xff\xfe".to_vec()]),
        2 => vec(any::<u8>().prop_filter("ends a word", |byte| !b"\t\n".contains(byte)), 1..40),
        1 => Just(Vec::new()),
    ]
}

fn number() -> impl Strategy<Value = Vec<u8>> {
    let text = |number: u64| number.to_string().into_bytes();
    let odd =
        ["", "-1", "+1", "1.0", " 1", "1 ", "1e3", "0x1", "x", "1\r", "18446744073709551616", "99999999999999999999"];
    prop_oneof![
        20 => (0..3000u64).prop_map(text),
        4 => any::<u64>().prop_map(text),
        2 => (0..50usize, 0..9u64).prop_map(|(zeros, number)| format!("{}{number}", "0".repeat(zeros)).into_bytes()),
        1 => Just(text(u64::MAX)),
        1 => select(odd.map(|odd| odd.as_bytes().to_vec()).to_vec()),
    ]
}

/// A line that usually has four fields, each usually valid.
fn near_valid_line() -> impl Strategy<Value = Vec<u8>> {
    let numbers = prop_oneof![30 => Just(3usize), 1 => Just(2), 1 => Just(4)];
    (word(), vec(number(), 4), numbers)
        .prop_map(|(word, numbers, take)| [&[word], &numbers[..take]].concat().join(&b'\t'))
}

fn near_valid_piece() -> impl Strategy<Value = Vec<u8>> {
    let lines = vec(near_valid_line(), 0..12);
    (lines, any::<bool>()).prop_map(|(lines, feed)| {
        let mut piece = lines.join(&b'\n');
        if feed && !piece.is_empty() {
            piece.push(b'\n');
        }
        piece
    })
}

/// Runs as in a sorted file, long enough for batches of eight, with numbers of usual lengths.
fn text_of_runs() -> impl Strategy<Value = Vec<u8>> {
    let byte = || select(b"ab~\x01\x7f\x80\xff0".as_slice());
    let word = prop_oneof![6 => vec(byte(), 1..8), 3 => vec(byte(), 8..31), 1 => vec(byte(), 31..40)];
    let count = prop_oneof![6 => 0..1000u64, 2 => 0..100_000_000u64, 1 => 99_999_990..100_000_010u64];
    let numbers = (1500..2020u64, count, prop_oneof![9 => 0..5000u64, 1 => any::<u64>()]);
    let length = prop_oneof![3 => 1..3usize, 2 => 1..20usize, 2 => 20..60usize];
    let run = (word, length).prop_flat_map(move |(word, lines)| (Just(word), vec(numbers.clone(), lines)));
    (vec(run, 1..20), any::<bool>()).prop_map(|(mut runs, sorted)| {
        if sorted {
            runs.sort();
        }
        let mut text = Vec::new();
        for (word, lines) in runs {
            for (year, count, volumes) in lines {
                text.extend_from_slice(&word);
                text.extend_from_slice(format!("\t{year}\t{count}\t{volumes}\n").as_bytes());
            }
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn kernels_agree_on_runs_of_equal_words(mut text in text_of_runs(), end in any::<prop::sample::Index>()) {
        kernels_agree(&text)?;
        // The cut may be inside a line or before its line feed.
        text.truncate(end.index(text.len()));
        kernels_agree(&text)?;
    }

    #[test]
    fn kernels_reject_the_same_line_after_any_wrong_byte(
        mut text in text_of_runs(), place in any::<prop::sample::Index>(), byte in select(b"\t\n0 a-\r\xb0\xff/:".as_slice()),
    ) {
        let place = place.index(text.len());
        text[place] = byte;
        kernels_agree(&text)?;
    }

    #[test]
    fn kernels_agree_on_any_bytes(piece in vec(any::<u8>(), 0..200)) {
        kernels_agree(&piece)?;
    }

    #[test]
    fn kernels_agree_on_meaningful_bytes(piece in meaningful_bytes()) {
        kernels_agree(&piece)?;
    }

    #[test]
    fn kernels_agree_on_nearly_valid_lines(piece in near_valid_piece()) {
        kernels_agree(&piece)?;
    }
}

#[test]
fn kernels_agree_at_every_length_and_alignment() {
    let mut text = Vec::new();
    for (number, word) in ["a", "ab", "a_word_of_sixteen", "z"].iter().enumerate() {
        for line in 0..14 * (number + 1) {
            text.extend_from_slice(format!("{word}\t{}\t{}\t1\n", 1900 + line, 3u64.pow(line as u32 % 16)).as_bytes());
        }
    }
    for length in 0..=text.len() {
        // Copied to exactly this length, so that a memory checker detects a read past the end.
        let exact: Box<[u8]> = text[..length].into();
        kernels_agree(&exact).unwrap();
    }
    for offset in 0..130 {
        let moved = [&vec![b'\n'; offset][..], &text].concat();
        kernels_agree(&moved[offset..]).unwrap();
    }
}

/// Returns whole lines of exactly `bytes` bytes. The last word fills up the length. Without `feed`, the last line lacks
/// its line feed.
fn lines_of(bytes: usize, feed: bool) -> Vec<u8> {
    let (line, last) = (&b"word\t1984\t17\t1\n"[..], &b"\t1984\t17\t1\n"[..]);
    let mut text = Vec::new();
    while text.len() + line.len() + last.len() < bytes {
        text.extend_from_slice(line);
    }
    let len = (bytes + usize::from(!feed)).saturating_sub(text.len() + last.len());
    text.extend(std::iter::repeat_n(b'w', len));
    text.extend_from_slice(last);
    text.truncate(bytes);
    text
}

#[test]
fn kernels_agree_around_vector_stretch_and_window_boundaries() {
    for width in [8, 16, 32, 64, 128, 1024, 2048, 65_472, 65_536] {
        for bytes in width - 8..=width + 72 {
            for feed in [false, true] {
                kernels_agree(&lines_of(bytes, feed)).unwrap();
            }
        }
    }
}

/// Tests texts whose end is the end of a page, with no readable page after them. A read past the end kills the test.
#[cfg(target_os = "linux")]
mod page_end {
    #![allow(unsafe_code)] // A memory map is unsafe, because a change of the file changes the slice.
    use super::*;
    use memmap2::MmapOptions;

    fn at_the_end_of_a_page(text: &[u8]) {
        let page = rustix::param::page_size();
        let file = tempfile::tempfile().expect("a temporary file");
        file.set_len(text.len().next_multiple_of(page) as u64).expect("it takes pages");
        let pages = text.len().div_ceil(page) * page;
        std::os::unix::fs::FileExt::write_all_at(&file, text, (pages - text.len()) as u64).expect("it takes the text");
        // SAFETY: no other code has the file. The map is one page longer than the file, and reading that page raises
        // SIGBUS.
        let map = unsafe { MmapOptions::new().len(pages + page).map(&file).expect("a map") };
        kernels_agree(&map[pages - text.len()..pages]).expect("kernels agree");
    }

    #[test]
    fn no_kernel_reads_past_the_end_of_the_page() {
        for bytes in (1..=200).chain([1000, 1023, 1024, 1025, 1087, 1088, 4095, 4096, 4097, 65_535, 65_536, 65_600]) {
            for feed in [false, true] {
                at_the_end_of_a_page(&lines_of(bytes, feed));
            }
        }
        // All lines have one word, so that the last lines are not processed one by one.
        for lines in 1..60 {
            at_the_end_of_a_page(&b"word\t1984\t17\t1\n".repeat(lines));
            at_the_end_of_a_page(&b"a\t1984\t1234567\t1\n".repeat(lines));
        }
    }
}

#[test]
fn kernels_agree_on_words_of_any_length() {
    let mut text = Vec::new();
    for length in (1..70).chain([255, 256, 257, 1023, 1024, 4095, 65_470, 65_535, 65_536, 65_537, 70_000]) {
        for line in 0..20 {
            text.extend(std::iter::repeat_n(b'w', length));
            text.extend_from_slice(format!("\t1984\t{line}\t1\n").as_bytes());
        }
    }
    kernels_agree(&text).unwrap();
    // A text longer than any window, with short lines only.
    let short: Vec<u8> =
        (0..30_000).flat_map(|line| format!("w{}\t1984\t{line}\t1\n", line / 50).into_bytes()).collect();
    kernels_agree(&short).unwrap();
    let wrong = [&short[..], b"w\t1984\t\t1\n", &short].concat();
    kernels_agree(&wrong).unwrap();
}

/// Returns forty lines of one word. The first years have up to 16 digits, so that the rest moves by up to 63 bytes.
fn moved_by(bytes: usize) -> Vec<String> {
    let years = (0..40).map(|line| 4 + bytes.saturating_sub(12 * line).min(12));
    years.map(|digits| format!("word\t{:0digits$}\t17\t1\n", 1984)).collect()
}

#[test]
fn kernels_agree_on_an_unusual_line_at_every_position() {
    let odd = [
        "\t1984\t17\t1\n",
        "word\t\t17\t1\n",
        "word\t1984\t\t1\n",
        "word\t1984\t17\t\n",
        "\n",
        "word\t1984\t17\n",
        "word\t1984\t17\t1\t1\n",
        "word\t1984\n17\t1\n",
        "word\t198:\t17\t1\n",
        "word\t1984\t1/\t1\n",
        "word\t1984\t17\t1\r\n",
        "word\t99999999999999999999\t17\t1\n",
        "word\t1984\t17\t99999999999999999999\n",
        "word\t1984\t99999999999999999999\t1\n",
        "word\t00000000000000001984\t17\t00000000000000000001\n",
        "word\t1984\t18446744073709551615\t1\n",
        "word\t1984\t999999999\t1\n",
        "wort\t1984\t17\t1\n",
        "word2\t1984\t17\t1\n",
        "wor\t1984\t17\t1\n",
    ];
    for bytes in 0..64 {
        for odd in odd {
            let mut lines = moved_by(bytes);
            lines[20] = odd.to_owned();
            kernels_agree(lines.concat().as_bytes()).unwrap();
        }
    }
}

#[test]
fn every_processor_has_the_portable_and_the_automatic_path() {
    let names: Vec<_> = paths().map(|(name, _)| name).collect();
    assert!(names.contains(&"portable") && names.contains(&"auto"), "{names:?}");
}

#[test]
fn words_with_equal_hashes_stay_separate() {
    // Hashes have 32 bits, so among 200,000 words about five pairs share a hash.
    let words: Vec<String> = (0..200_000).map(|number| format!("{number:x}-word")).collect();
    let mut totals = WordTotals::default();
    for count in 1..=2 {
        totals.add_runs(words.iter().map(|word| Run::of(word.as_bytes(), count)));
    }
    assert_eq!(totals.len(), words.len());
    assert!(totals.iter().all(|(_, total)| total == 3), "a word has another's occurrences");
    assert!(words.iter().all(|word| totals.total(word.as_bytes()) == Some(3)), "a word is not found");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn adding_runs_together_or_one_by_one_gives_equal_totals(
        // The number of runs added at once, the number of the first word, the length of the words, and `true` for words
        // in order.
        turns in vec((0..900usize, 0..3000usize, 5..40usize, any::<bool>()), 1..12),
    ) {
        let (mut together, mut expected) = (WordTotals::default(), BTreeMap::<Vec<u8>, u64>::new());
        for (runs, first, len, in_order) in turns {
            let word = |number: usize| format!("{:0len$}\0 text after it", first + number);
            let texts: Vec<String> = (0..runs).map(|run| word(if in_order { run } else { run * 7919 % 1009 })).collect();
            together.add_runs(texts.iter().map(|text| Run { text: text.as_bytes(), len, count: runs as u64 }));
            for text in &texts {
                *expected.entry(text.as_bytes()[..len].to_vec()).or_default() += runs as u64;
            }
        }
        prop_assert_eq!(seen(&together), (expected.into_iter().collect::<Vec<_>>(), false));
    }
}

/// Lists of counts that share words. Some totals overflow.
fn totals() -> impl Strategy<Value = Vec<(Vec<u8>, u64)>> {
    let count = prop_oneof![6 => 0..1000u64, 1 => any::<u64>(), 1 => Just(u64::MAX)];
    let any_word = vec(any::<u8>(), 0..20);
    vec((prop_oneof![3 => word().boxed(), 1 => any_word.boxed()], count), 0..20)
}

/// Makes totals as kernels do: by hash, by run, or alternately.
fn made(counts: &[(Vec<u8>, u64)]) -> WordTotals {
    let mut totals = WordTotals::default();
    for (number, (word, count)) in counts.iter().enumerate() {
        match counts.len() % 3 {
            0 => totals.add(Run::of(word, *count)),
            1 => totals.add_run(Run::of(word, *count)),
            _ if number % 4 == 3 => totals.add(Run::of(word, *count)),
            _ => totals.add_run(Run::of(word, *count)),
        }
    }
    totals
}

/// Makes totals as for a sorted file: a list without a table.
fn in_order(counts: &[(Vec<u8>, u64)]) -> WordTotals {
    let mut counts = counts.to_vec();
    counts.sort();
    let mut totals = WordTotals::default();
    counts.iter().for_each(|(word, count)| totals.add_run(Run::of(word, *count)));
    totals
}

fn sum(mut left: WordTotals, right: WordTotals) -> WordTotals {
    left.absorb(right);
    left
}

proptest! {
    #[test]
    fn reducing_word_totals_is_associative_and_commutative_and_has_a_neutral_element(
        a in totals(), b in totals(), c in totals(),
    ) {
        let [a, b, c] = [made(&a), made(&b), made(&c)];
        let left = sum(sum(a.clone(), b.clone()), c.clone());
        let right = sum(a.clone(), sum(b.clone(), c));
        prop_assert_eq!(seen(&left), seen(&right));
        prop_assert_eq!(seen(&sum(a.clone(), b.clone())), seen(&sum(b, a.clone())));
        prop_assert_eq!(seen(&sum(WordTotals::default(), a.clone())), seen(&a));
        prop_assert_eq!(seen(&sum(a.clone(), WordTotals::default())), seen(&a));
    }

    #[test]
    fn totals_do_not_depend_on_how_counts_are_split(a in totals(), b in totals()) {
        let together = made(&[a.clone(), b.clone()].concat());
        prop_assert_eq!(seen(&sum(made(&a), made(&b))), seen(&together));
        // The flag is set if and only if a true total exceeds `u64`.
        let mut exact = std::collections::BTreeMap::<Vec<u8>, u128>::new();
        a.into_iter().chain(b).for_each(|(word, count)| *exact.entry(word).or_default() += u128::from(count));
        prop_assert_eq!(together.overflowed(), exact.values().any(|total| *total > u128::from(u64::MAX)));
        prop_assert_eq!(together.len(), exact.len());
        prop_assert_eq!(together.is_empty(), exact.is_empty());
        for (word, total) in exact {
            prop_assert_eq!(together.total(&word), Some(total as u64));
        }
    }

    #[test]
    fn totals_in_lists_and_in_tables_are_equal(a in totals(), b in totals(), c in totals()) {
        prop_assert_eq!(seen(&in_order(&a)), seen(&made(&a)));
        prop_assert!(in_order(&a).iter().is_sorted_by_key(|(word, _)| word.to_vec()));
        let expected = seen(&made(&[a.clone(), b.clone(), c.clone()].concat()));
        prop_assert_eq!(seen(&sum(sum(in_order(&a), in_order(&b)), in_order(&c))), expected.clone());
        prop_assert_eq!(seen(&sum(in_order(&a), sum(made(&b), in_order(&c)))), expected);
        for (word, _) in a.iter().chain(&b) {
            prop_assert_eq!(in_order(&a).total(word), made(&a).total(word));
        }
    }

    #[test]
    fn word_totals_survive_encoding(counts in totals()) {
        let there = made(&counts);
        let back: WordTotals = postcard::from_bytes(&postcard::to_allocvec(&there).unwrap()).unwrap();
        prop_assert_eq!(seen(&back), seen(&there));
        // The decoded totals can be added to.
        prop_assert_eq!(seen(&sum(back, there.clone())), seen(&sum(there.clone(), there)));
    }

    #[test]
    fn decoding_any_bytes_fails_or_gives_distinct_words(bytes in vec(any::<u8>(), 0..60)) {
        if let Ok(totals) = postcard::from_bytes::<WordTotals>(&bytes) {
            prop_assert!(totals.sorted().len() == totals.len());
        }
    }
}

/// Makes totals of `words` words from number `first` on. `step` determines the order; 1 means increasing.
fn many(first: u64, words: u64, step: u64) -> WordTotals {
    let mut totals = WordTotals::default();
    (0..words).for_each(|turn| totals.add_run(Run::of(format!("{:07}", first + turn * step % words).as_bytes(), 1)));
    totals
}

/// The length of the prefix that all words share, and a flag. With the flag, every second word is the word before with
/// a zero appended. The first 32 bytes of neighbours are then often equal.
fn alike() -> impl Strategy<Value = (usize, bool)> {
    (select(&[0, 0, 24, 28, 32, 40]), any::<bool>())
}

/// Returns the word for a number. A greater number gives a greater word.
fn spelled(number: u64, (common, zeros): (usize, bool)) -> Vec<u8> {
    let mut word = vec![b'a'; common];
    let (digits, zero) = if zeros { (number / 2, number % 2 == 1) } else { (number, false) };
    word.extend_from_slice(format!("{digits:07}").as_bytes());
    word.extend(zero.then_some(0));
    word
}

fn shuffle<T>(all: &mut [T], seed: u64) {
    let mut place = seed;
    for turn in (1..all.len()).rev() {
        place = place.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31) ^ turn as u64;
        all.swap(turn, (place % (turn as u64 + 1)) as usize);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn parts_of_split_totals_add_up_in_any_order(
        sizes in vec((0..5000u64, prop_oneof![Just(10), Just(1000), Just(1024), Just(1025), Just(5000)], any::<bool>()), 1..5),
    ) {
        let all: Vec<WordTotals> = sizes
            .iter()
            .map(|(first, words, increasing)| many(*first, *words, if *increasing { 1 } else { 4999 }))
            .collect();
        let expected = seen(&all.iter().cloned().fold(WordTotals::default(), sum));
        let mut together = WordTotals::default();
        together.absorb_all(all.clone());
        prop_assert_eq!(seen(&together), expected.clone());
        let mut parts = vec![WordTotals::default(); WordTotals::PARTS];
        for totals in all.iter().rev().cloned() {
            let taken = totals.into_parts();
            prop_assert!(taken.len() <= parts.len());
            taken.into_iter().zip(&mut parts).for_each(|(part, total)| total.absorb(part));
        }
        let words: usize = parts[1..].iter().map(WordTotals::len).sum();
        let total = parts.into_iter().fold(WordTotals::default(), sum);
        prop_assert_eq!(seen(&total), expected);
        prop_assert!(total.len() >= words, "a word is in more than one part");
    }

    #[test]
    fn lists_of_neighbouring_partitions_join_in_any_order(
        lengths in vec(1..900u64, 1..12), seed in any::<u64>(), repeated in any::<bool>(),
    ) {
        // If `repeated`, each list begins with the last word of the list before, as for partitions of a sorted file.
        let mut begin = 0;
        let mut lists: Vec<WordTotals> = lengths.iter().map(|length| {
            let list = many(begin, *length, 1);
            begin += length - u64::from(repeated && *length > 1);
            list
        }).collect();
        let expected = seen(&lists.iter().cloned().fold(WordTotals::default(), |mut total, list| {
            list.iter().for_each(|(word, count)| total.add(Run::of(word, count)));
            total
        }));
        shuffle(&mut lists, seed);
        let total = lists.into_iter().fold(WordTotals::default(), sum);
        prop_assert!(total.iter().is_sorted_by(|a, b| a.0 < b.0), "not in order");
        prop_assert_eq!(seen(&total), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn totals_of_workers_with_interleaved_partitions_add_up(
        // For each partition: its number of words, the number of words that the previous partition has too, its worker,
        // and `true` if it is added before the previous partition.
        partitions in vec((1..700u64, prop_oneof![Just(0), Just(1), Just(60), Just(600)], 0..3usize, any::<bool>()), 1..25),
        others in vec((0..9000u64, 1..400u64), 0..3),
        later in 0..9000u64,
        alike in alike(),
    ) {
        let word = |number: u64| spelled(number, alike);
        let (mut workers, mut expected) = (vec![WordTotals::default(); 3], BTreeMap::<Vec<u8>, u64>::new());
        let mut begin = 0u64;
        let mut ranges = Vec::new();
        for (words, shared, worker, earlier) in partitions {
            begin = begin.saturating_sub(shared);
            ranges.insert(ranges.len().saturating_sub(usize::from(earlier)), (begin..begin + words, worker));
            begin += words;
        }
        for (range, worker) in ranges {
            workers[worker].stretch(|totals| {
                range.clone().for_each(|number| totals.add_run(Run::of(&word(number), number)));
            });
            range.for_each(|number| *expected.entry(word(number)).or_default() += number);
        }
        for (first, words) in others {
            let mut other = WordTotals::default();
            for number in first..first + words {
                other.add_run(Run::of(&word(number), 1));
                *expected.entry(word(number)).or_default() += 1;
            }
            workers.push(other);
        }
        let mut total = workers.into_iter().fold(WordTotals::default(), sum);
        // Runs that are added later find the existing words.
        for number in [later, begin, begin + 1, begin + 1] {
            total.add_run(Run::of(&word(number), 5));
            *expected.entry(word(number)).or_default() += 5;
        }
        prop_assert!(expected.iter().all(|(word, count)| total.total(word) == Some(*count)), "a word is not found");
        prop_assert_eq!(total.total(b"none"), None);
        prop_assert_eq!((total.len(), total.is_empty()), (expected.len(), false));
        prop_assert_eq!(total.occurrences(), expected.values().map(|count| u128::from(*count)).sum::<u128>());
        let found: Vec<_> = total.sorted().into_iter().map(|(word, count)| (word.to_vec(), count)).collect();
        prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
    }
}

proptest! {
    #[test]
    fn partitions_of_a_sorted_file_are_sorted_from_any_order(
        lengths in vec(1..900u64, 1..12), shared in 0..2u64, more in any::<bool>(), seed in any::<u64>(), alike in alike(),
    ) {
        let word = |number: u64| spelled(number, alike);
        let mut begin = 0u64;
        let mut partitions: Vec<_> = lengths.into_iter().map(|words| {
            begin = begin.saturating_sub(shared);
            begin += words;
            begin - words..begin
        }).collect();
        shuffle(&mut partitions, seed);
        let (mut totals, mut expected) = (WordTotals::default(), BTreeMap::<Vec<u8>, u64>::new());
        for number in partitions.iter().cloned().flatten() {
            *expected.entry(word(number)).or_default() += 1;
        }
        for partition in partitions {
            totals.stretch(|totals| partition.for_each(|number| totals.add_run(Run::of(&word(number), 1))));
            prop_assert!(totals.iter().is_sorted_by(|a, b| a.0 < b.0), "not in order");
        }
        if more {
            totals.add_run(Run::of(b"behind all", 1));
            expected.insert(b"behind all".to_vec(), 1);
        }
        let found: Vec<_> = totals.iter().map(|(word, count)| (word.to_vec(), count)).collect();
        prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn interleaved_lists_merge_into_one_sorted_list() {
    let word = |number: u32| format!("{number:05}").into_bytes();
    let list = |numbers: &mut dyn Iterator<Item = u32>| {
        let mut totals = WordTotals::default();
        numbers.for_each(|number| totals.add_run(Run::of(&word(number), 1)));
        totals
    };
    let partitions = |turn: u32| (0..20_000).filter(move |number| number / 1000 % 2 == turn || number % 1000 == 0);
    let both = sum(list(&mut partitions(0)), list(&mut partitions(1)));
    assert!(both.iter().map(|(word, _)| word).eq((0..20_000).map(word)), "not in order, or not complete");
    assert_eq!((both.total(&word(1000)), both.total(&word(1001))), (Some(2), Some(1)));
    // Adds one word far from the end. Moving 19,999 others for it would be too slow.
    let more = sum(both, list(&mut [1, 30_000].into_iter()));
    assert_eq!((more.len(), more.total(&word(1)), more.total(&word(30_000))), (20_001, Some(2), Some(1)));
}
