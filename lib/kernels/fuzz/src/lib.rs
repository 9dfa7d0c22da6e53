//! Checks for any text. Every kernel, on every path that this processor supports, must give the result of `book`. The
//! readers of other formats must refuse a file or give the totals of a simple reader.

use kernels::runs::{Add, Vector};
use kernels::words::WordTotals;
use kernels::{book, bytes, line};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// The sorted words with their totals, and `true` if a total overflowed.
type Seen = (Vec<(Vec<u8>, u64)>, bool);

/// Returns the totals, or the offset of the first malformed line.
fn outcome(kernel: Add, text: &[u8]) -> Result<Seen, usize> {
    let mut totals = WordTotals::default();
    kernel(text, &mut totals)?;
    Ok(seen(&totals))
}

fn seen(totals: &WordTotals) -> Seen {
    let sorted = totals.sorted().into_iter().map(|(word, total)| (word.to_vec(), total)).collect();
    (sorted, totals.overflowed())
}

/// Panics with the name of a kernel if its result differs from that of `book`.
pub fn all_agree(text: &[u8]) {
    let expected = outcome(book::add, text);
    let paths = Vector::ALL.into_iter().filter_map(|vector| Some((vector.name(), vector.kernel()?)));
    for (name, kernel) in std::iter::once(("bytes", bytes::add as Add)).chain(paths) {
        // Copied to exactly this length, so that the address sanitizer detects a read past the end.
        let exact: Box<[u8]> = text.into();
        assert_eq!(outcome(kernel, &exact), expected, "{name}");
    }
}

/// Panics if the totals of two halves of the lines do not add up to the totals of all lines. Tests every kernel and
/// every way to add totals.
pub fn halves_agree(text: &[u8]) {
    let Ok(expected) = outcome(book::add, text) else { return };
    let half = text.len() / 2;
    let middle = text[half..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |feed| half + feed + 1);
    let paths = Vector::ALL.into_iter().filter_map(|vector| Some((vector.name(), vector.kernel()?)));
    for (name, kernel) in std::iter::once(("bytes", bytes::add as Add)).chain(paths) {
        let halves = [&text[..middle], &text[middle..]];
        let mut worker = WordTotals::default();
        for half in [halves[1], halves[0]] {
            worker.stretch(|totals| kernel(half, totals)).expect("all lines were well formed");
        }
        assert_eq!(seen(&worker), expected, "{name}, the later half first");
        let [first, second] = halves.map(|half| {
            let mut totals = WordTotals::default();
            kernel(half, &mut totals).expect("all lines were well formed");
            totals
        });
        let mut one = second.clone();
        one.absorb(first.clone());
        assert_eq!(seen(&one), expected, "{name}, one by one");
        let mut all = WordTotals::default();
        all.absorb_all(vec![first, second]);
        assert_eq!(seen(&all), expected, "{name}, all at once");
    }
}

/// Panics if the plain lines of a file do not have the totals that a simple reader finds in the file, if a kernel rejects
/// them, or if a message has control characters. Refusing the file is always right.
pub fn reader_agrees(file: &[u8]) {
    let mut plain = Vec::new();
    match datasets::input::convert(Path::new("a.tsv"), file, &mut plain) {
        Ok(()) => {
            let (totals, overflowed) = outcome(book::add, &plain).expect("plain lines are well formed");
            let expected = simple(file).expect("a simple reader reads the file, too");
            if !overflowed {
                let totals = totals.into_iter().map(|(word, total)| (word, u128::from(total)));
                assert_eq!(totals.collect::<BTreeMap<_, _>>(), expected);
            }
            all_agree(&plain);
        }
        Err(error) => assert!(!error.to_string().contains(char::is_control), "{:?}", error.to_string()),
    }
}

/// The totals of a file of any readable format, from its whole text in memory.
fn simple(file: &[u8]) -> Option<BTreeMap<Vec<u8>, u128>> {
    let mut text = Vec::new();
    if file.starts_with(b"\x1f\x8b") {
        flate2::read::MultiGzDecoder::new(file).read_to_end(&mut text).ok()?;
    } else if let Some(magic) = file.first_chunk::<4>()
        && (*magic == *b"\x28\xb5\x2f\xfd" || (magic[0] & 0xf0 == 0x50 && magic[1..] == *b"\x2a\x4d\x18"))
    {
        let decode = |most: usize| {
            let mut text = vec![0; most];
            let length = ruzstd::decoding::FrameDecoder::new().decode_all(file, &mut text).ok()?;
            text.truncate(length);
            Some(text)
        };
        text = [1 << 16, 1 << 28].into_iter().find_map(decode)?;
    } else {
        text.extend_from_slice(file);
    }
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    let mut totals = BTreeMap::new();
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let mut fields = line.split(|byte| *byte == b'\t');
        let word = fields.next()?;
        let total = match line::parse(line) {
            Ok((_, count)) => count.into(),
            Err(_) => fields.try_fold(0, |total: u128, year| {
                Some(total + u128::from(line::count(word, year.split(|byte| *byte == b',')).ok()?))
            })?,
        };
        *totals.entry(word.to_vec()).or_default() += total;
    }
    Some(totals)
}
