//! `goldilocks data`: makes or fetches what the tasks read.

use super::exit::Exit;
use super::options::{Folders, announce};
use super::output::print;
use super::values::positive;
use anyhow::Result;
use clap::Subcommand;
use datasets::ngrams::recipe::{exponent, size};
use datasets::ngrams::{Recipe, Zipf};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::{Path, PathBuf};
use system::printing::say;

#[derive(Subcommand)]
pub(crate) enum Data {
    /// Makes a file of 1-grams: seeded, sorted by word and year
    #[command(after_help = "\
Examples:
  goldilocks data grams                               # 20 MB
  goldilocks data grams --size 2GB --seed 2
  goldilocks data grams --words 1000000 --zipf 1.3 --shuffled")]
    Grams {
        /// How large: 500KB, 20MB, 2GB
        #[arg(long, default_value = "20MB", value_parser = size)]
        size: u64,
        /// Another seed gives another file
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// The same lines in a random order
        #[arg(long)]
        shuffled: bool,
        /// So many distinct words, of whom the one of rank r has lines in proportion to r^-S [default: as in a book, or 10000 if --zipf is given]
        #[arg(long, value_parser = positive)]
        words: Option<u64>,
        /// That S: 0 for words that are all alike, 1 as in natural language [default: 1, if --words is given]
        #[arg(long, value_name = "S", value_parser = exponent, allow_negative_numbers = true)]
        zipf: Option<u32>,
        #[command(flatten)]
        folders: Folders,
    },
    /// Fetches the book's file from Google (1.8 GB when unpacked); needs the internet
    ///
    /// The content is not verified, because it comes by plain http and Google publishes no sum. The command prints the
    /// SHA-256 of what came.
    #[command(after_help = "\
Examples:
  goldilocks data fetch
  goldilocks data fetch --data /var/tmp/goldilocks
  goldilocks run --task word_totals --strategy rayon --input \"$(goldilocks data fetch)\"")]
    Fetch {
        /// From where
        #[arg(long, default_value = datasets::fetch::ADDRESS)]
        url: String,
        #[command(flatten)]
        folders: Folders,
    },
}

impl Data {
    pub(crate) fn run(self) -> Result<Exit> {
        let path = match self {
            Data::Grams { size, seed, shuffled, words, zipf: hundredths, folders } => {
                folders.new_place().iter().for_each(|place| announce(place));
                let recipe = Recipe { seed, bytes: size, shuffled, zipf: Zipf::given(words, hundredths) };
                recipe.file_announced(&folders.data, &|line| say(line))?
            }
            Data::Fetch { url, folders } => {
                folders.new_place().iter().for_each(|place| announce(place));
                fetch(url, &folders.data)?
            }
        };
        print(format_args!("{}\n", path.display()))?;
        Ok(Exit::Done)
    }
}

fn fetch(address: String, folder: &Path) -> Result<PathBuf> {
    let source = datasets::fetch::Source { address, ..Default::default() };
    let bar = ProgressBar::no_length();
    bar.set_style(ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} to go")?);
    let path = source.file(folder, &mut |received, total| {
        if let Some(total) = total {
            bar.set_length(total);
        }
        bar.set_position(received);
    });
    bar.finish_and_clear();
    let path = path?;
    if let Some([compressed, plain]) = datasets::fetch::Source::sums(&path) {
        say(format_args!(
            "not verified, because no sum is known: SHA-256 {compressed} as it came, {plain} decompressed"
        ));
    }
    Ok(path)
}
