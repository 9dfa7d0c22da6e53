//! Checks that every exercise fails as shipped, for its own reason and with a helpful sentence, and names its solution.

use conformance::PROPERTIES;
use std::fs::read_to_string;
use std::path::Path;
use std::process::{Command, Output};
use strategies::Strategy;
use testbed::workspace;

/// For each exercise, the properties that it lacks and the words that the suite must print.
const LACKING: [(&str, &[&str], &[&str]); 3] = [
    (
        "static_split",
        // A strategy that splits in advance is exempt from the last two properties.
        &[
            "every job reports exactly once",
            "never more jobs in progress than workers",
            "jobs really overlap when there is more than one worker",
            "a failing partition fails the run by its number while the others still run",
            "a panicking partition does the same, and the workers survive it",
            "a partition whose worker process dies runs again, or fails the run by its number",
            "the same workers run again",
        ],
        &["stopped pulling jobs after 0", "must go on until `jobs.next()` returns `None`"],
    ),
    (
        "lock_held",
        &["jobs really overlap when there is more than one worker"],
        &["the workers take turns", "Is a lock held while a job runs?"],
    ),
    (
        "bounded_channel",
        &["jobs are pulled lazily"],
        &["nothing holds it back", "a channel or a queue without a bound?"],
    ),
];

fn conformance(number: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_conformance")).arg(number).output().expect("cargo has built it")
}

/// Returns the lines of the header.
fn header(strategy: &Strategy) -> Vec<&'static str> {
    let lines = strategy.source.lines().take_while(|line| line.starts_with("//!"));
    lines.map(|line| line.trim_start_matches("//!").trim()).collect()
}

/// Returns the file that solves an exercise, as named in the header.
fn solution(strategy: &Strategy) -> &'static str {
    let found = header(strategy).into_iter().find_map(|line| line.strip_prefix("Solved by: "));
    found.unwrap_or_else(|| panic!("{} does not say what solves it", strategy.name))
}

#[test]
fn every_exercise_fails_as_shipped_with_a_helpful_sentence() {
    assert!(exercises::ALL.iter().map(|exercise| exercise.name).eq(LACKING.iter().map(|(name, ..)| *name)));
    for (place, (name, properties, words)) in LACKING.iter().enumerate() {
        let output = conformance(&(place + 1).to_string());
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{said}");
        for (property, _) in PROPERTIES {
            let complaint = said.contains(&format!("{name}: not yet: {property}\n"));
            assert_eq!(complaint, properties.contains(&property), "{name}: {property}: {said}");
        }
        for words in *words {
            assert!(said.contains(words), "the suite does not tell {name} \"{words}\": {said}");
        }
        let hold = PROPERTIES.len() - properties.len();
        assert!(said.ends_with(&format!("{name}: {hold} of {} properties hold\n", PROPERTIES.len())), "{said}");
        assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"));
    }
}

#[test]
fn an_unknown_exercise_is_named_with_the_range_of_numbers() {
    let there = exercises::ALL.len();
    for number in [0, there + 1] {
        let output = conformance(&number.to_string());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1));
        assert!(said.contains(&format!("no exercise `{number}`; exercises have numbers from 1 to {there}")), "{said}");
    }
}

#[test]
fn every_exercise_has_a_strategy_header_and_one_place_to_edit() {
    for (place, exercise) in exercises::ALL.iter().enumerate() {
        let number = place + 1;
        let lines = header(exercise);
        let beginnings = [
            "".to_owned(),
            "".to_owned(),
            "Good when: ".to_owned(),
            "Bad when:  ".to_owned(),
            "In the trace: ".to_owned(),
            "".to_owned(),
            format!("Exercise {number}. "),
            format!("Try it: `just exercise {number}`"),
            "Solved by: strategies/src/catalogue/".to_owned(),
        ];
        assert_eq!(lines.len(), beginnings.len(), "{}: {lines:#?}", exercise.name);
        for (line, beginning) in lines.iter().zip(&beginnings) {
            assert!(
                line.starts_with(beginning.as_str()),
                "{}: \"{line}\" does not begin with \"{beginning}\"",
                exercise.name
            );
        }
        // Assembled, because this word in the source marks unfinished work.
        let hint = concat!("// TO", "DO: ");
        assert_eq!(exercise.source.matches(hint).count(), 1, "{} must show one place to work at", exercise.name);
    }
}

#[test]
fn every_exercise_names_a_solution_with_the_same_header() {
    for exercise in exercises::ALL {
        let path = solution(exercise);
        let text = read_to_string(workspace().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        let name = Path::new(path).file_stem().and_then(|name| name.to_str()).expect("a file's name");
        let solved = strategies::catalogue::find(name).unwrap_or_else(|| panic!("{name} is not in the catalogue"));
        assert_eq!(solved.source, text);
        assert_eq!(solved.header(), exercise.header(), "{} and {name}", exercise.name);
    }
}

#[test]
fn the_folder_of_exercises_contains_only_exercises() {
    let folder = std::fs::read_dir(workspace().join("exercises/src")).expect("the folder is there");
    let mut names: Vec<String> =
        folder.map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    let listed = exercises::ALL.iter().map(|exercise| format!("{}.rs", exercise.name));
    let mut expected: Vec<String> = listed.chain(["lib.rs".to_owned()]).collect();
    expected.sort_unstable();
    assert_eq!(names, expected);
}

#[test]
fn goldilocks_runs_an_exercise_like_any_strategy() {
    for (exercise, answers) in [("static_split", false), ("lock_held", true), ("bounded_channel", true)] {
        let output = Command::new(testbed::goldilocks())
            .args(["run", "--task", "count", "--increments", "100000", "--strategy", exercise, "--workers", "2"])
            .args(["--processes", "1"])
            .output()
            .expect("the binary was just built");
        let (said, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(if answers { 0 } else { 3 }), "{exercise}: {complaint}");
        match answers {
            true => assert!(said.contains("verified, the same as the baseline's"), "{exercise}: {said}"),
            false => assert!(complaint.contains("stopped pulling jobs"), "{exercise}: {complaint}"),
        }
    }
}
