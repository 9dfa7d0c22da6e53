//! Each row of the README's table of the book's listings runs as it stands there, and shows what it says.

use std::collections::BTreeMap;
use std::process::{Command, Output};
use testbed::sandbox::Sandbox;

/// What the output of each listing must contain.
const SHOWN: [(&str, &str); 13] = [
    ("5.13", "made 1\nused 1\nmade 2\nused 2\n"),
    ("5.14", "made 1 after a wait\nused 1\nmade 2 after a wait\nused 2\n"),
    ("5.15", "stream: 1000 rows, product 1 to product 1000\n"),
    ("5.16", "forward and fetch: 100 rows, product 501 to product 600\n"),
    ("5.17", "take: 5 rows, product 1 to product 5\n"),
    ("6.1", "count in 2 calls"),
    ("6.2", "apply  each call, before the next begins"),
    ("6.3", "apply_async  each handle, in the order of calls"),
    ("6.4", "count in 5 calls by processes"),
    ("6.5", "gather        all results together"),
    ("6.6", "most frequent word: `count` (4)\n  answer: verified"),
    ("6.7", "word_totals baseline"),
    ("6.8", "word_totals processes"),
];

/// The table of the README: each listing with its command.
fn table() -> Vec<(String, String)> {
    let readme = std::fs::read_to_string(testbed::workspace().join("README.md")).expect("the README is there");
    let (_, section) = readme.split_once("### The book's listings here\n").expect("the README has this section");
    let rows = section.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    rows.take_while(|line| line.starts_with('|'))
        .map(|line| {
            let columns: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            let [listing, _, command] = columns[..] else { panic!("three columns: {line}") };
            (listing.to_owned(), command.trim_matches('`').to_owned())
        })
        .collect()
}

/// Runs a command of the README: an example, or the program with few processes and samples.
fn run(sandbox: &Sandbox, command: &str) -> Output {
    let words: Vec<&str> = command.split(' ').collect();
    let mut ready = match words[..] {
        ["cargo", "run", "-p", package, "--example", example] => Command::new(testbed::example(package, example)),
        ["just", "goldilocks", task, ..] => {
            let mut program = sandbox.goldilocks();
            program.args(&words[2..]).args(["--data", "data"]);
            if task == "run" {
                program.args(["--processes", "1", "--samples", "1"]);
            }
            program
        }
        _ => panic!("`{command}` is neither an example nor `just goldilocks`"),
    };
    ready.output().unwrap_or_else(|error| panic!("{command}: {error}"))
}

#[test]
fn every_listing_of_the_book_has_a_command_that_runs() {
    let sandbox = Sandbox::default();
    let table = table();
    let listings: Vec<&str> = table.iter().map(|(listing, _)| listing.as_str()).collect();
    assert_eq!(listings, SHOWN.map(|(listing, _)| listing));
    let mut outputs: BTreeMap<&str, String> = BTreeMap::new();
    for ((listing, command), (_, shown)) in table.iter().zip(SHOWN) {
        let output = outputs.entry(command).or_insert_with(|| {
            let ran = run(&sandbox, command);
            assert!(ran.status.success(), "{listing}: {command}: {}", String::from_utf8_lossy(&ran.stderr));
            String::from_utf8_lossy(&ran.stdout).into_owned()
        });
        assert!(output.contains(shown), "{listing}: {command} does not show {shown:?}:\n{output}");
    }
}

/// The recipe that the README's commands name passes its arguments on.
#[test]
fn the_recipe_of_the_commands_exists() {
    let recipes = std::fs::read_to_string(testbed::workspace().join("justfile")).expect("the justfile is there");
    assert!(recipes.lines().any(|line| line.starts_with("goldilocks *")), "`just goldilocks` is gone");
}
