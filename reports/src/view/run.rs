//! The origin of the figures: the run, the machine and its checks.

use crate::analysis::Analysis;
use crate::analysis::environment::{Alarm, Environment, subject};
use crate::format::{self, NONE};
use crate::view::table::{Entry, Row, Table};
use record::{Check, Verdict};

/// The run in one line: machine, cores, samples, date.
pub fn subtitle(analysis: &Analysis) -> String {
    let environment = &analysis.environment;
    let (run, machine) = (&environment.run, &environment.run.machine);
    let mut parts = vec![
        machine.processor.clone(),
        format!("{} available", format::cores(machine.cores_available)),
        format!("{} samples", format::count(environment.samples as u64)),
    ];
    if environment.failed > 0 {
        parts.push(format!("{} not verified", format::count(environment.failed as u64)));
    }
    parts.push(run.began.clone());
    parts.join(" · ")
}

/// The origin of the figures: names and values.
pub fn provenance(analysis: &Analysis) -> Vec<(String, String)> {
    let environment = &analysis.environment;
    let (run, machine) = (&environment.run, &environment.run.machine);
    let listed = |numbers: &[u32]| numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    let mut rows: Vec<(String, String)> = [
        ("run", run.id.clone()),
        ("began", run.began.clone()),
        ("ended", environment.ended.as_ref().map_or_else(|| "no end recorded".into(), |ended| ended.at.clone())),
        ("program", run.program.clone()),
        ("build", format!("{} · {}", machine.profile, machine.compiler)),
        ("record format", run.version.to_string()),
        ("seed of the order", run.seed.to_string()),
        ("time allowed", format::time(run.budget_s * 1e9)),
        ("cores planned", listed(&run.cores)),
        (
            "processors, in the order in which cells get them",
            if run.processors.is_empty() { "not recorded".into() } else { listed(&run.processors) },
        ),
        ("processor", machine.processor.clone()),
        ("cores", format!("{} available, {} online", machine.cores_available, machine.cores_online)),
        ("memory", format::memory(machine.memory_bytes as f64)),
        ("kernel", machine.kernel.clone()),
        ("system", machine.system.clone()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    if machine.nodes.iter().any(|node| *node != machine.nodes[0]) {
        rows.push(("NUMA nodes of these processors".into(), listed(&machine.nodes)));
    }
    let shares = machine.input_nodes.iter().enumerate();
    let shares = shares.map(|(node, share)| format!("{} on {node}", format::percent(*share)));
    if !machine.input_nodes.is_empty() {
        rows.push(("NUMA nodes of the input file".into(), shares.collect::<Vec<_>>().join(", ")));
    }
    rows.extend(machine.notes.iter().map(|(name, value)| (name.clone(), value.clone())));
    rows
}

/// The alarm in few words: `These figures mislead`, and `swapped-out memory, turbo and 2 others`.
pub fn alarm_in_short(alarm: &Alarm) -> (&str, String) {
    (alarm.headline.split(':').next().unwrap_or_default(), format::names(&alarm.subjects()))
}

/// The heads of the banners in one text, and all banners. The text alone if it has everything.
pub fn banners(analysis: &Analysis) -> (String, Vec<&str>) {
    let sentences: Vec<&str> = analysis.banners.iter().map(|banner| &*banner.sentence).collect();
    // Details follow after a colon, a semicolon, or in a second sentence.
    let head = |sentence: &&str| {
        let end = [": ", "; ", ". "].iter().filter_map(|sign| sentence.find(sign)).min();
        format!("{}.", sentence[..end.unwrap_or(sentence.len())].trim_end_matches('.'))
    };
    let heads = sentences.iter().map(head).collect::<Vec<_>>().join(" ");
    if heads == sentences.join(" ") { (heads, Vec::new()) } else { (heads, sentences) }
}

/// The alarm's entries: each check with its subject and its moments, and its sentence.
pub fn alarm_entries(environment: &Environment) -> Vec<(String, &str)> {
    let entries = environment.alarm.iter().flat_map(|alarm| &alarm.entries);
    let entry = |(check, moments): &'_ (Check, Vec<&str>)| {
        let about = Some(subject(&check.name)).filter(|about| *about != check.name);
        let about = about.map_or_else(String::new, |about| format!(" ({about})"));
        format!("{}{about}, {} measuring", check.name, moments.join(" and "))
    };
    entries.map(|it| (entry(it), &*it.0.sentence)).collect()
}

/// Every check with its verdict before and after measuring; `None` if nothing was checked.
pub fn checks(environment: &Environment) -> Option<Table> {
    let mut names: Vec<&str> = Vec::new();
    for check in environment.checks().into_iter().flat_map(|(_, checks)| checks) {
        if !names.contains(&check.name.as_str()) {
            names.push(&check.name);
        }
    }
    let row = |name: &str| {
        let found = environment.checks().map(|(moment, checks)| (moment, checks.iter().find(|it| it.name == name)));
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
        let leads = worst.is_some_and(|worst| worst >= Verdict::Warn);
        Row { name: name.into(), leads, entries, ..Row::default() }
    };
    (!names.is_empty()).then(|| Table {
        caption: "Checks of the machine and the build before the first sample and after the last one.".into(),
        columns: vec!["check", "before", "after", "what was seen"],
        rows: names.into_iter().map(row).collect(),
    })
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "ok",
        Verdict::Unknown => "not known",
        Verdict::Warn => "warning",
        Verdict::Refuse => "refused",
    }
}
