//! Checks that partitions of any size give the totals of the whole file.

use kernels::line;
use kernels::words::{Run, WordTotals};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::Arc;
use strategies::Task;
use tasks::word_totals::{Kernel, Options, Read, TotalsOf};

type Seen = (Vec<(Vec<u8>, u64)>, bool);

fn seen(totals: &WordTotals) -> Seen {
    (totals.sorted().into_iter().map(|(word, total)| (word.to_vec(), total)).collect(), totals.overflowed())
}

/// Computes the totals without a kernel, line by line with the reference parser.
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

/// Lines of very different lengths. One in thirty is longer than the window that finds the end of a line. Some are
/// longer than one read.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let length = prop_oneof![60 => 0..60usize, 2 => 4_000..9_000usize, 1 => 250_000..600_000usize];
    (vec(length, 0..60), any::<bool>()).prop_map(|(lengths, feed)| {
        let mut text: Vec<u8> = Vec::new();
        for length in lengths {
            text.extend(std::iter::repeat_n(b'w', length + 1));
            text.extend_from_slice(b"\t1984\t1\t1\n");
        }
        if !feed {
            text.pop();
        }
        text
    })
}

/// Calls `work` with a task whose file is `text`.
fn cut(
    text: &[u8],
    (kernel, read): (Kernel, Read),
    work: impl FnOnce(&Arc<TotalsOf>) -> Result<(), TestCaseError>,
) -> Result<(), TestCaseError> {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(text).expect("it takes the text");
    let options = Options { input: Some(file.path().to_owned()), kernel, read, ..Options::default() };
    work(&Arc::new(TotalsOf::new(&options).expect("the file is there")))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn partitions_cover_the_file_in_order_and_end_at_line_ends(
        text in text(), size in prop_oneof![1..10usize, 10..2000usize, Just(usize::MAX)],
    ) {
        cut(&text, (Kernel::Bytes, Read::Pread), |task| {
            let mut at = 0;
            for range in task.partitions(NonZeroUsize::new(size).unwrap()).unwrap() {
                let (begin, end) = range.unwrap().range;
                prop_assert_eq!(begin, at);
                prop_assert!(begin < end, "a partition of no bytes");
                let ended = text[..end as usize].ends_with(b"\n") || end == text.len() as u64;
                prop_assert!(ended, "a partition ends inside a line, at {}", end);
                at = end;
            }
            prop_assert_eq!(at, text.len() as u64);
            Ok(())
        })?;
    }

    #[test]
    fn totals_do_not_depend_on_how_the_file_is_cut(
        text in text(),
        size in prop_oneof![1..10usize, 10..2000usize],
        kernel in select(vec![Kernel::Book, Kernel::Bytes, Kernel::Runs]),
        read in select(vec![Read::Pread, Read::Map]),
        by_value in any::<bool>(),
    ) {
        cut(&text, (kernel, read), |task| {
            let mut total = WordTotals::default();
            for range in task.partitions(NonZeroUsize::new(size).unwrap()).unwrap() {
                let lines = range.unwrap();
                let range = lines.range;
                let lines = if by_value { task.with_input(lines).unwrap() } else { lines };
                task.map(lines, &mut total).unwrap();
                task.mark_read(range);
            }
            prop_assert_eq!(Ok(seen(&total)), by_the_line(&text));
            prop_assert_eq!(task.once().map(|total| seen(&total)).ok(), by_the_line(&text).ok());
            Ok(())
        })?;
    }

    #[test]
    fn any_bytes_are_refused_or_give_the_totals_of_the_reference(
        text in prop_oneof![
            1 => vec(any::<u8>(), 0..100),
            4 => vec("[ab]\t[0-9]{1,3}\t[0-9]{1,3}\t[0-9]{1,3}\n|[ab\t0-9\n\r\u{0}\u{feff}]{0,9}", 0..6)
                .prop_map(|parts| parts.concat().into_bytes()),
        ],
        size in 1..5usize,
        kernel in select(vec![Kernel::Book, Kernel::Bytes, Kernel::Runs]),
        read in select(vec![Read::Pread, Read::Map]),
        by_value in any::<bool>(),
    ) {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(&text).expect("it takes the text");
        let options = Options { input: Some(file.path().to_owned()), kernel, read, ..Options::default() };
        // A file that is refused as a whole gives no totals.
        if let Ok(task) = TotalsOf::new(&options).map(Arc::new) {
            let mut total = WordTotals::default();
            let mut ranges = task.partitions(NonZeroUsize::new(size).unwrap()).unwrap();
            let mut map = |range: strategies::Result<_>| {
                let lines = range?;
                task.map(if by_value { task.with_input(lines)? } else { lines }, &mut total)
            };
            let cut = ranges.try_for_each(&mut map).map(|()| seen(&total)).ok();
            let expected = by_the_line(&text).ok();
            prop_assert_eq!(&cut, &expected);
            prop_assert_eq!(task.once().map(|total| seen(&total)).ok(), expected);
        }
    }
}
