//! Tests the properties of every generated 1-gram file.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::str;

use datasets::ngrams::{Recipe, Summary, Zipf};
use rustix::process::Uid;
use rustix::thread::set_thread_uid;
use sha2::{Digest, Sha256};

/// The tested sizes, from one kilobyte to five megabytes.
const SIZES: [u64; 10] = [1_000, 2_500, 10_000, 33_333, 80_000, 250_000, 1_000_000, 1_234_567, 3_000_000, 5_000_000];

fn made(recipe: Recipe) -> (Vec<u8>, Summary) {
    let mut bytes = Vec::new();
    let summary = recipe.write(&mut bytes, &mut |_| ()).unwrap();
    (bytes, summary)
}

fn sorted(seed: u64, bytes: u64) -> Vec<u8> {
    made(Recipe { seed, bytes, ..Recipe::default() }).0
}

fn shuffled(seed: u64, bytes: u64) -> Vec<u8> {
    made(Recipe { seed, bytes, shuffled: true, ..Recipe::default() }).0
}

fn lines(text: &[u8]) -> Vec<&[u8]> {
    assert_eq!(text.last(), Some(&b'\n'));
    text[..text.len() - 1].split(|&byte| byte == b'\n').collect()
}

fn fields(line: &[u8]) -> [&[u8]; 4] {
    line.split(|&byte| byte == b'\t').collect::<Vec<_>>().try_into().unwrap()
}

fn number(digits: &[u8]) -> u64 {
    assert!(digits.iter().all(u8::is_ascii_digit));
    assert!(digits.len() == 1 || digits[0] != b'0', "leading zero");
    str::from_utf8(digits).unwrap().parse().unwrap()
}

fn words(text: &[u8]) -> BTreeSet<&[u8]> {
    lines(text).into_iter().map(|line| fields(line)[0]).collect()
}

fn sum(text: &[u8]) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn files_of_any_size_have_sorted_well_formed_lines() {
    for bytes in SIZES {
        let text = sorted(1, bytes);
        let keys = lines(&text).into_iter().map(|line| {
            let [word, year, matches, volumes] = fields(line);
            assert!(!word.is_empty() && (1505..=2008).contains(&number(year)));
            assert!(1 <= number(volumes) && number(volumes) <= number(matches));
            (word, number(year))
        });
        assert!(keys.is_sorted_by(|a, b| a < b), "{bytes} bytes: a line comes twice or too early");

        let words: Vec<&str> = words(&text).into_iter().map(|word| str::from_utf8(word).unwrap()).collect();
        let any = |is: fn(&str) -> bool| words.iter().any(|word| is(word));
        assert!(any(|word| word.ends_with("_NOUN")));
        assert!(any(|word| word.starts_with('A')) && any(|word| word.starts_with('a')));
        assert!(any(|word| !word.is_ascii()));
        assert!(bytes < 10_000 || any(|word| word.contains('\'')));
    }
}

#[test]
fn a_file_is_less_than_100_bytes_below_the_wanted_size() {
    for bytes in SIZES {
        for shuffled in [false, true] {
            let (text, summary) = made(Recipe { bytes, shuffled, ..Recipe::default() });
            check_summary(bytes, &text, summary);
        }
    }
}

fn check_summary(wanted: u64, text: &[u8], summary: Summary) {
    assert!(wanted - 100 < summary.bytes && summary.bytes <= wanted, "{} of {wanted}", summary.bytes);
    let counted = (text.len() as u64, lines(text).len() as u64, words(text).len() as u64);
    assert_eq!((summary.bytes, summary.lines, summary.words), counted);
}

#[test]
fn aardvark_is_in_files_of_every_size() {
    for bytes in [0, 1, 30, 100].into_iter().chain(SIZES) {
        for seed in 1..5 {
            assert!(words(&sorted(seed, bytes)).contains(&b"Aardvark"[..]), "{bytes} bytes, seed {seed}");
        }
    }
}

#[test]
fn few_words_have_most_occurrences_and_some_totals_exceed_32_bits() {
    let text = sorted(1, 5_000_000);
    let mut totals = std::collections::BTreeMap::new();
    for line in lines(&text) {
        let [word, _, matches, _] = fields(line);
        *totals.entry(word).or_insert(0) += number(matches);
    }
    let mut totals: Vec<u64> = totals.into_values().collect();
    totals.sort_unstable();
    let grand_total: u64 = totals.iter().sum();
    let of_the_first_hundredth: u64 = totals.iter().rev().take(totals.len() / 100).sum();
    assert!(of_the_first_hundredth > grand_total * 9 / 10);
    assert!(totals[totals.len() - 1] > u64::from(u32::MAX));
    assert!(totals[totals.len() / 2] < 1000);
}

#[test]
fn a_word_has_up_to_two_hundred_years() {
    let text = sorted(1, 5_000_000);
    let most = lines(&text).chunk_by(|a, b| fields(a)[0] == fields(b)[0]).map(<[_]>::len).max();
    assert_eq!(most, Some(200));
}

#[test]
fn equal_recipes_give_equal_bytes_and_different_seeds_different_bytes() {
    assert!(sorted(7, 100_000) == sorted(7, 100_000));
    assert!(shuffled(7, 3_000_000) == shuffled(7, 3_000_000));
    assert!(sorted(7, 100_000) != sorted(8, 100_000));
}

#[test]
fn shuffling_changes_only_the_order_of_lines() {
    // Small files have one pile, and the largest has several.
    for bytes in [1_000, 100_000, 3_000_000] {
        let (sorted, shuffled) = (sorted(1, bytes), shuffled(1, bytes));
        let mut resorted = lines(&shuffled);
        resorted.sort_unstable();
        assert!(resorted == lines(&sorted));

        // In a random order, about half of the neighbours increase.
        let rising = lines(&shuffled).windows(2).filter(|pair| pair[0] < pair[1]).count() as u64;
        let pairs = lines(&shuffled).len() as u64 - 1;
        assert!(pairs / 4 < rising && rising < pairs * 3 / 4);
    }
}

#[test]
fn the_bytes_are_the_same_on_every_platform() {
    // A change of these sums means that the data change. Then increase GENERATOR in ngrams.rs and make the sample
    // again.
    assert_eq!(sum(&sorted(1, 1_000_000)), "f8b6be63335a3fd265a7dd793a83c6e3ca7c18bafbe5c61a2249c08edfb38b35");
    assert_eq!(sum(&shuffled(1, 1_000_000)), "c4dae5c33b8d6ba16a235ab3d810bf60196121e1761633c870cd37578cbe1f32");
}

#[test]
fn progress_rises_to_the_size() {
    for shuffled in [false, true] {
        let mut told = Vec::new();
        let recipe = Recipe { bytes: 5_000_000, shuffled, ..Recipe::default() };
        let summary = recipe.write(&mut std::io::sink(), &mut |bytes| told.push(bytes)).unwrap();
        assert!(told.is_sorted());
        assert_eq!((told[0], told[told.len() - 1]), (0, summary.bytes));
    }
}

#[test]
fn a_file_is_made_once_and_named_after_its_recipe() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = Recipe { bytes: 20_000, ..Recipe::default() };
    let mut calls = 0;
    let path = recipe.file(folder.path(), &mut |_| calls += 1).unwrap();
    assert_eq!(path, folder.path().join("1grams-20KB-seed1-sorted.tsv"));
    assert!(fs::read(&path).unwrap() == sorted(1, 20_000));
    assert!(calls > 0);

    assert_eq!(recipe.file(folder.path(), &mut |_| panic!("made again")).unwrap(), path);
    assert!(!folder.path().join("1grams-20KB-seed1-sorted.tsv.partial").exists());
}

#[test]
fn a_file_in_a_read_only_folder_is_used_and_none_is_made_there() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = Recipe { bytes: 20_000, ..Recipe::default() };
    let path = recipe.file(folder.path(), &mut |_| ()).unwrap();
    fs::remove_file(folder.path().join(".lock")).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    // Root may write anyway, so a thread of its own becomes another user.
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            if rustix::process::geteuid().is_root() {
                set_thread_uid(Uid::from_raw(65_534)).unwrap();
            }
            assert_eq!(recipe.file(folder.path(), &mut |_| panic!("made again")).unwrap(), path);
            let error = Recipe { seed: 2, ..recipe }.file(folder.path(), &mut |_| ()).unwrap_err().to_string();
            assert!(error.contains("1grams-20KB-seed2-sorted.tsv") && error.contains("writable"), "{error}");
        });
        thread.join().unwrap();
    });
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_file_name_contains_size_seed_and_order() {
    let name = |seed, bytes, shuffled| Recipe { seed, bytes, shuffled, ..Recipe::default() }.file_name();
    assert_eq!(name(1, 20_000_000, false), "1grams-20MB-seed1-sorted.tsv");
    assert_eq!(name(2, 3_000_000_000, true), "1grams-3GB-seed2-shuffled.tsv");
    assert_eq!(name(1, 1_500, false), "1grams-1500B-seed1-sorted.tsv");
    assert_eq!(name(1, 0, false), "1grams-0B-seed1-sorted.tsv");
}

#[test]
fn a_file_that_is_cut_short_or_lacks_its_metadata_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = Recipe { bytes: 20_000, ..Recipe::default() };
    let path = recipe.file(folder.path(), &mut |_| ()).unwrap();
    let whole = fs::read(&path).unwrap();

    fs::write(&path, &whole[..10_000]).unwrap();
    recipe.file(folder.path(), &mut |_| ()).unwrap();
    assert!(fs::read(&path).unwrap() == whole);

    fs::write(&path, b"other bytes").unwrap();
    fs::remove_file(folder.path().join(format!("{}.facts", recipe.file_name()))).unwrap();
    recipe.file(folder.path(), &mut |_| ()).unwrap();
    assert!(fs::read(&path).unwrap() == whole);
}

#[test]
fn an_interrupted_generation_leaves_nothing_under_the_final_name() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = Recipe { bytes: 5_000_000, ..Recipe::default() };
    let interrupted = std::panic::catch_unwind(|| {
        recipe.file(folder.path(), &mut |bytes| assert!(bytes < 2_000_000, "deliberately interrupted"))
    });
    assert!(interrupted.is_err());
    assert!(!folder.path().join(recipe.file_name()).exists());
    let path = recipe.file(folder.path(), &mut |_| ()).unwrap();
    assert!(fs::read(path).unwrap() == sorted(1, 5_000_000));
}

#[test]
fn parallel_calls_get_one_whole_file() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = Recipe { bytes: 2_000_000, ..Recipe::default() };
    std::thread::scope(|scope| {
        let askers: Vec<_> = (0..4).map(|_| scope.spawn(|| recipe.file(folder.path(), &mut |_| ()).unwrap())).collect();
        for asker in askers {
            assert!(fs::read(asker.join().unwrap()).unwrap() == sorted(1, 2_000_000));
        }
    });
}

#[test]
fn a_folder_that_cannot_be_created_is_named_in_the_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("occupied");
    fs::write(&file, "").unwrap();
    let error = Recipe::default().file(&file.join("below"), &mut |_| ()).unwrap_err().to_string();
    assert!(error.contains("occupied/below") && error.contains("check that"), "{error}");
}

fn zipf(bytes: u64, words: u64, hundredths: u32) -> (Vec<u8>, Summary) {
    made(Recipe { bytes, zipf: Some(Zipf { words, hundredths }), ..Recipe::default() })
}

/// Fits the logarithm of the number of lines to the logarithm of the rank by least squares, and returns the slope.
/// Words with fewer than twenty lines are excluded, because rounding to whole lines matters there.
fn slope(text: &[u8]) -> f64 {
    let all = lines(text);
    let mut frequencies: Vec<usize> = all.chunk_by(|a, b| fields(a)[0] == fields(b)[0]).map(<[_]>::len).collect();
    frequencies.sort_unstable_by_key(|lines| std::cmp::Reverse(*lines));
    let points: Vec<(f64, f64)> = (1u32..)
        .zip(frequencies)
        .filter(|(_, lines)| *lines >= 20)
        .map(|(rank, lines)| (f64::from(rank).ln(), (lines as f64).ln()))
        .collect();
    assert!(points.len() >= 50, "{} words are too few for a slope", points.len());
    let n = points.len() as f64;
    let (mean_x, mean_y) =
        (points.iter().map(|(x, _)| x).sum::<f64>() / n, points.iter().map(|(_, y)| y).sum::<f64>() / n);
    let covariance: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    covariance / points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum::<f64>()
}

#[test]
fn frequencies_follow_the_exponent() {
    for words in [100, 10_000, 1_000_000] {
        for hundredths in [0, 50, 100, 130] {
            // With exponent 0, twenty lines per word would take half a gigabyte.
            if (words, hundredths) == (1_000_000, 0) {
                continue;
            }
            let (text, summary) = zipf(if words > 10_000 { 40_000_000 } else { 8_000_000 }, words, hundredths);
            assert_eq!(summary.words, words);
            let (wanted, found) = (f64::from(hundredths) / 100.0, -slope(&text));
            println!("{words} words: slope off by {:.5}", (found - wanted).abs());
            assert!((found - wanted).abs() < 0.02, "{words} words: {found} instead of {wanted}");
        }
    }
}

#[test]
fn a_file_has_the_given_number_of_words_and_fills_its_size() {
    for (bytes, words, hundredths) in [(100, 1, 0), (3_000, 100, 0), (1_000_000, 100, 130), (1_000_000, 30_000, 100)] {
        let (text, summary) = zipf(bytes, words, hundredths);
        assert_eq!(summary.words, words);
        check_summary(bytes, &text, summary);
        assert!(self::words(&text).contains(&b"Aardvark"[..]));
        let keys = lines(&text).into_iter().map(|line| {
            let [word, year, matches, volumes] = fields(line);
            assert!((1505..=2008).contains(&number(year)) && number(volumes) <= number(matches));
            (word, number(year))
        });
        assert!(keys.is_sorted());
    }
}

#[test]
fn a_size_too_small_for_the_words_is_an_error_with_the_necessary_size() {
    let recipe = Recipe { seed: 1, bytes: 10_000, shuffled: true, zipf: Some(Zipf { words: 10_000, hundredths: 100 }) };
    let error = recipe.write(&mut std::io::sink(), &mut |_| ()).unwrap_err().to_string();
    assert!(error.starts_with("10000 words need at least ") && error.contains("more bytes or fewer words"), "{error}");

    let folder = tempfile::tempdir().unwrap();
    let error = recipe.file(folder.path(), &mut |_| ()).unwrap_err().to_string();
    assert!(error.starts_with("cannot make these 1-grams: 10000 words need "), "{error}");
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, [".lock"]);
}

#[test]
fn a_disk_too_small_is_an_error_before_the_file_is_created() {
    let folder = tempfile::tempdir().unwrap();
    for zipf in [None, Some(Zipf { words: 10, hundredths: 100 })] {
        let recipe = Recipe { bytes: 1_000_000_000_000_000, zipf, ..Recipe::default() };
        let mut called = false;
        let error = recipe.file(folder.path(), &mut |_| called = true).unwrap_err().to_string();
        assert!(error.contains("they take 1000000000 MB") && error.contains(" has room for "), "{error}");
        assert!(!called);
    }
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, [".lock"]);
}

#[test]
fn bytes_with_a_given_number_of_words_are_the_same_on_every_platform() {
    let file = |seed, shuffled| {
        sum(&made(Recipe { seed, bytes: 300_000, shuffled, zipf: Some(Zipf { words: 1000, hundredths: 130 }) }).0)
    };
    assert_eq!(file(1, false), "6c27f4cc164a6f805ddafd9eb4acab427d67c4473b2c7070e5d849e55a2e01da");
    assert_eq!(file(1, true), "704c372fee46a75e8aa0211adcd13aa4786763c236ccf5c8a70a680674084b0f");
    assert_ne!(file(1, false), file(2, false));
    let zipf = Some(Zipf { words: 10_000, hundredths: 130 });
    let name = Recipe { zipf, ..Recipe::default() }.file_name();
    assert_eq!(name, "1grams-20MB-seed1-words10000-zipf1.30-sorted.tsv");
}
