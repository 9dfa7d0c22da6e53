//! Compares answers with those of awk and sort, and medians with those of criterion.

use crate::{Proofs, tests};
use anyhow::Result;
use proofs::crosscheck::{CELLS, compare};
use strategies::{Combine, Delivery, catalogue};

/// Compares word totals of 20 MB, sorted and shuffled, with awk and sort, for every strategy, number of workers, size,
/// delivery and combine.
pub(crate) fn prove(proofs: &mut Proofs) -> Result<()> {
    for (cores, test) in [("one core", "agreement_on_one_core"), ("two cores", "agreement_on_two_cores")] {
        let tested = tests(&["--release", "--package", "testbed", "--test", test, "--", "--ignored"])?;
        let holds = tested.success && tested.passed > 0;
        // 5 numbers of workers, 3 sizes, 2 files.
        let ways = catalogue::ALL.len() * 5 * 3 * Delivery::ALL.len() * Combine::APART.len() * 2;
        let found = if holds { "all" } else { "not all" };
        proofs.line(
            format!("word totals of 20 MB on {cores}, {ways} ways"),
            format!("{found} are byte for byte what awk and sort print"),
            "all",
            holds,
        );
    }
    Ok(())
}

/// Measures ten cells with our own harness and with criterion.
pub(crate) fn crosscheck(proofs: &mut Proofs) -> Result<()> {
    let agreements = compare(&CELLS, &mut |line| eprintln!("{line}"))?;
    for agreement in &agreements {
        proofs.line(
            format!("our median and criterion's, {}", agreement.cell),
            agreement,
            "within each other's interval, or within 3 %",
            agreement.holds(),
        );
    }
    let (holding, all) = (agreements.iter().filter(|agreement| agreement.holds()).count(), agreements.len());
    proofs.line("our medians and criterion's", format!("{holding} of {all} agree"), "all", holding == all);
    Ok(())
}
