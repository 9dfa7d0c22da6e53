//! Timelines and charts of delivery on the page.

mod synthetic;

use record::{Lane, Record, Span};
use reports::analysis::Analysis;
use reports::format;
use reports::render::{html, json, lanes};
use reports::view::timeline;
use std::collections::BTreeSet;
use synthetic::Synthetic;

fn traced(cores: u32) -> Record {
    let mut record = Synthetic { cores: vec![1, cores], sizes: 1, failures: false, ..Synthetic::default() }.record();
    record.traces = synthetic::traces(&record);
    record
}

fn page(record: &Record) -> String {
    html::page(&Analysis::new(record)).expect("a page").replace(format::SPACE, " ")
}

fn attributes<'a>(page: &'a str, start: &'a str) -> BTreeSet<&'a str> {
    page.split(start).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

/// The blocks of a drawing: every one is a subpath.
fn blocks(svg: &str) -> usize {
    svg.split("<path class=\"work\" d=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap_or("").matches('M').count())
        .sum()
}

#[test]
fn every_strategy_has_a_timeline_to_which_its_card_links_or_a_reason() {
    let record = traced(8);
    let page = page(&record);
    let (ids, links) = (attributes(&page, " id=\""), attributes(&page, "href=\"#"));
    assert!(links.is_subset(&ids), "{:?}", links.difference(&ids).collect::<Vec<_>>());
    for task in &record.run.tasks {
        let to_it = format!("\">Timeline of {}</a>", task.name);
        assert_eq!(page.matches(&to_it).count(), record.run.strategies.len() - 1, "{}", task.name);
    }
    let missing = "No trace of async_std with gather: the measuring process was killed by signal 9.";
    assert_eq!(page.matches(missing).count(), record.run.tasks.len());
    assert_eq!(page.matches("class=\"chart steps\"").count(), record.run.tasks.len());
    for words in ["The workers spend ", " ends last, ", "The longest job, partition ", "of processor time"] {
        assert!(page.contains(words), "{words}");
    }
}

#[test]
fn a_record_without_traces_has_no_timelines() {
    let record = Record { traces: Vec::new(), ..traced(2) };
    let page = page(&record);
    assert!(!page.contains("class=\"chart lanes\"") && !page.contains("Timeline of") && !page.contains("traces/"));
    assert!(!json::json(&Analysis::new(&record)).contains("\"timelines\""));
}

#[test]
fn many_jobs_become_few_blocks_and_no_time_is_lost() {
    let mut record = traced(64);
    let many = |worker: u64| {
        let span = |job: u64| {
            let (start_ns, length_ns) = (worker + job * 1_000, 700 + job % 7);
            Span { job, jobs: 1, start_ns, length_ns, in_jobs_ns: length_ns, in_task_ns: length_ns }
        };
        Lane::of(u32::try_from(worker).expect("few"), (0..1_000).map(span).collect()).expect("it has spans")
    };
    for trace in &mut record.traces {
        if let Some(run) = &mut trace.run {
            run.lanes = (0..64).map(many).collect();
            (run.jobs, run.run_ns) = (64_000, 1_000_000);
        }
    }
    let analysis = Analysis::new(&record);
    for task in &analysis.tasks {
        let charts = timeline::timelines(task);
        assert_eq!(charts.iter().filter(|chart| chart.is_open).count(), 1);
        for chart in charts {
            assert!(blocks(&lanes::timeline(&chart, "x")) <= if chart.is_open { 600 } else { 200 });
            let drawn: f64 = chart
                .lanes
                .iter()
                .flat_map(|lane| &lane.blocks)
                .map(|block| block.in_jobs * (block.extent_ns.1 - block.extent_ns.0))
                .sum();
            let whole: u64 = (0..64).map(|worker| many(worker).in_jobs_ns()).sum();
            assert!((drawn / whole as f64 - 1.0).abs() < 1e-9, "{drawn} and {whole}");
            assert!(chart.caption.contains("as 600 blocks") || !chart.is_open, "{}", chart.caption);
            assert_eq!(chart.table.rows.len(), 3, "the least, the median and the most");
        }
    }
}

#[test]
fn the_page_of_a_large_sweep_with_traces_stays_small() {
    let cores = vec![1, 2, 4, 8, 16, 32, 64];
    let mut record = Synthetic { cores, trouble: true, ..Synthetic::default() }.record();
    record.traces = synthetic::traces(&record);
    let without = page(&Record { traces: Vec::new(), ..record.clone() }).len();
    let more = page(&record).len() - without;
    assert!(more <= 500_000, "{more} bytes for the timelines of {} cells", record.traces.len());
}

#[test]
fn results_are_usable_later_when_they_are_gathered_and_the_table_says_when() {
    let analysis = Analysis::new(&traced(4));
    for task in &analysis.tasks {
        let [gather, in_order, as_completed] = &task.timelines.deliveries[..] else { panic!("three deliveries") };
        assert!(as_completed.first_ns <= in_order.first_ns && in_order.first_ns < gather.first_ns);
        assert!(as_completed.half_ns <= in_order.half_ns && in_order.half_ns < gather.half_ns);
        let chart = timeline::delivery(task).expect("a chart");
        let names: Vec<&str> = chart.table.rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["gather", "in_order", "as_completed"]);
        for (curve, times) in chart.curves.iter().zip(&task.timelines.deliveries) {
            assert_eq!(curve.steps.last().map(|step| step.1), Some(times.results as f64));
        }
    }
}

#[test]
fn drawings_have_roles_titles_and_no_colour() {
    let page = page(&traced(2));
    for class in ["lanes", "steps"] {
        let svgs: Vec<&str> = page.split(&format!("<svg class=\"chart {class}\"")).skip(1).collect();
        assert!(!svgs.is_empty());
        for svg in svgs.iter().filter_map(|rest| rest.split("</svg>").next()) {
            assert!(svg.contains("role=\"img\"") && svg.contains("<title ") && svg.contains("<desc "));
            for property in ["fill=", "stroke=", "style=", "rgb(", "#", "NaN", "inf"] {
                assert!(!svg.contains(property), "{property} in {svg}");
            }
        }
    }
}
