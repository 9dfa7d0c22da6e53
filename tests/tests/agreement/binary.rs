//! Word totals from the command line.

use super::{Case, KERNELS, Kernel};
use std::process::Command;
use strategies::{Combine, Delivery};

/// Tries every strategy on `cores` cores, each with different workers, sizes, deliveries, combines and kernels.
pub(crate) fn run(case: &Case, cores: usize) {
    let cores = cores.min(harness::machine::processors().len());
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let output = folder.path().join("totals.tsv");
    for (turn, strategy) in strategies::catalogue::ALL.iter().enumerate() {
        let kernel = match KERNELS[(turn + turn / 3) % KERNELS.len()] {
            Kernel::Book => "book",
            Kernel::Bytes => "bytes",
            Kernel::Runs => "runs",
        };
        let arguments = [
            ("--task", "word_totals".to_owned()),
            ("--input", case.path.display().to_string()),
            ("--strategy", strategy.name.to_owned()),
            ("--output", output.display().to_string()),
            ("--cores", cores.to_string()),
            ("--workers", [cores, 3, 8][turn % 3].to_string()),
            ("--size", [60_000, 1_000_000_000, 1_000][turn / 3 % 3].to_string()),
            ("--delivery", Delivery::ALL[turn % 3].name().to_owned()),
            ("--combine", Combine::APART[turn / 2 % 4].name().to_owned()),
            ("--kernel", kernel.to_owned()),
            ("--samples", "1".to_owned()),
            ("--processes", "1".to_owned()),
        ];
        let mut goldilocks = Command::new(testbed::goldilocks());
        goldilocks.arg("run");
        for (name, value) in &arguments {
            goldilocks.args([name, value.as_str()]);
        }
        let ran = goldilocks.output().expect("the binary was just built");
        let complaint = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{}, {arguments:?}: {complaint}", case.name);
        let totals = std::fs::read(&output).expect("the binary has written its output");
        case.check(&totals, &format!("{arguments:?}"));
        std::fs::remove_file(&output).expect("it is there");
    }
}
