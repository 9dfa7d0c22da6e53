//! How fast, against what: each figure a ratio within one run by turns.

mod bounds;
mod contests;
mod scaling;

use crate::Proofs;
use anyhow::{Context, Result, bail};
use std::process::Command;

/// A group of lines by its name on the command line.
type Group = (&'static str, fn(&mut Proofs) -> Result<()>);

const GROUPS: [Group; 11] = [
    ("kernels", contests::kernels),
    ("peers", contests::peers),
    ("count", contests::count),
    ("reduce", scaling::reduce),
    ("cut", scaling::cut),
    ("axes", scaling::axes),
    ("strategies", bounds::strategies),
    ("memory", bounds::memory),
    ("limit", bounds::limit),
    ("slope", bounds::slope),
    ("fuzz", bounds::fuzz),
];

/// All groups, each in a process of its own, so that none is taken for what another left behind; or those asked for, in
/// this one.
pub(crate) fn prove(proofs: &mut Proofs, asked: &[String]) -> Result<()> {
    if let Some(unknown) = asked.iter().find(|name| !GROUPS.iter().any(|(group, _)| group == name)) {
        let all: Vec<&str> = GROUPS.iter().map(|(group, _)| *group).collect();
        bail!("there is nothing about speed called `{unknown}`; there is {}", all.join(", "));
    }
    for (group, prove) in GROUPS {
        if asked.is_empty() {
            let status = Command::new(std::env::current_exe()?).args(["speed", group]).status();
            proofs.all_hold &= status.context("cannot start this program again")?.success();
        } else if asked.iter().any(|name| name == group) {
            prove(proofs)?;
        }
    }
    Ok(())
}
