//! Records from elsewhere: hostile text in every field, and values that no run has.

mod synthetic;

use record::{BASELINE, Record};
use reports::analysis::Analysis;
use reports::comparison::compare;
use reports::render::{bmf, comparison, csv, html, json, markdown};
use reports::render::{terminal, wrap::Look};
use serde_json::{Value, json};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;
use std::sync::mpsc::channel;
use std::time::Duration;
use synthetic::Synthetic;

/// A small record with every kind of line.
fn small() -> Record {
    let mut record = Synthetic { sizes: 1, blocks: 6, samples: 1, trouble: true, ..Synthetic::default() }.record();
    let strategies = [BASELINE, "rayon", "processes", "async_std"];
    record.run.tasks.retain(|task| task.name == "word_totals");
    record.run.strategies.retain(|strategy| strategies.contains(&&*strategy.name));
    record.samples.retain(|sample| {
        sample.cell.task == "word_totals" && strategies.contains(&&*sample.cell.strategy) && sample.cell.size != 600
    });
    record.skipped = vec![record::Skipped { task: "cursor_pages".into(), reason: "no server".into() }];
    record.peers = synthetic::peers();
    record.traces = synthetic::traces(&record);
    record.traces.retain(|trace| strategies.contains(&&*trace.cell.strategy));
    record
}

fn values(record: &Record) -> Vec<Value> {
    synthetic::lines(record).lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

fn text(values: &[Value]) -> String {
    values.iter().map(|value| format!("{value}\n")).collect()
}

fn read(text: &[u8]) -> record::Result<Record> {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("run.jsonl");
    std::fs::write(&path, text).expect("a temporary file can be written");
    record::read(&path)
}

static SOUND: LazyLock<Analysis> = LazyLock::new(|| Analysis::new(&small()));

/// Everything that is made from a record.
fn all_of(record: &Record) -> Vec<String> {
    let analysis = Analysis::new(record);
    let compared = compare(&analysis, &SOUND);
    vec![
        html::page(&analysis).expect("a page"),
        terminal::text(&analysis, &Look { verbose: true, ..Look::default() }),
        markdown::markdown(&analysis),
        json::json(&analysis),
        bmf::bmf(&analysis),
        String::from_utf8(csv::csv(record).expect("a table")).expect("a record is UTF-8"),
        compared
            .as_ref()
            .map(|it| comparison::text(it, &Look { verbose: true, ..Look::default() }))
            .unwrap_or_default(),
    ]
}

/// What a text field must not become: a formula, a tag, an attribute, a redirection, an escape of a terminal, a line, a
/// heading, a link, a column, a turn of the writing direction.
const HOSTILE: &str = "=1+2\" x='y' onload=z><script>s</script><meta http-equiv=refresh content=0>&\u{1b}[31m\u{9b}2J\u{202e}\n# H\r`](javascript:j)|*";

/// Puts `prefix` before every text and every name of a map. Words that the format knows stay.
fn prefixed(value: &Value, field: &str, prefix: &str) -> Value {
    let known = ["kind", "verdict", "status", "fault", "role"].contains(&field);
    match value {
        Value::String(text) if !known && text != BASELINE => Value::String(format!("{prefix}{text}")),
        Value::Array(values) => values.iter().map(|value| prefixed(value, field, prefix)).collect(),
        Value::Object(fields) => {
            let is_map = ["options", "notes", "unmeasured"].contains(&field);
            let name = |name: &str| if is_map { format!("{prefix}{name}") } else { name.to_owned() };
            fields.iter().map(|(key, value)| (name(key), prefixed(value, key, prefix))).collect()
        }
        other => other.clone(),
    }
}

/// The outputs of the small record with `prefix` before every text.
fn with(prefix: &str) -> (Record, Vec<String>) {
    let values: Vec<Value> = values(&small()).iter().map(|value| prefixed(value, "", prefix)).collect();
    let record = read(text(&values).as_bytes()).expect("text is no reason to refuse a record");
    let all = all_of(&record);
    (record, all)
}

/// The tags of a page, each with the names of its attributes.
fn tags(page: &str) -> Vec<String> {
    let mut tags = Vec::new();
    let mut rest = page;
    while let Some(begin) = rest.find('<') {
        let mut tag = String::new();
        let (mut quote, mut end) = (None, rest.len());
        for (place, letter) in rest[begin..].char_indices() {
            match (quote, letter) {
                (None, '>') => {
                    end = begin + place + 1;
                    break;
                }
                (None, '"' | '\'') => quote = Some(letter),
                (Some(open), _) if open == letter => quote = None,
                (None, _) => tag.push(letter),
                _ => {}
            }
        }
        // The colours of source text differ with the text.
        if !["<span class=", "</span"].contains(&tag.as_str()) {
            tags.push(tag);
        }
        rest = &rest[end..];
    }
    tags
}

#[test]
fn hostile_text_in_every_field_stays_text_in_every_format() {
    // With the same lines and words, so that the layout is the same.
    let harmless = HOSTILE.replace(|letter| !matches!(letter, '\n' | ' '), "x");
    let (record, all) = with(HOSTILE);
    let [page, terminal, markdown, json, bmf, csv, compared] = all.as_slice() else { panic!("{}", all.len()) };
    let (_, plain) = with(&harmless);
    assert!(page.contains("&#60;script") || page.contains("&lt;script"), "the text is on the page, escaped");
    let (hostile, harmless) = (tags(page), tags(&plain[0]));
    let differs = hostile.iter().zip(&harmless).enumerate().find(|(_, (hostile, harmless))| hostile != harmless);
    assert_eq!(differs, None, "a text became a tag or an attribute");
    assert_eq!(hostile.len(), harmless.len());
    assert_eq!(page.matches("http-equiv=\"Content-Security-Policy\"").count(), 1);
    assert!(page.contains("content=\"default-src 'none'; style-src 'sha256-"));
    let script = |page: &str| page.rsplit_once("<script").map(|(_, script)| script.to_owned());
    assert_eq!(script(page), script(&plain[0]), "no text is in the script");

    for text in [terminal, markdown, compared] {
        let obeyed = text.chars().find(|letter| (letter.is_control() && *letter != '\n') || *letter == '\u{202e}');
        assert_eq!(obeyed, None, "{text}");
    }
    assert_eq!(markdown.matches("\n#").count(), plain[2].matches("\n#").count(), "no heading");
    assert!(!markdown.contains('<'), "{markdown}");
    assert!(!markdown.replace("\\](", "").contains("](") && markdown.contains("\\]("), "no link: {markdown}");
    let columns = |text: &str| {
        let rows = text.lines().filter(|line| line.starts_with('|'));
        rows.map(|row| row.replace("\\|", "").matches('|').count()).collect::<Vec<_>>()
    };
    assert_eq!(columns(markdown), columns(&plain[2]), "no column");

    for json in [json, bmf] {
        serde_json::from_str::<Value>(json).expect("valid JSON");
        assert!(!json.contains('\u{1b}'));
    }
    let mut reader = ::csv::Reader::from_reader(csv.as_bytes());
    let rows: Vec<::csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect("rows of equal length");
    assert_eq!(rows.len(), record.samples.len());
    for field in rows.iter().flatten() {
        assert!(!field.starts_with(['=', '+', '-', '@', '\t', '\r']), "{field}");
    }
    assert!(csv.contains("'=1+2"), "an apostrophe makes a formula a text");
    assert!(rows.iter().any(|row| row.iter().any(|field| field.parse::<u64>().is_ok())), "numbers stay numbers");
}

/// The paths of all values in a line.
fn paths(value: &Value, path: &str, all: &mut Vec<String>) {
    all.push(path.to_owned());
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| paths(value, &format!("{path}/{name}"), all)),
        Value::Array(values) => {
            values.iter().take(1).for_each(|value| paths(value, &format!("{path}/0"), all));
        }
        _ => {}
    }
}

/// Reads a record and, if it is accepted, makes everything from it. Fails if that panics or does not end.
fn survives(what: &str, text: Vec<u8>) -> bool {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        let made = catch_unwind(AssertUnwindSafe(|| match read(&text) {
            Ok(record) => (!all_of(&record).is_empty(), String::new()),
            Err(refused) => (false, refused.to_string()),
        }));
        send.send(made)
    });
    let made = receive.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|_| panic!("{what} takes forever"));
    let (accepted, refused) = made.unwrap_or_else(|_| panic!("{what} panics"));
    assert!(accepted || refused.contains("run.jsonl"), "{what}: {refused}");
    accepted
}

#[test]
fn no_value_in_any_field_makes_the_report_panic_or_hang() {
    let lines = values(&small());
    // One line of each kind, and a sample that failed.
    let mut chosen: Vec<usize> = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let kind = |line: &Value| (line["kind"].clone(), line["times"].is_null(), line["cell"]["strategy"] == BASELINE);
        if !chosen.iter().any(|other| kind(&lines[*other]) == kind(line)) {
            chosen.push(number);
        }
    }
    let wrong = [
        json!(null),
        json!(0),
        json!(-5),
        json!(u32::MAX),
        json!(record::MOST),
        json!(u64::MAX),
        json!(1e308),
        json!(""),
        json!("x".repeat(100_000)),
        json!([]),
        json!({}),
    ];
    let (mut accepted, mut refused) = (0, 0);
    for number in chosen {
        let mut all = Vec::new();
        paths(&lines[number], "", &mut all);
        for path in &all {
            for value in &wrong {
                let mut lines = lines.clone();
                *lines[number].pointer_mut(path).expect("the path is there") = value.clone();
                let shown = value.to_string().chars().take(30).collect::<String>();
                let what = format!("{} in `{path}` of line {}", shown, number + 1);
                if survives(&what, text(&lines).into_bytes()) { accepted += 1 } else { refused += 1 }
            }
        }
    }
    assert!(accepted > 100 && refused > 100, "{accepted} accepted, {refused} refused");
}

#[test]
fn damaged_records_are_refused_or_read_without_a_panic() {
    let sound = text(&values(&small())).into_bytes();
    let mut random = fastrand::Rng::with_seed(1);
    for round in 0..300 {
        let mut text = sound.clone();
        for _ in 0..random.usize(1..4) {
            let place = random.usize(..text.len().max(1));
            if text.is_empty() {
                break;
            }
            match random.u8(..4) {
                0 => text[place] = random.u8(..),
                1 => drop(text.remove(place)),
                2 => text.truncate(place),
                _ => text.insert(place, b"\"{}[],:0-\n"[random.usize(..10)]),
            }
        }
        survives(&format!("round {round}"), text);
    }
}
