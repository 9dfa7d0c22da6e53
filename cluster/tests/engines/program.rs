//! The program `goldilocks-cluster`: what it prints for the record.

use crate::support::{UNUSUAL, input, installed};
use record::Peer;
use std::path::Path;
use std::process::{Command, Output};

fn measure(engine: &str, installed: &Path, input: &Path, expected: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_goldilocks-cluster"))
        .args(["measure", engine, "--cores", "1,2", "--rounds", "2", "--deadline", "60", "--installed", "."])
        // A relative path, though engines run in a folder of their own.
        .current_dir(installed)
        .arg("--input")
        .arg(input)
        .arg("--first-line")
        .arg(input)
        .arg("--expected")
        .arg(expected)
        .output()
        .expect("the program starts")
}

fn peers(output: &Output) -> Vec<Peer> {
    let text = String::from_utf8_lossy(&output.stdout);
    let peers = text.lines().map(|line| serde_json::from_str(line).expect("a peer")).collect();
    assert!(output.status.success(), "{output:?}");
    peers
}

#[test]
fn an_engine_is_a_peer_with_its_start_and_first_query_apart() {
    let input = input(UNUSUAL.iter().copied().cycle().take(1000));
    let folder = tempfile::tempdir().expect("a folder");
    let expected = folder.path().join("expected");
    std::fs::write(&expected, &input.totals).expect("written");
    let measured = peers(&measure("sail", &installed(), &input.path, &expected));
    assert_eq!(measured.iter().map(|peer| peer.threads).collect::<Vec<_>>(), [1, 2]);
    for peer in &measured {
        assert_eq!((&*peer.reason, &*peer.name, &*peer.version), ("", "sail", "0.7.2"));
        let queries = peer.queries.as_ref().expect("an engine");
        assert!(queries.start_ns > Some(0) && queries.first_ns > Some(0) && queries.repeated == 0);
        assert_eq!((queries.workers_ns.len(), peer.runs.len()), (1, 2));
        assert!(peer.runs.iter().all(|run| run.wall_ns > 0 && run.start_ns > 0 && run.peak_memory_bytes > 0));
    }

    std::fs::write(&expected, "word\t1\n").expect("written");
    for peer in peers(&measure("sail", &installed(), &input.path, &expected)) {
        assert_eq!((&*peer.reason, peer.runs.len()), ("its totals differ from ours", 0));
    }
    for (engine, what) in [("sail", "Sail is not installed"), ("spark", "Spark is not installed")] {
        for peer in peers(&measure(engine, folder.path(), &input.path, &expected)) {
            assert!(peer.reason.contains(what) && peer.runs.is_empty() && peer.is_engine(), "{}", peer.reason);
        }
    }
}

#[test]
fn a_wrong_command_line_is_refused() {
    for arguments in [&["measure", "hadoop"][..], &["measure", "sail", "--cores", "0"], &[]] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_goldilocks-cluster")).args(arguments).output().expect("it starts");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}
