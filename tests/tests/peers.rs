//! Other programs at the same job. Their totals are checked, and an absent or wrong program is reported as such.

use harness::peers::{ALL, Contest};
use record::{Peer, Role};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use testbed::{goldilocks, workspace};

/// Runs a contest between the programs `names` on the sample file, with the given Python.
fn contest(names: &[&str], python: impl Into<PathBuf>) -> Vec<Peer> {
    let contest = Contest {
        file: workspace().join("datasets/sample/1grams.tsv"),
        goldilocks: goldilocks().to_owned(),
        python: python.into(),
        programs: ALL.iter().copied().filter(|program| names.contains(&program.name)).collect(),
        threads: vec![1],
        processors: harness::machine::processors(),
        rounds: 2,
        long: Duration::from_secs(10),
        digest: None,
    };
    assert_eq!(contest.programs.len(), names.len(), "every name is known");
    contest.run(&|_| ()).expect("our own totals can be had")
}

#[test]
fn floors_and_our_own_side_have_the_requested_number_of_runs() {
    let peers = contest(&["line_count", "byte_sum", "runs_map", "runs_pread"], "/nowhere/python");
    let roles: Vec<Role> = peers.iter().map(|peer| peer.role).collect();
    assert_eq!(roles, [Role::Floor, Role::Floor, Role::Own, Role::Own]);
    for peer in peers {
        assert_eq!((&*peer.reason, peer.runs.len()), ("", 2), "{}", peer.name);
        assert!(peer.runs.iter().all(|run| run.wall_ns > 0 && run.start_ns > 0 && run.peak_memory_bytes > 0));
    }
}

#[test]
fn an_absent_program_is_reported_as_absent_and_has_no_time() {
    for peer in contest(&["python", "duckdb"], "/nowhere/python") {
        assert!(peer.reason.starts_with("absent: /nowhere/python: "), "{}", peer.reason);
        assert!(peer.runs.is_empty());
    }
}

/// Writes a shell script in place of Python. Its arguments are the script, the file, the threads and possibly the output.
fn pretended(folder: &Path, line: &str) -> PathBuf {
    let path = folder.join("python");
    std::fs::write(&path, format!("#!/bin/sh\ntest \"$1\" = --version && echo 9.9 && exit\n{line}\n"))
        .expect("a script");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("it may be run");
    path
}

#[test]
fn a_program_with_other_totals_than_ours_has_no_time() {
    let folder = tempfile::tempdir().unwrap();
    let right = "196\\t9999";
    for (line, reason) in [
        (format!("printf '{right}\\n'"), "it printed `196\t9999` and not `"),
        ("echo no memory >&2; exit 3".to_owned(), "it failed: no memory"),
    ] {
        let peers = contest(&["python"], pretended(folder.path(), &line));
        assert_eq!(peers[0].version, "9.9");
        assert!(peers[0].reason.starts_with(reason) && peers[0].runs.is_empty(), "{}", peers[0].reason);
    }
    // This program prints correct sums and writes wrong words.
    let own = format!("{} whole --input \"$3\"; test -z \"$5\" || echo 'word\t1' > \"$5\"", goldilocks().display());
    let peers = contest(&["python"], pretended(folder.path(), &own));
    assert_eq!((&*peers[0].reason, peers[0].runs.len()), ("its totals differ from ours", 0));
}
