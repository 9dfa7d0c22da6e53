//! A file of lines: how it is read, and how it is cut into partitions of whole lines.

mod input;
mod map;
mod ranges;

pub(crate) use input::Input;
pub use input::Read;
use ranges::Ranges;
use serde::{Deserialize, Serialize};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use strategies::{Partitions, Result};

/// Returns the file to read: the prepared one, or the only one that the user named.
pub(crate) fn file<'a>(prepared: &'a Option<PathBuf>, named: &'a [PathBuf]) -> Option<&'a PathBuf> {
    prepared.as_ref().or(match named {
        [only] => Some(only),
        _ => None,
    })
}

/// Whole lines of the file: a partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lines {
    /// Their bytes in the file, from the start of the first line to the end of the last.
    pub range: (u64, u64),
    /// The bytes themselves, if a worker must not read them from the file.
    #[serde(with = "serde_bytes")]
    pub(crate) bytes: Option<Vec<u8>>,
}

impl Lines {
    /// Cuts the file of a task into ranges of about `size` lines.
    pub(crate) fn partitions<T: Send + Sync + 'static>(
        task: &Arc<T>,
        input: fn(&T) -> &Input,
        size: NonZeroUsize,
    ) -> Result<Partitions<Lines>> {
        let task = Arc::clone(task);
        let mut ranges = Ranges::new(input(&task), size)?;
        Ok(Box::new(std::iter::from_fn(move || Some(ranges.next(input(&task)).transpose()?.map(Lines::of)))))
    }

    /// Names lines of the file.
    fn of(range: (u64, u64)) -> Self {
        Lines { range, bytes: None }
    }

    /// Reads the lines.
    pub(crate) fn read(self, input: &Input) -> Result<Self> {
        let range = self.range;
        let mut bytes = Vec::with_capacity(usize::try_from(range.1 - range.0).unwrap_or_default());
        input.pieces(range, |piece, _| {
            bytes.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(Lines { range, bytes: Some(bytes) })
    }
}
