//! The reference for word totals, and difficult inputs.
//!
//! The reference is `awk` and `sort`, which share no code with this project.

pub(crate) mod binary;
pub(crate) mod cross;

use datasets::ngrams::Recipe;
use datasets::sample;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use tasks::Inputs;
use tasks::word_totals::{Kernel, Options};

/// All kernels.
pub(crate) const KERNELS: [Kernel; 3] = [Kernel::Book, Kernel::Bytes, Kernel::Runs];

/// An input and its expected totals.
pub(crate) struct Case {
    /// A description of the input.
    pub(crate) name: &'static str,
    /// The 1-gram file.
    pub(crate) path: PathBuf,
    /// The expected lines (word, TAB, total), sorted by the bytes of the words.
    pub(crate) expected: Vec<u8>,
}

impl Case {
    fn new(name: &'static str, path: PathBuf) -> Self {
        let expected = reference(&path);
        Case { name, path, expected }
    }

    /// The inputs of `word_totals` for this file.
    pub(crate) fn inputs(&self, kernel: Kernel) -> Inputs {
        let word_totals =
            Options { input: Some(self.path.clone()), kernel, word: "Aardvark".to_owned(), ..Options::default() };
        Inputs { word_totals, ..Inputs::default() }
    }

    /// Panics if `totals` differ from the expected ones, and names the first different line.
    pub(crate) fn check(&self, totals: &[u8], way: &str) {
        if totals == self.expected {
            return;
        }
        let lines = |bytes: &[u8]| -> Vec<String> {
            let lines = bytes.split(|byte| *byte == b'\n');
            lines.map(|line| String::from_utf8_lossy(&line[line.len().saturating_sub(80)..]).into_owned()).collect()
        };
        let (got, expected) = (lines(totals), lines(&self.expected));
        let differs = (0..).find(|place| got.get(*place) != expected.get(*place)).unwrap_or_default();
        let (got, expected) = (got.get(differs), expected.get(differs));
        panic!("{}, {way}: line {} of the totals is {got:?}, and awk says {expected:?}", self.name, differs + 1);
    }
}

/// Computes the totals with `awk` and sorts them with `sort`, both in the C locale, in which a character is a byte.
///
/// awk adds in double precision, so no total may reach 2^53. The program uses `print` for words, because mawk's `printf`
/// formats at most 8192 bytes.
fn reference(path: &Path) -> Vec<u8> {
    let lines = File::open(path).expect("the case was just written");
    let add = r#"{ total[$1] += $3 } END { for (word in total) print word "\t" sprintf("%.0f", total[word]) }"#;
    let mut awk = command("awk", &["-F\t", add]).stdin(lines).stdout(Stdio::piped()).spawn().expect(ABSENT);
    let added = awk.stdout.take().expect("its output is a pipe");
    let sorted = command("sort", &["-t", "\t", "-k1,1"]).stdin(added).output().expect(ABSENT);
    assert!(awk.wait().is_ok_and(|status| status.success()), "awk failed on {}", path.display());
    assert!(sorted.status.success(), "sort failed: {}", String::from_utf8_lossy(&sorted.stderr));
    for line in sorted.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let total = line.rsplit(|byte| *byte == b'\t').next().and_then(|total| std::str::from_utf8(total).ok());
        let exact = total.and_then(|total| total.parse::<u64>().ok()).is_some_and(|total| total < 1 << 53);
        assert!(exact, "awk is no reference for {}: a total is not below 2^53", path.display());
    }
    sorted.stdout
}

const ABSENT: &str = "`awk` and `sort` are what the totals are compared with; install both (Debian: mawk, coreutils)";

fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).env("LC_ALL", "C");
    command
}

/// Inputs of at most a few megabytes, written to `folder`.
pub(crate) fn small(folder: &Path) -> Vec<Case> {
    let without_feed = |lines: &[u8]| lines.strip_suffix(b"\n").expect("these lines end in a line feed").to_vec();
    let to_feed = |lines: &[u8]| lines.iter().position(|byte| *byte == b'\n').expect("it has many lines") + 1;
    let one = b"Aardvark\t1984\t3\t2\n";
    let inputs: [(&str, Vec<u8>); 10] = [
        ("the sample", sample::LINES.to_vec()),
        ("no final line feed", without_feed(&sample::LINES[..5_000 + to_feed(&sample::LINES[5_000..])])),
        ("an empty file", Vec::new()),
        ("one line", one.to_vec()),
        ("one line without a line feed", without_feed(one)),
        ("words of 1 byte", words_of_one_byte()),
        ("words of 64 KB", words_of_64_kb()),
        ("a word larger than what is read at once", word_larger_than_a_piece()),
        ("words that are not UTF-8", words_not_utf8()),
        ("numbers at their limits", numbers_at_their_limits()),
    ];
    let write = |(place, (name, bytes)): (usize, (&'static str, Vec<u8>))| {
        let path = folder.join(format!("{place}.tsv"));
        std::fs::write(&path, bytes).expect("a temporary folder can be written to");
        Case::new(name, path)
    };
    inputs.into_iter().enumerate().map(write).collect()
}

/// A generated file of 20 MB, and the same lines in a random order.
pub(crate) static LARGE: LazyLock<[Case; 2]> = LazyLock::new(|| {
    let folder = testbed::workspace().join("datasets/generated");
    [("20 MB", false), ("20 MB, shuffled", true)].map(|(name, shuffled)| {
        let recipe = Recipe { shuffled, ..Recipe::default() };
        Case::new(name, recipe.file(&folder, &mut |_| ()).expect("a file can be made"))
    })
});

fn line(word: &[u8], rest: &str) -> Vec<u8> {
    [word, b"\t", rest.as_bytes(), b"\n"].concat()
}

/// Every byte that can be a word, three times, never next to itself. NUL is left out because some versions of awk cannot
/// read it.
fn words_of_one_byte() -> Vec<u8> {
    let words = (1..=255u8).filter(|byte| !b"\t\n".contains(byte));
    (1..=3).flat_map(|count| words.clone().flat_map(move |byte| line(&[byte], &format!("1984\t{count}\t1")))).collect()
}

/// Words that differ only in their last byte or their length. The lengths are around a power of two.
fn words_of_64_kb() -> Vec<u8> {
    let word = |length: usize, last: u8| [&vec![b'w'; length - 1][..], &[last]].concat();
    let words = [word(65_536, b'a'), word(65_536, b'b'), word(65_535, b'w'), word(65_536, b'w'), word(65_537, b'w')];
    let lines = (1..=4).flat_map(|count| words.iter().map(move |word| line(word, &format!("1984\t{count}\t1"))));
    lines.collect::<Vec<_>>().concat()
}

/// One long word among short lines, so that a cut must search far for the end of a line.
fn word_larger_than_a_piece() -> Vec<u8> {
    let short: Vec<u8> = (0..300).flat_map(|year| line(b"short", &format!("{year}\t1\t1"))).collect();
    let long = line(&[b'l'; 300_000], "1984\t7\t1");
    [&short[..], &long, &short].concat()
}

fn words_not_utf8() -> Vec<u8> {
    let words: [&[u8]; 12] = [
        b"\xff",
        b"\xff\xfe",
        b"\x80",
        b"caf\xe9",
        b"caf\xc3\xa9",
        b"caf\xc3",
        // UTF-8 forbids the next three: a surrogate, a slash in two bytes, and a code point beyond the last.
        b"\xed\xa0\x80",
        b"\xc0\xaf",
        b"\xf4\x90\x80\x80",
        b"a\rb",
        b"\r",
        b" \xa0 ",
    ];
    let lines = (1..=9).flat_map(|count| words.map(move |word| line(word, &format!("1984\t{count}\t1"))));
    lines.collect::<Vec<_>>().concat()
}

/// Counts that are added up stay exact in awk. Fields that are only checked have their largest values. The words look like
/// numbers.
fn numbers_at_their_limits() -> Vec<u8> {
    let lines = [
        "0\t0\t0\t0",
        "00\t1984\t0\t1",
        "1e3\t18446744073709551615\t4503599627370496\t18446744073709551615",
        "1000\t1984\t007\t0001",
        "1e3\t1984\t4503599627370495\t1",
        "0x10\t00000000000000000000000000000001984\t1\t1",
        "16\t1984\t0000000000000000000000000000000000000000000000001\t1",
        "-5\t1984\t1\t1",
        "+5\t1984\t1\t1",
        "5\t1984\t1\t1",
        "0\t1984\t0\t0",
    ];
    lines.join("\n").into_bytes()
}
