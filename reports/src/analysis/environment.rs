//! What was checked of the machine and the build: an alarm for the head of the page, and a table of everything.

use crate::view::format::NONE;
use crate::view::table::{Entry, Row, Table};
use record::Record;
use record::{Check, Verdict};

/// Checks that did not come out well, for the head of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// How many there are, and what that means.
    pub headline: String,
    /// For each: its name, and what was seen and what cures it.
    pub entries: Vec<(String, String)>,
}

/// The checks that warn or refuse, refusals first; `None` if there are none.
pub fn alarm(record: &Record) -> Option<Alarm> {
    let mut bad: Vec<(&Check, Vec<&str>)> = Vec::new();
    for (moment, checks) in moments(record) {
        for check in checks.iter().filter(|check| check.verdict >= Verdict::Warn) {
            match bad.iter_mut().find(|(other, _)| *other == check) {
                Some((_, seen)) => seen.push(moment),
                None => bad.push((check, vec![moment])),
            }
        }
    }
    bad.sort_by_key(|(check, _)| std::cmp::Reverse(check.verdict));
    let refused = bad.iter().any(|(check, _)| check.verdict == Verdict::Refuse);
    let headline = match (bad.len(), refused) {
        (0, _) => return None,
        (_, true) => "These figures mislead: the machine or the build was not fit to measure with.",
        (_, false) => "These figures may be off: the machine or the build was not in order.",
    };
    let entry = |(check, seen): (&Check, Vec<&str>)| {
        (format!("{}, {} measuring", check.name, seen.join(" and ")), check.sentence.clone())
    };
    Some(Alarm { headline: headline.into(), entries: bad.into_iter().map(entry).collect() })
}

/// Every check with what came out before and after measuring; `None` if nothing was checked.
pub fn table(record: &Record) -> Option<Table> {
    let mut names: Vec<&str> = Vec::new();
    for check in moments(record).into_iter().flat_map(|(_, checks)| checks) {
        if !names.contains(&check.name.as_str()) {
            names.push(&check.name);
        }
    }
    let row = |name: &str| {
        let found = moments(record).map(|(moment, checks)| (moment, checks.iter().find(|check| check.name == name)));
        let mut sentences: Vec<String> = Vec::new();
        for (moment, check) in found {
            let Some(check) = check else { continue };
            if !sentences.contains(&check.sentence) {
                let again = !sentences.is_empty();
                sentences.push(if again { format!("{moment}: {}", check.sentence) } else { check.sentence.clone() });
            }
        }
        let mut entries: Vec<Entry> =
            found.map(|(_, check)| Entry::bare(check.map_or(NONE, |check| word(check.verdict)))).into();
        entries.push(Entry::bare(sentences.join(" ")));
        let worst = found.iter().filter_map(|(_, check)| Some(check.as_ref()?.verdict)).max();
        Row {
            name: name.into(),
            remark: String::new(),
            leads: worst.is_some_and(|worst| worst >= Verdict::Warn),
            entries,
        }
    };
    (!names.is_empty()).then(|| Table {
        caption: "What was checked of the machine and the build before the first sample and after the last one.".into(),
        columns: vec!["check", "before", "after", "what was seen"],
        rows: names.into_iter().map(row).collect(),
    })
}

fn moments(record: &Record) -> [(&'static str, &[Check]); 2] {
    let after = record.ended.as_ref().map_or(&[][..], |ended| &ended.checks);
    [("before", &record.run.checks), ("after", after)]
}

/// A verdict in a word.
fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "ok",
        Verdict::Unknown => "not known",
        Verdict::Warn => "warning",
        Verdict::Refuse => "refused",
    }
}
