//! The page that lists all runs, and the page of a comparison.

mod synthetic;

use record::Record;
use reports::analysis::Analysis;
use reports::comparison::compare;
use reports::render::{comparison, runs};
use reports::view::runs::{Listed, Summary};
use synthetic::Synthetic;

fn listed(id: &str, record: &Record) -> Listed {
    Listed { id: id.into(), has_report: true, summary: Ok(Summary::new(&Analysis::new(record))) }
}

/// Nothing on a page runs, or is fetched.
fn is_inert(page: &str) -> bool {
    page.contains("default-src 'none'") && !page.contains("<script") && !page.contains("src=") && !page.contains("url(")
}

#[test]
fn the_list_has_task_machine_finding_date_and_fitness_of_each_run() {
    let quiet = Synthetic { failures: false, ..Synthetic::default() }.record();
    let mut bad = Synthetic { trouble: true, ..Synthetic::default() }.record();
    bad.ended = None;
    let unreadable =
        Listed { id: "torn<b>".into(), has_report: false, summary: Err("line 2 is <i>not</i> a line".into()) };
    let page = runs::page(&[listed("new", &bad), unreadable, listed("old", &quiet)]).expect("a page");
    assert!(page.contains(runs::MARK) && is_inert(&page));
    assert!(page.contains("2 runs, the newest first. 1 cannot be read."), "{page}");
    let places: Vec<usize> = ["href=\"new/report.html\"", "torn&#60;b&#62;", "href=\"old/report.html\""]
        .map(|text| page.find(text).unwrap_or_else(|| panic!("{text}: {page}")))
        .to_vec();
    assert!(places.is_sorted());
    let (new, old) = page.split_once("torn&#60;b&#62;").expect("it is between them");
    assert!(new.contains("<strong>not fit: ") && new.contains(", without an end"), "{new}");
    assert!(old.contains("<strong>fit</strong>") && !new.contains("<strong>fit</strong>"), "{old}");
    assert!(!old.contains("href=\"torn"), "there is no report to open");
    let finding = &Analysis::new(&quiet).tasks[0].finding.headline;
    assert!(old.contains(finding.as_str()) && old.contains("Example Processor 9000") && old.contains("2025-11-02"));
    assert_eq!(
        page,
        runs::page(&[
            listed("new", &bad),
            Listed { id: "torn<b>".into(), has_report: false, summary: Err("line 2 is <i>not</i> a line".into()) },
            listed("old", &quiet)
        ])
        .expect("a page")
    );
}

#[test]
fn a_summary_is_read_as_it_was_written() {
    let summary = Summary::new(&Analysis::new(&Synthetic::default().record()));
    let text = serde_json::to_string(&summary).expect("JSON");
    assert_eq!(serde_json::from_str::<Summary>(&text).expect("a summary"), summary);
}

#[test]
fn the_page_of_a_comparison_shows_decided_differences_first_and_its_reason_before_all() {
    let session =
        |session| Synthetic { sizes: 1, blocks: 10, failures: false, session, ..Synthetic::default() }.record();
    let mut slower = session(8);
    for sample in slower.samples.iter_mut().filter(|it| it.cell.strategy == "rayon" && it.cell.task == "count") {
        let times = sample.times.as_mut().expect("no failures here");
        times.wall_ns = times.wall_ns * 12 / 10;
    }
    let compared = compare(&Analysis::new(&session(7)), &Analysis::new(&slower)).expect("the same data and build");
    let page = comparison::page(&compared).expect("a page");
    assert!(is_inert(&page));
    let count = page.split("<h2>count</h2>").nth(1).and_then(|rest| rest.split("</section>").next()).expect("count");
    let (decided, others) = count.split_once("<details>").expect("both kinds");
    assert_eq!((decided.matches("<tr class=\"worse\">").count(), decided.matches("<tr class=\"").count()), (2, 2));
    assert_eq!(others.matches("<tr class=\"open\">").count(), 17);
    assert_eq!(decided.matches("class=\"range\"").count(), 2, "every ratio has its interval");
    // A ratio of 1.2 lies right of the middle, and so does its whole interval.
    for place in decided.split("cx=\"").skip(1).filter_map(|rest| rest.split('"').next()?.parse::<f64>().ok()) {
        assert!(place > 100.0 && place <= 194.0, "{place}");
    }
    assert!(page.find(&compared.headline).expect("the headline") < page.find("class=\"sides\"").expect("the sides"));
    assert_eq!(compared.headline, "2 of 57 cells differ: 2 slower in B.");
    let same = compare(&Analysis::new(&session(7)), &Analysis::new(&session(8))).expect("the same data and build");
    assert!(
        same.headline.starts_with("No difference is shown in 57 cells. The widest interval of B / A is 0."),
        "{}",
        same.headline
    );
}
