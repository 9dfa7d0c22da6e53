//! The whole job of `word_totals` in one process: this program's entry in the comparison with the peers.

use anyhow::{Context, Result};
use kernels::words::WordTotals;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use strategies::Task;
use tasks::word_totals::TotalsOf;

/// The number of lines that a thread takes at once.
const LINES: NonZeroUsize = NonZeroUsize::new(200_000).expect("not zero");

/// Computes the totals of all words. The threads take partitions from a shared iterator behind a lock. Each thread has
/// separate totals, which are combined at the end.
///
/// # Errors
/// When the file cannot be read, a line is malformed, or a total exceeds 64 bits.
pub fn totals(task: &Arc<TotalsOf>, threads: NonZeroUsize) -> Result<WordTotals> {
    let totals = if threads == NonZeroUsize::MIN { task.once()? } else { side_by_side(task, threads)? };
    task.check(&totals)?;
    Ok(totals)
}

fn side_by_side(task: &Arc<TotalsOf>, threads: NonZeroUsize) -> Result<WordTotals> {
    let partitions = Mutex::new(task.partitions(LINES)?);
    let work = &|| {
        let mut totals = WordTotals::default();
        while let Some(partition) = partitions.lock().ok().and_then(|mut partitions| partitions.next()) {
            let partition = partition?;
            let range = partition.range;
            task.map(partition, &mut totals)?;
            task.mark_read(range);
        }
        Ok(totals)
    };
    std::thread::scope(|scope| {
        let start = |_| std::thread::Builder::new().spawn_scoped(scope, work);
        let others: Vec<_> =
            (1..threads.get()).map(start).collect::<Result<_, _>>().context("cannot start a thread")?;
        let own: strategies::Result<WordTotals> = work();
        let mut totals = own?;
        for other in others {
            let other = other.join().ok().context("a thread panicked while it added up words")?;
            TotalsOf::reduce(&mut totals, other?);
        }
        Ok(totals)
    })
}

/// Returns the summary that every peer prints at its end: the number of words and the sum of the totals.
pub fn report(totals: &WordTotals) -> String {
    format!("{}\t{}", totals.len(), totals.occurrences())
}

/// Writes lines of `word TAB total` in any order, as every peer does for the check of its totals.
///
/// # Errors
/// When `out` reports an error.
pub fn write(totals: &WordTotals, out: &mut dyn Write) -> io::Result<()> {
    for (word, total) in totals.iter() {
        out.write_all(word)?;
        writeln!(out, "\t{total}")?;
    }
    Ok(())
}
