//! Checks for any text. Every kernel, on every path that this processor supports, must give the result of `book`.

use kernels::runs::{Add, Vector};
use kernels::words::WordTotals;
use kernels::{book, bytes};

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
