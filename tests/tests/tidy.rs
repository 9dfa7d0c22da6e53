//! Rules for the files of the project: every file is formatted, listed, introduced and finished.

use std::collections::BTreeSet;
use std::fs::read_to_string;
use std::process::Command;
use testbed::workspace;

/// Every file of the project, relative to the workspace's folder. Files that are new to git are included.
fn files() -> Vec<String> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(workspace())
        .output()
        .expect("git is installed");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let names = String::from_utf8(listed.stdout).expect("names are text");
    // git lists a deleted file until the deletion is committed.
    names.lines().filter(|name| workspace().join(name).is_file()).map(str::to_owned).collect()
}

/// Every text file of the project: its text and its name.
fn texts() -> Vec<(String, String)> {
    let texts = files().into_iter().filter_map(|name| Some((read_to_string(workspace().join(&name)).ok()?, name)));
    texts.map(|(text, name)| (name, text)).collect()
}

#[test]
fn the_catalogue_lists_the_files_of_its_folder() {
    let files: BTreeSet<String> = files().into_iter().collect();
    let in_folder = files.iter().filter_map(|name| name.strip_prefix("strategies/src/catalogue/")?.strip_suffix(".rs"));
    let in_folder: BTreeSet<&str> = in_folder.filter(|name| *name != "mod").collect();
    let listed: BTreeSet<&str> = strategies::catalogue::ALL.iter().map(|strategy| strategy.name).collect();
    assert_eq!(in_folder, listed);
    assert_eq!(listed.len(), strategies::catalogue::ALL.len(), "nothing is listed twice");
}

#[test]
fn every_strategy_begins_with_the_same_four_lines() {
    for strategy in strategies::catalogue::ALL {
        let beginnings = ["//! ", "//!", "//! Good when: ", "//! Bad when:  ", "//! In the trace: ", ""];
        for (line, beginning) in strategy.source.lines().zip(beginnings) {
            let whole = beginning.ends_with(' ');
            let fits = if whole {
                line.starts_with(beginning) && line.trim_end_matches(')').ends_with('.')
            } else {
                line == beginning
            };
            assert!(fits, "{}: \"{line}\" should begin with \"{beginning}\" and be a sentence", strategy.name);
        }
    }
}

#[test]
fn the_libraries_of_a_strategy_are_those_that_its_package_depends_on() {
    let manifest = read_to_string(workspace().join("strategies/Cargo.toml")).expect("the package has a manifest");
    for strategy in strategies::catalogue::ALL {
        for library in strategy.libraries() {
            assert!(manifest.contains(&format!("\n{library}.workspace")), "{}: {library}", strategy.name);
        }
        // Only imports at the start of a line are counted.
        let hidden = strategy.source.lines().find(|line| line.starts_with(' ') && line.trim().starts_with("use "));
        assert_eq!(hidden, None, "{}", strategy.name);
    }
    let of = |name| strategies::catalogue::find(name).expect("it is in the catalogue").libraries();
    assert_eq!(of("rayon"), ["rayon"]);
    assert_eq!(of("async_std"), ["async-std"]);
    assert_eq!(of("tokio_rayon"), ["rayon", "tokio"]);
    assert_eq!(of("processes"), [""; 0]);
}

#[test]
fn a_default_sweep_has_the_nine_usual_strategies() {
    let usual: Vec<&str> = strategies::catalogue::usual().iter().map(|strategy| strategy.name).collect();
    let readme = read_to_string(workspace().join("README.md")).expect("there is one");
    let names: Vec<String> = usual.iter().map(|name| format!("`{name}`")).collect();
    let (last, others) = names.split_last().expect("there are some");
    let listed = format!("The strategies are {} and {last}, and for a comparison on all cores", others.join(", "));
    let one_line = readme.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(one_line.contains(&listed), "README does not say: {listed}");
    assert_eq!(usual.len(), 9);
}

#[test]
fn a_strategy_fits_on_two_pages() {
    for strategy in strategies::catalogue::ALL {
        let code = strategy.source.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
        assert!(code.count() <= 80, "{} has more than 80 lines of code", strategy.name);
    }
}

#[test]
fn every_file_is_formatted() {
    // Every file is named, because rustfmt does not follow `mod` lines inside a macro.
    let sources = files().into_iter().filter(|name| name.ends_with(".rs"));
    let formatted = Command::new("rustfmt")
        .args(["--edition", "2024", "--check", "-l"])
        .args(sources)
        .current_dir(workspace())
        .output()
        .expect("rustfmt is installed with Rust");
    let unformatted = String::from_utf8_lossy(&formatted.stdout);
    assert!(formatted.status.success(), "`just fmt` would change these:\n{unformatted}");
}

#[test]
fn nothing_is_left_unfinished_but_the_exercises() {
    // The words are assembled here, so that this file does not contain them.
    let words = [("TO", "DO"), ("FIX", "ME"), ("XX", "X"), ("db", "g!("), ("to", "do!("), ("unimple", "mented!(")]
        .map(|(a, b)| [a, b].concat());
    for (name, text) in texts().iter().filter(|(name, _)| !name.starts_with("exercises/") && name != "Cargo.lock") {
        for (number, line) in text.lines().enumerate() {
            let found = words.iter().find(|word| line.contains(word.as_str()));
            assert!(found.is_none(), "{name}:{}: {line}", number + 1);
        }
    }
}

#[test]
fn no_file_knows_the_machine_it_was_written_on() {
    let folders = ["work", "root", "home", "Users"].map(|folder| format!("/{folder}/"));
    for (name, text) in texts() {
        for (number, line) in text.lines().enumerate() {
            let found = folders.iter().find(|folder| line.contains(folder.as_str()));
            assert!(found.is_none(), "{name}:{}: {line}", number + 1);
        }
    }
}

/// `println!` panics when its reader has gone away. Examples, tests and proofs may do that; the product may not.
#[test]
fn only_the_printing_module_prints() {
    let is_root = |name: &str| {
        let own = !name.starts_with("tests/") || name.starts_with("tests/conformance/");
        own && (name.ends_with("src/lib.rs") || name.ends_with("src/main.rs")) && !name.contains("fuzz/")
    };
    let roots: Vec<(String, String)> = texts().into_iter().filter(|(name, _)| is_root(name)).collect();
    assert!(roots.len() >= 14, "{roots:?}");
    for (name, text) in roots {
        assert!(text.contains("#![deny(clippy::print_stdout, clippy::print_stderr)]"), "{name}");
    }
}
