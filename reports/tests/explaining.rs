//! What the page explains: its words, its strategies, what may not be concluded, and how to measure a cell again.

mod synthetic;

use record::Record;
use reports::analysis::Analysis;
use reports::render::html;
use reports::view::glossary::{self, TERMS};
use reports::view::{limits, strategies};
use std::collections::BTreeSet;
use std::sync::LazyLock;
use synthetic::Synthetic;

static RECORD: LazyLock<Record> = LazyLock::new(|| {
    let mut record = Synthetic { sizes: 3, trouble: true, ..Synthetic::default() }.record();
    record.peers = synthetic::peers();
    record
});

fn page(record: &Record) -> String {
    html::page(&Analysis::new(record)).expect("a page")
}

fn between<'a>(text: &'a str, start: &'a str, end: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(start).skip(1).map(move |rest| rest.split(end).next().unwrap_or(rest))
}

#[test]
fn every_head_of_a_column_has_a_definition_under_its_table() {
    /// Heads that say all by themselves.
    const PLAIN: [&str; 5] = ["check", "before", "after", "what was seen", "what it is"];
    let page = page(&RECORD);
    let mut heads = BTreeSet::new();
    for table in page.split("<div class=\"scroll\"").skip(1) {
        let help = table.split_once("</table>").expect("a table ends").1;
        let help = help.split("</dl>").next().expect("text");
        let head = table.split("</thead>").next().expect("a table has a head");
        for column in between(head, "<th scope=\"col\">", "</th>").filter(|head| !PLAIN.contains(head)) {
            let term = glossary::find(column).unwrap_or_else(|| panic!("`{column}` is not explained"));
            assert!(help.contains(&format!("<dt>{}</dt><dd>", term.name)), "{column} is not explained at its table");
            heads.insert(column.to_owned());
        }
    }
    assert!(heads.len() > 25, "{heads:?}");
    for term in TERMS {
        assert_eq!(page.matches(&format!("id=\"{}\"", term.anchor())).count(), 1, "{}", term.name);
    }
}

#[test]
fn a_card_has_the_strategy_with_its_source_and_its_price() {
    let page = page(&RECORD);
    let card = between(&page, "<h3>rayon</h3>", "</article>").last().expect("a card");
    assert!(card.contains("<dt>Lines of code</dt><dd>4</dd>"), "{card}");
    assert!(card.contains("<dt>Libraries</dt><dd>rayon</dd>"), "{card}");
    assert!(
        card.contains("<span class=\"rc\">//! Workers pull the next job.</span>\n<span class=\"rk\">use</span> rayon"),
        "{card}"
    );
    let source = between(card, "<code>", "</code>").next().expect("the source");
    let text: String = source.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text)).collect();
    let note = &RECORD.run.strategies[0];
    assert_eq!(text.replace("&#62;", ">"), note.source, "the text is unchanged");

    // An older record has no source, and nothing is made up.
    let mut older = RECORD.clone();
    older.run.strategies.iter_mut().for_each(|note| (note.source.clear(), note.libraries.clear()).0);
    let older = self::page(&older);
    assert!(!older.contains("Lines of code") && !older.contains("class=\"source\""));
    assert!(older.contains("This run did not measure what handing over a job costs."));
}

#[test]
fn the_cost_of_a_job_is_that_of_the_analysis() {
    let mut record = Synthetic { sizes: 3, failures: false, ..Synthetic::default() }.record();
    record.run.tasks[0].details = vec![record::Detail::DispatchCost];
    let analysis = Analysis::new(&record);
    let cards = strategies::cards(&analysis);
    assert_eq!(strategies::unmeasured(&analysis), None);
    for card in &cards {
        let dispatch = &analysis.tasks[0].overhead.dispatch;
        let cost = dispatch.iter().find(|cost| cost.strategy == card.note.name).expect("every strategy ran");
        let many = reports::format::time(cost.of_many.median.expect("there are samples"));
        let (_, told) = card.price.iter().find(|(name, _)| *name == "Cost of a job").expect("it was measured");
        assert!(told.starts_with(&format!("{many} for one of many")), "{told}");
    }
}

#[test]
fn claims_that_this_run_forbids_come_before_those_that_every_run_forbids() {
    let analysis = Analysis::new(&RECORD);
    let groups = limits::limits(&analysis);
    assert_eq!(groups.len(), 2);
    let claims: Vec<&str> = groups[0].claims.iter().map(|(claim, _)| claim.as_str()).collect();
    assert!(claims.contains(&"That these are the times of a quiet machine in good order"), "{claims:?}");
    let all: Vec<String> =
        groups.iter().flat_map(|group| group.claims.iter().map(|(claim, why)| format!("{claim}{why}"))).collect();
    assert_eq!(all.len(), analysis.caveats.len());
    assert!(analysis.caveats.iter().all(|caveat| all.contains(&caveat.sentence)), "no sentence is changed");
    let quiet = Synthetic { sizes: 1, failures: false, ..Synthetic::default() }.record();
    assert!(!page(&quiet).contains("times of a quiet machine in good order"));
}

#[test]
fn a_row_ends_with_the_rest_of_its_command() {
    let mut record = Synthetic { sizes: 2, failures: false, ..Synthetic::default() }.record();
    record.run.tasks.truncate(1);
    record.run.tasks[0].options.insert("word".into(), "it's".into());
    record.run.command = "goldilocks sweep --database-url …".into();
    let text = page(&record);
    let command = "goldilocks run --task count --increments 900000000 --kernel bytes --word \"it's\" --delivery gather \
                   --combine per_partition --database-url …";
    let shown = text.replace("&#34;", "\"").replace("&#39;", "'");
    let told = between(&shown, "<code>goldilocks run", "</code>").next().expect("a command");
    let words = |text: &str| shlex::split(text).expect("a shell reads it");
    assert!(words(told).contains(&"it's".to_owned()), "{told}");
    assert_eq!(words(command).first().map(String::as_str), Some("goldilocks"));
    assert!(told.ends_with("--delivery gather --combine per_partition --database-url …"), "{told}");
    assert!(text.contains("<td>-s rayon --cores 2 -j 2 --size 1000</td>"));

    // If delivery varies, each row has its own.
    let mut other = record.samples.iter().find(|it| it.cell.strategy == "rayon").expect("a sample").clone();
    other.cell.delivery = "in_order".into();
    record.samples.push(other);
    let text = page(&record);
    assert!(text.contains("-s rayon --cores 2 -j 2 --size 1000 --delivery gather --combine per_partition</td>"));
    assert!(text.contains("--delivery in_order --combine per_partition</td>"));

    // If the work grows with the cores, no option of the record gives the work of a cell.
    let note = &mut record.run.tasks[0];
    let grown = record::Grown { cores: 2, factor: 2, items: None, digest: note.digest.clone() };
    note.grown.push(grown);
    assert!(!page(&record).contains("goldilocks run "));
}
