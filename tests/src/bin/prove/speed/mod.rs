//! How fast, against what: each figure a ratio within one run by turns.

mod contests;
mod scaling;

use crate::Proofs;
use anyhow::{Result, bail};

/// A group of lines by its name on the command line.
type Group = (&'static str, fn(&mut Proofs) -> Result<()>);

const GROUPS: [Group; 6] = [
    ("kernels", contests::kernels),
    ("peers", contests::peers),
    ("count", contests::count),
    ("reduce", scaling::reduce),
    ("cut", scaling::cut),
    ("axes", scaling::axes),
];

/// All groups, or those that are asked for.
pub(crate) fn prove(proofs: &mut Proofs, asked: &[String]) -> Result<()> {
    if let Some(unknown) = asked.iter().find(|name| !GROUPS.iter().any(|(group, _)| group == name)) {
        let all: Vec<&str> = GROUPS.iter().map(|(group, _)| *group).collect();
        bail!("there is nothing about speed called `{unknown}`; there is {}", all.join(", "));
    }
    for (group, prove) in GROUPS {
        if asked.is_empty() || asked.iter().any(|name| name == group) {
            prove(proofs)?;
        }
    }
    Ok(())
}
