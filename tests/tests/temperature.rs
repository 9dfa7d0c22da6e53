//! Warm and cold files: the record states correctly how much of the file was in memory.

use std::process::Command;
use testbed::{goldilocks, workspace};

/// The share of the file that was in memory before each sample.
fn resident(options: &[&str]) -> Vec<f64> {
    let data = workspace().join("datasets/generated");
    let ran = Command::new(goldilocks())
        .args(["run", "--task", "word_totals", "--strategy", "threads_shared", "--samples", "2", "--json"])
        .args(["--processes", "1"])
        .args(["--grams", "3MB,words=1000,zipf=1.3,shuffled", "--data"])
        .arg(data)
        .args(options)
        .output()
        .expect("the binary was just built");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let told: serde_json::Value = serde_json::from_slice(&ran.stdout).expect("--json gives JSON");
    assert_eq!(told["answer"][0][1], "1000", "distinct words");
    let samples = told["samples"].as_array().expect("samples are a list");
    samples.iter().map(|sample| sample["resident"].as_f64().expect("it is told")).collect()
}

#[test]
fn a_file_is_in_memory_before_each_sample_unless_it_is_to_be_cold() {
    for options in [&["--cold"][..], &[], &["--cold", "--combine", "sharded"]] {
        let cold = options.contains(&"--cold");
        let resident = resident(options);
        assert_eq!(resident.len(), 2);
        assert!(
            resident.iter().all(|part| if cold { *part <= 0.01 } else { *part >= 0.99 }),
            "{options:?}: {resident:?}"
        );
    }
}

#[test]
fn a_file_that_is_mapped_cannot_be_cold_and_the_error_says_what_to_do() {
    let data = workspace().join("datasets/generated");
    let ran = Command::new(goldilocks())
        .args(["run", "--task", "word_totals", "--strategy", "rayon", "--cold", "--read", "map"])
        .args(["--grams", "3MB,words=2000", "--data"])
        .arg(data)
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&ran.stderr);
    assert!(
        !ran.status.success() && complaint.contains("stay in memory") && complaint.contains("--read pread"),
        "{complaint}"
    );
}
