//! Refuses ways to keep a total that nothing in a measurement has.

use super::exit::Exit;
use crate::plan::cells::fits;
use anyhow::Result;
use strategies::Combine;

/// Returns an error if one of `combines` fits none of the tasks with any of the strategies.
pub(super) fn refuse_states(
    combines: &[Combine],
    tasks: &[impl AsRef<str>],
    strategies: &[impl AsRef<str>],
) -> Result<()> {
    let fits_any = |combine: &Combine| {
        let with = |task: &str| strategies.iter().any(|strategy| fits(task, strategy.as_ref(), *combine));
        tasks.iter().any(|task| with(task.as_ref()))
    };
    let Some(combine) = combines.iter().find(|combine| !fits_any(combine)) else { return Ok(()) };
    let has = |entry: &&tasks::Entry| entry.hooks.states.contains(combine);
    let having: Vec<&str> = tasks::ALL.iter().filter(has).map(|entry| entry.name).collect();
    let sentence = match tasks.iter().any(|task| having.contains(&task.as_ref())) {
        true => format!("only workers that share memory can share `{combine}`; name a strategy of threads"),
        false => format!("no task of this measurement can keep its total in `{combine}`; {} can", having.join(" and ")),
    };
    Err(Exit::Usage.error(sentence))
}
