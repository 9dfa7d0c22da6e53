//! Adds up the bytes of a file that it makes itself.

use crate::{Data, Entry, Hooks, Inputs, Preparation, Unprepared};
use std::collections::BTreeMap;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use strategies::{Answer, AnyTask, Error, Partitions, Result, Task};

/// The task's entry.
pub const ENTRY: Entry = Entry {
    name: "byte_sum",
    about: "Adds up the bytes of a file.",
    unit: "bytes",
    sizes: &[100],
    default_size: 100,
    load,
    options: |inputs| BTreeMap::from([("ones".to_owned(), inputs.byte_sum.ones.to_string())]),
    sizing: None,
    hooks: Hooks { prepare, data, ..Hooks::NONE },
};

/// How large the file is.
#[derive(Debug, Clone, Default, PartialEq, clap::Args, serde::Serialize, serde::Deserialize)]
#[group(id = "byte_sum")]
pub struct Options {
    /// byte_sum: how many ones the file has
    #[arg(long, default_value_t = 1000)]
    pub ones: usize,
    /// byte_sum: the file
    #[arg(long)]
    pub file_of_ones: Option<PathBuf>,
}

fn prepare(preparation: &mut Preparation) -> std::result::Result<(), Unprepared> {
    let options = &mut preparation.inputs.byte_sum;
    let path = preparation.folder.join("ones");
    let made = std::fs::create_dir_all(preparation.folder).and_then(|()| std::fs::write(&path, vec![1; options.ones]));
    options.file_of_ones = Some(path);
    made.map_err(|error| Unprepared::Fail(error.to_string()))
}

fn data(inputs: &Inputs) -> Data {
    Data { file: inputs.byte_sum.file_of_ones.clone(), ..Data::default() }
}

fn load(inputs: &Inputs) -> Result<Arc<dyn AnyTask>> {
    let path = inputs.byte_sum.file_of_ones.clone().ok_or_else(|| Error::task("no file"))?;
    Ok(Arc::new(Arc::new(ByteSum(std::fs::read(path).map_err(Error::task)?))))
}

struct ByteSum(Vec<u8>);

impl Task for ByteSum {
    type Partition = Vec<u8>;
    type Partial = u64;

    fn partitions(self: &Arc<Self>, size: NonZeroUsize) -> Result<Partitions<Vec<u8>>> {
        let parts: Vec<_> = self.0.chunks(size.get()).map(|part| Ok(part.to_vec())).collect();
        Ok(Box::new(parts.into_iter()))
    }

    fn map(&self, part: Vec<u8>, into: &mut u64) -> Result<()> {
        *into += part.into_iter().map(u64::from).sum::<u64>();
        Ok(())
    }

    fn reduce(into: &mut u64, other: u64) {
        *into += other;
    }

    fn baseline(&self) -> Result<u64> {
        Ok(self.0.iter().copied().map(u64::from).sum())
    }

    fn answer(&self, total: &u64) -> Result<Answer> {
        Ok(Answer { digest: total.to_string(), figures: vec![("sum".to_owned(), total.to_string())] })
    }

    fn write(&self, total: &u64, out: &mut dyn Write) -> std::io::Result<()> {
        writeln!(out, "{total}")
    }
}
