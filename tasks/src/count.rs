//! The task `count`: counts from zero to each of many numbers. It needs only a core, no memory and no I/O.

pub mod kernel;
mod shared;

use crate::numbered::{self, Numbered};
use crate::random::Random;
use crate::{Entry, Hooks, Inputs, Sizing, named};
use record::Detail;
use serde::{Deserialize, Serialize};
use shared::{Counters, Locked, Neighbours, Padded, ReadWrite};
use std::collections::BTreeMap;
use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use strategies::{Answer, AnyTask, Combine, Error, Meter, Part, Partitions, Result, Shared, Task};

/// The entry of this task.
pub const ENTRY: Entry = Entry {
    name: "count",
    about: "Counts from zero to each of many numbers, one honest increment at a time.",
    unit: "numbers",
    sizes: &[1, 4, 16, 64, 256, 1024],
    default_size: 64,
    load,
    options,
    sizing: Some(SIZING),
    hooks: Hooks { details, states: STATES, book: &[("profile", "book")], ..Hooks::NONE },
};

/// The ways to keep the sum of all increments while counting.
const STATES: &[Combine] =
    &[Combine::Mutex, Combine::RwLock, Combine::Atomic, Combine::AtomicNeighbours, Combine::AtomicPadded];

/// Every worker gets several partitions of the default size, so the numbers become more, and each of them smaller.
const SIZING: Sizing = Sizing {
    unit: "increments",
    least: 10_000_000,
    most: 100_000_000_000,
    bytes_per_unit: 0,
    speed_up: |cores| cores,
    work: |inputs| {
        let Options { profile, numbers, how_many, increments } = &inputs.count;
        let is_default = numbers.is_empty() && *profile == Profile::Even && *how_many == HOW_MANY;
        (is_default && increments.is_none()).then_some(INCREMENTS)
    },
    set: |inputs, work, workers| {
        let numbers = (256 * workers).next_power_of_two();
        inputs.count.how_many = inputs.count.how_many.max(numbers.min(MOST_NUMBERS));
        inputs.count.increments = Some(work);
    },
    grow: |inputs, factor| {
        let Options { how_many, increments, .. } = &mut inputs.count;
        *how_many = how_many.saturating_mul(factor).min(MOST_NUMBERS);
        *increments = Some(increments.unwrap_or(INCREMENTS).saturating_mul(factor));
    },
    items: |inputs| inputs.count.how_many,
};

/// The default number of numbers.
const HOW_MANY: u64 = 4096;

/// The default sum of the numbers.
const INCREMENTS: u64 = 100_000_000;

/// The largest number. Counting to it takes about half an hour, so a larger number is a typing error.
const MOST: u64 = 10_000_000_000_000;

/// The most numbers of a profile: 800 MB of memory.
const MOST_NUMBERS: u64 = 100_000_000;

/// The options of this task: the numbers to count to.
#[derive(Debug, Clone, PartialEq, clap::Args, Serialize, Deserialize)]
#[group(id = "count")]
pub struct Options {
    /// count: which numbers: the book's five, or many of even or uneven size
    #[arg(long, value_enum, default_value_t = Profile::Even, help_heading = "Task options")]
    pub profile: Profile,
    /// count: the numbers themselves, instead of a profile
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u64).range(..=MOST), help_heading = "Task options")]
    pub numbers: Vec<u64>,
    /// count: how many numbers an even or uneven profile has
    #[arg(long, default_value_t = HOW_MANY, value_parser = clap::value_parser!(u64).range(1..=MOST_NUMBERS), value_name = "N", help_heading = "Task options")]
    pub how_many: u64,
    /// count: the sum of the numbers of an even or uneven profile, about [default: 100000000; a sweep fits an even profile
    /// to the machine]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=MOST), value_name = "N", help_heading = "Task options")]
    pub increments: Option<u64>,
}

/// A named choice of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
pub enum Profile {
    /// 1, 3, 5, 22 and 100 000 000: four that end at once, and one that does not
    Book,
    /// 100 000 000 and 200 000 000: two workers can be at most 1.5 times as fast as one
    BookPair,
    /// All the same
    Even,
    /// Seeded and heavy-tailed: most are small, a few are up to a thousand times as large
    Uneven,
}

impl Default for Options {
    fn default() -> Self {
        Options { profile: Profile::Even, numbers: Vec::new(), how_many: HOW_MANY, increments: None }
    }
}

/// The numbers to count to.
pub struct Count {
    numbers: Vec<u64>,
}

impl Count {
    /// Makes a task that counts to each of `numbers`.
    pub fn new(numbers: Vec<u64>) -> Self {
        Count { numbers }
    }
}

fn load(inputs: &Inputs) -> Result<Arc<dyn AnyTask>> {
    let options = &inputs.count;
    if !options.numbers.is_empty() {
        return Ok(Arc::new(Arc::new(Count::new(options.numbers.clone()))));
    }
    let how_many = options.how_many.max(1);
    let increments = options.increments.unwrap_or(INCREMENTS);
    let mean = increments / how_many;
    let numbers = match options.profile {
        Profile::Book => vec![1, 3, 5, 22, 100_000_000],
        Profile::BookPair => vec![100_000_000, 200_000_000],
        Profile::Even => vec![mean; usize::try_from(how_many).map_err(Error::task)?],
        Profile::Uneven => {
            let mut random = Random::new(1);
            let weights: Vec<u64> = (0..how_many).map(|_| random.heavy_tailed()).collect();
            let total: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
            let share = |weight: u64| u128::from(increments) * u128::from(weight) / total;
            weights.into_iter().map(|weight| u64::try_from(share(weight)).unwrap_or(u64::MAX)).collect()
        }
    };
    Ok(Arc::new(Arc::new(Count::new(numbers))))
}

fn details() -> Vec<Detail> {
    vec![Detail::UnitCost {
        unit: "an increment".to_owned(),
        figure: "sum".to_owned(),
        limit: "each increment needs one branch, and branches per cycle are the limit".to_owned(),
    }]
}

fn options(inputs: &Inputs) -> BTreeMap<String, String> {
    let Options { profile, numbers, how_many, increments } = &inputs.count;
    if !numbers.is_empty() {
        let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
        return named::options([("numbers", numbers.join(","))]);
    }
    let profile_name = ("profile", named::word(profile));
    match profile {
        Profile::Book | Profile::BookPair => named::options([profile_name]),
        Profile::Even | Profile::Uneven => named::options([
            profile_name,
            ("how-many", how_many.to_string()),
            ("increments", increments.unwrap_or(INCREMENTS).to_string()),
        ]),
    }
}

impl Task for Count {
    /// The index of the first number in the input, and the numbers.
    type Partition = (u64, Vec<u64>);
    /// The final counter for each number.
    type Partial = Numbered;

    fn partitions(self: &Arc<Self>, size: NonZeroUsize) -> Result<Partitions<Self::Partition>> {
        let task = Arc::clone(self);
        let size = size.get();
        Ok(Box::new((0..task.numbers.len().div_ceil(size)).map(move |partition| {
            let first = partition * size;
            let numbers = &task.numbers[first..task.numbers.len().min(first + size)];
            Ok((first as u64, numbers.to_vec()))
        })))
    }

    fn map(&self, (first, numbers): Self::Partition, into: &mut Self::Partial) -> Result<()> {
        into.extend((first..).zip(numbers.into_iter().map(kernel::count_to)));
        Ok(())
    }

    fn reduce(into: &mut Self::Partial, mut other: Self::Partial) {
        into.append(&mut other);
    }

    fn shared(&self, kind: Combine) -> Result<Arc<dyn Shared<Self>>> {
        Ok(match kind {
            Combine::Mutex => Arc::new(Sum(Locked::default())),
            Combine::RwLock => Arc::new(Sum(ReadWrite::default())),
            Combine::Atomic => Arc::new(Sum(AtomicU64::default())),
            Combine::AtomicNeighbours => Arc::new(Sum(Neighbours::default())),
            Combine::AtomicPadded => Arc::new(Sum(Padded::default())),
            _ => return Err(named::no_state(ENTRY.name, kind, STATES)),
        })
    }

    fn baseline(&self) -> Result<Self::Partial> {
        Ok((0..).zip(self.numbers.iter().map(|number| kernel::count_to(*number))).collect())
    }

    fn answer(&self, total: &Self::Partial) -> Result<Answer> {
        let sum: u128 = total.iter().map(|(_, counted)| u128::from(*counted)).sum();
        let mut figures = named::figures([("numbers", total.len().to_string()), ("sum", sum.to_string())]);
        if total.len() <= 8 {
            let counted: Vec<String> = numbered::in_order(total).map(|counted| counted.to_string()).collect();
            figures.push(("counted".to_owned(), counted.join(", ")));
        }
        Ok(Answer { digest: numbered::digest(total), figures })
    }

    /// Writes the final counters in input order, one per line.
    fn write(&self, total: &Self::Partial, out: &mut dyn Write) -> std::io::Result<()> {
        numbered::write(total, out)
    }

    fn items(&self) -> Option<u64> {
        Some(self.numbers.len() as u64)
    }
}

/// The sum of all increments, which every worker raises while it counts.
struct Sum<C>(C);

/// The increments that are added at once. With one, a worker would do little besides updating the sum.
const TOGETHER: u64 = 10;

impl<C: Counters> Shared<Count> for Sum<C> {
    fn map(&self, _: &Count, part: Part<Count>, meter: &mut Meter) -> Result<()> {
        let (first, numbers) = part.partition;
        for (index, number) in (first..).zip(numbers) {
            let mut counted = 0;
            while counted < number {
                let more = kernel::count_to(TOGETHER.min(number - counted));
                self.0.add(part.worker, more, meter);
                counted += more;
            }
            part.into.push((index, counted));
        }
        Ok(())
    }

    fn add_to(&self, _: &Count, total: &mut Numbered) -> Result<()> {
        let (shared, expected) = (self.0.sum(), total.iter().map(|(_, counted)| counted).sum::<u64>());
        match shared == expected {
            true => Ok(()),
            false => Err(Error::task(format!(
                "the shared sum is {shared} after {expected} increments, so updates were lost"
            ))),
        }
    }
}
