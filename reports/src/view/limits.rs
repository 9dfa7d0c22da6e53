//! What a reader may not conclude: first what this run showed, then what holds for every run.

use crate::analysis::Analysis;

/// Claims that the data do not support, under one head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The reason why these claims stand together.
    pub head: &'static str,
    /// Each claim, and the reason against it with the sign before it.
    pub claims: Vec<(String, String)>,
}

/// The caveats that hold for every run, by name.
const ALWAYS: [&str; 6] = ["more_cores", "background_load", "other_machines", "other_data", "best_sizes", "all_tasks"];

/// The caveats of the analysis in groups. A group without a caveat is left out.
pub fn limits(analysis: &Analysis) -> Vec<Limits> {
    let (always, fired): (Vec<_>, Vec<_>) = analysis.caveats.iter().partition(|it| ALWAYS.contains(&it.about));
    let heads = ["Because of what happened in this run", "Because one run never shows it"];
    let groups = heads.into_iter().zip([fired, always]);
    let groups = groups.map(|(head, caveats)| Limits {
        head,
        claims: caveats.into_iter().map(|caveat| parts(&caveat.sentence)).collect(),
    });
    groups.filter(|group| !group.claims.is_empty()).collect()
}

/// Cuts a caveat after the claim, before the reason.
fn parts(sentence: &str) -> (String, String) {
    let ends = [": ", ". "].iter().filter_map(|end| sentence.find(end));
    let cut = ends.min().unwrap_or(sentence.trim_end_matches('.').len());
    (sentence[..cut].to_owned(), sentence[cut..].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_ends_before_its_reason() {
        assert_eq!(
            parts("That all is well: it was not checked."),
            ("That all is well".into(), ": it was not checked.".into())
        );
        assert_eq!(parts("Anything about one at 3.1 GHz."), ("Anything about one at 3.1 GHz".into(), ".".into()));
    }
}
