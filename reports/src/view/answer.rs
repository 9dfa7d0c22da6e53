//! The answer at the head of a task: which strategies, how many cores, which partition sizes, and whether to trust it.

use crate::analysis::TaskAnalysis;
use crate::analysis::conclusions::{Finding, Outcome};
use crate::analysis::results::CLOSE;
use crate::format;

/// One part of the answer: a question, the value in few words, and what to know about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What the part answers, in one or two words.
    pub question: &'static str,
    /// The value; a reader can act on it alone.
    pub value: String,
    /// The reason or the limits of the value; may be empty.
    pub note: String,
}

/// The parts of a task's answer: strategy, cores, partition size.
pub fn parts(task: &TaskAnalysis) -> Vec<Part> {
    let finding = &task.finding;
    let questions = ["Strategy", "Cores", "Partition size"];
    let answers = if finding.plain_loop_is_faster() {
        let best = finding.gain.map_or_else(String::new, |gain| format::sentence(format::speed_up(gain)));
        let loses = format!("{} only {best} its speed", reached(finding));
        [Some(("plain loop".into(), loses)), Some(("1".into(), String::new())), Some(("none".into(), String::new()))]
    } else {
        [strategy(task), cores(task), sizes(task)]
    };
    let parts = questions.into_iter().zip(answers).zip(open(task));
    let parts = parts.map(|((question, answer), open)| {
        let (value, note) = answer.unwrap_or_else(|| ("not decided".into(), open));
        Part { question, value, note }
    });
    parts.collect()
}

/// What is open about each part that is not decided, and what to do.
fn open(task: &TaskAnalysis) -> [String; 3] {
    let results = &task.results;
    let tried = |number: usize, name: &str| match number {
        0 => "none was measured".to_owned(),
        1 => format!("1 {name} was measured"),
        _ => format!("{} {name}s were measured", format::count(number as u64)),
    };
    let strategies = match results.strategies.len() {
        0 | 1 => tried(results.strategies.len(), "strategy"),
        several => format!("{} strategies were measured", format::count(several as u64)),
    };
    [
        why_undecided(&task.finding).map_or_else(String::new, |(why, cure)| format!("{why}: {cure}; {strategies}")),
        format!("no number is known to be enough; {}", tried(results.cores.len(), "number")),
        format!("no size is known to be safe; {}", tried(results.sizes.len(), "size")),
    ]
}

/// Why nothing is decided, and what to do. `None` if something is.
fn why_undecided(finding: &Finding) -> Option<(&'static str, &'static str)> {
    match finding.outcome {
        Outcome::NotMeasured => Some(("nothing was measured", "start a sweep")),
        Outcome::NoSoundCell => Some(("no strategy has a valid time", "see Failures")),
        Outcome::Overload => Some(("too much other load", "measure again when the machine is idle")),
        Outcome::TooFewBlocks => Some(("too few blocks", "measure more")),
        Outcome::Alone | Outcome::Fastest | Outcome::Tie | Outcome::AllTie => None,
    }
}

fn reached(finding: &Finding) -> String {
    match finding.leaders.as_slice() {
        [only] => format!("{only} reaches"),
        several => format!("the best {} strategies reach", several.len()),
    }
}

/// The answer as a sentence of its own. A strategy's name at its start stays as it is written.
pub fn sentence(finding: &Finding) -> String {
    match finding.leaders.first() {
        Some(first) if finding.headline.starts_with(first) => finding.headline.clone(),
        _ => format::capitalised(&finding.headline),
    }
}

/// The answer in a few words, for a list of tasks: `any of 3 strategies, 19.9×`.
pub fn short(finding: &Finding) -> String {
    let who = match finding.leaders.as_slice() {
        [] => return why_undecided(finding).map_or_else(String::new, |(why, _)| format!("not decided: {why}")),
        [only] => only.clone(),
        several => format!("any of {} strategies", several.len()),
    };
    let gain = finding.gain.map_or_else(String::new, |gain| format!(", {}", format::speed_up(gain).0));
    if finding.plain_loop_is_faster() {
        return format!("the plain loop ({who}{gain})");
    }
    let cores = finding.enough_cores.map_or_else(String::new, |cores| format!(" on {}", format::cores(cores)));
    format!("{who}{gain}{cores}")
}

fn strategy(task: &TaskAnalysis) -> Option<(String, String)> {
    let finding = &task.finding;
    let compared = format!(
        "compared on {} with {}",
        format::cores(finding.cores?),
        format::partitions(finding.size, &task.results.task.unit)
    );
    match finding.leaders.as_slice() {
        [] => None,
        [only] => Some((only.clone(), compared)),
        several => Some((format!("any of {}", several.len()), format!("{}; {compared}", several.join(", ")))),
    }
}

fn cores(task: &TaskAnalysis) -> Option<(String, String)> {
    let finding = &task.finding;
    let (enough, most) = (finding.enough_cores?, finding.cores?);
    let value = if enough < most {
        format!("{} of {}", format::count(enough.into()), format::count(most.into()))
    } else {
        format::count(enough.into())
    };
    let same = if task.results.task.grown.is_empty() { "" } else { " for the same work" };
    let longer = |(cores, times): (u32, f64)| {
        let verb = if cores == 1 { "takes" } else { "take" };
        format!("{} {verb} {}× as long{same}", format::cores(cores), format::digits(times))
    };
    let around: Vec<String> = finding.fewer_cores.into_iter().chain(finding.too_many_cores).map(longer).collect();
    Some((value, around.join(", ")))
}

fn sizes(task: &TaskAnalysis) -> Option<(String, String)> {
    let (finding, results) = (&task.finding, &task.results);
    let on = format::cores(finding.sizes_on?);
    if finding.good_sizes.is_empty() {
        let compared = format!("{} {}", format::count(finding.size), results.task.unit);
        return Some((compared, "as compared; no size is close to the best for all of them".into()));
    }
    let value = format!("{} {}", format::sizes(&finding.good_sizes, &results.sizes), results.task.unit);
    let note = match finding.sizes_tried {
        0 | 1 => "the only size measured".into(),
        tried => format!("within {} of the best of {tried} sizes on {on}", format::percent(CLOSE)),
    };
    Some((value, note))
}
