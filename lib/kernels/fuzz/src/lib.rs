//! Properties of any text: every kernel, on every path that this processor supports, agrees with `book`.

use kernels::runs::{Add, Vector};
use kernels::words::WordTotals;
use kernels::{book, bytes};

/// Words with their totals, sorted, and whether one of them is too large.
type Seen = (Vec<(Vec<u8>, u64)>, bool);

/// The totals, or where the first malformed line begins.
fn outcome(kernel: Add, text: &[u8]) -> Result<Seen, usize> {
    let mut totals = WordTotals::default();
    kernel(text, &mut totals)?;
    Ok(seen(&totals))
}

fn seen(totals: &WordTotals) -> Seen {
    let sorted = totals.sorted().into_iter().map(|(word, total)| (word.to_vec(), total)).collect();
    (sorted, totals.overflowed())
}

/// Panics, with the name of the kernel, unless all agree.
pub fn all_agree(text: &[u8]) {
    let expected = outcome(book::add, text);
    let paths = Vector::ALL.into_iter().filter_map(|vector| Some((vector.name(), vector.kernel()?)));
    for (name, kernel) in std::iter::once(("bytes", bytes::add as Add)).chain(paths) {
        // A copy of exactly this length, so that the address sanitizer sees a read past the end.
        let exact: Box<[u8]> = text.into();
        assert_eq!(outcome(kernel, &exact), expected, "{name}");
    }
}

/// Panics unless, for every kernel and every way to add them up, two halves of the lines have the totals of all lines.
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
