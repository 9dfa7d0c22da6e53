//! What the tests of all engines share: a file with its true totals, faults, and traces that an engine must not leave.

use cluster::engine::Engine;
use cluster::setup::{Kind, Setup};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempPath;

/// Runs a test on one thread, because an engine's processes die with the thread that started them.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(test)
}

/// The folder into which `.ci/setup-tests` and `just cluster-test` install engines.
pub(crate) fn installed() -> PathBuf {
    let named = std::env::var_os("GOLDILOCKS_ENGINES").map(PathBuf::from);
    named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../datasets/generated/peers"))
}

pub(crate) fn setup(kind: Kind, cores: u32) -> Setup {
    Setup { kind, installed: installed(), cores, deadline: Duration::from_secs(120) }
}

/// A file of 1-grams, and its totals as sorted lines.
pub(crate) struct Input {
    pub(crate) path: TempPath,
    pub(crate) totals: Vec<u8>,
}

/// A file with the lines of `words`, each with a year and a count.
pub(crate) fn input<'a>(words: impl Iterator<Item = &'a str>) -> Input {
    // Engines ignore files whose name begins with a dot or an underscore.
    let file = tempfile::Builder::new().prefix("grams").tempfile().expect("a file");
    let mut file = std::io::BufWriter::new(file);
    let mut totals = BTreeMap::<&str, u64>::new();
    for (nth, word) in words.enumerate() {
        let count = 1 + nth as u64 % 1000 * 4_000_000;
        writeln!(file, "{word}\t{}\t{count}\t1", 1800 + nth % 200).expect("written");
        *totals.entry(word).or_default() += count;
    }
    let mut lines: Vec<String> = totals.iter().map(|(word, total)| format!("{word}\t{total}\n")).collect();
    lines.sort_unstable();
    let path = file.into_inner().expect("flushed").into_temp_path();
    Input { path, totals: lines.concat().into_bytes() }
}

/// Words in whose place a reader of tables may see something else.
pub(crate) const UNUSUAL: &[&str] = &[
    "word",
    "\"",
    "\"a",
    "a\"b\"",
    "''",
    "\\",
    "a\\",
    "\\t",
    "#",
    "# a",
    " a",
    "a ",
    "a  b",
    ",",
    "null",
    "NULL",
    "NaN",
    "true",
    "-1",
    "1e5",
    "Größe",
    "日本語",
    "e\u{301}",
    "\u{feff}",
    "a\u{a0}b",
    "\\N",
    "=1+1",
    "word_NOUN",
];

/// A file with enough lines that a query takes some time.
pub(crate) fn large(lines: usize) -> Input {
    let words: Vec<String> = (0..20_000).map(|nth| format!("word{nth}")).collect();
    input((0..lines).map(|nth: usize| &*words[nth * 7919 % words.len()]))
}

/// The processes of an engine's groups that are alive.
pub(crate) fn alive(groups: &BTreeSet<u32>) -> Vec<String> {
    let stats = std::fs::read_dir("/proc").expect("/proc").flatten();
    let stats = stats.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    let of_group = |stat: &String| {
        // After the name: the state, the parent, the group.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        let (state, group) = (fields.next()?, fields.nth(1)?);
        Some(state != "Z" && groups.contains(&group.parse().ok()?))
    };
    stats.filter(|stat| of_group(stat) == Some(true)).collect()
}

pub(crate) fn groups(engine: &Engine) -> BTreeSet<u32> {
    engine.services().iter().map(|service| service.id()).collect()
}

/// Kills processes without a warning.
pub(crate) fn kill(processes: &[u32]) {
    for process in processes {
        let process = i32::try_from(*process).ok().and_then(Pid::from_raw).expect("a process");
        // One that has ended since is as good as killed.
        let _ = kill_process(process, Signal::KILL);
    }
}

/// The addresses on which processes accept connections, in the kernel's hexadecimal form.
pub(crate) fn listening(processes: &[u32]) -> Vec<String> {
    let links = processes.iter().filter_map(|it| std::fs::read_dir(format!("/proc/{it}/fd")).ok()).flatten().flatten();
    let sockets: BTreeSet<String> =
        links.filter_map(|link| Some(std::fs::read_link(link.path()).ok()?.to_string_lossy().into_owned())).collect();
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| std::fs::read_to_string(table).unwrap_or_default());
    let rows =
        tables.iter().flat_map(|table| table.lines().skip(1)).map(|row| row.split_whitespace().collect::<Vec<_>>());
    let ours = rows.filter(|row| row[3] == "0A" && sockets.contains(&format!("socket:[{}]", row[9])));
    ours.map(|row| row[1].split(':').next().unwrap_or_default().to_owned()).collect()
}

/// Whether an address of [`listening`] is 127.0.0.1, in IPv4 or mapped into IPv6, or ::1.
pub(crate) fn is_loopback(address: &str) -> bool {
    ["0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"].contains(&address)
}
