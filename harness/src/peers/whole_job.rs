//! This program's own side of the comparison: the whole job in one process, from its start to its end, as the peers do it.

use anyhow::{Context, Result};
use kernels::words::WordTotals;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Mutex};
use strategies::Task;
use tasks::word_totals::TotalsOf;

/// How many lines a thread takes at once.
const LINES: NonZeroUsize = NonZeroUsize::new(200_000).expect("not zero");

/// All words' totals, from `threads` threads that take partitions from one iterator behind a lock, each adding to totals
/// of its own.
///
/// # Errors
/// When the file cannot be read, or has a line that is malformed, or a total goes beyond 64 bits.
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
            task.map(partition, &mut totals)?;
            task.mark_read(partition);
        }
        Ok(totals)
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.get()).map(|_| scope.spawn(work)).collect();
        let own: strategies::Result<WordTotals> = work();
        let mut totals = own?;
        for other in others {
            let other = other.join().ok().context("a thread panicked while it added up words")?;
            TotalsOf::reduce(&mut totals, other?);
        }
        Ok(totals)
    })
}

/// What every peer prints in the end: how many words there are, and what their totals add up to.
pub fn report(totals: &WordTotals) -> String {
    format!("{}\t{}", totals.len(), totals.occurrences())
}

/// Writes `word TAB total`, in no particular order, as every peer does when it is checked.
///
/// # Errors
/// When the file cannot be written.
pub fn write(totals: &WordTotals, path: &Path) -> Result<()> {
    let written = system::atomic_file::fill(path, |out| {
        for (word, total) in totals.iter() {
            out.write_all(word)?;
            writeln!(out, "\t{total}")?;
        }
        Ok(())
    });
    written.with_context(|| format!("cannot write {}", path.display()))
}
