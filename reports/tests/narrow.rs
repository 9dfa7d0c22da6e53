//! What the terminal shows fits its width, whatever the record holds.

mod synthetic;

use record::Record;
use reports::analysis::Analysis;
use reports::comparison::compare;
use reports::render::comparison;
use reports::render::terminal::text;
use reports::render::wrap::{Look, WIDTH};
use synthetic::Synthetic;

/// Records of many kinds, with their names.
fn records() -> Vec<(&'static str, Record)> {
    let many = Synthetic { cores: vec![1, 2, 4, 8, 16, 32, 128], trouble: true, ..Synthetic::default() };
    let mut long = Synthetic::default().record();
    let name = "a_strategy_whose_name_no_terminal_shows_on_one_line".repeat(3);
    for sample in long.samples.iter_mut().filter(|sample| sample.cell.strategy == "rayon") {
        sample.cell.strategy.clone_from(&name);
    }
    long.run.strategies.iter_mut().filter(|note| note.name == "rayon").for_each(|note| note.name.clone_from(&name));
    let mut peers = Synthetic::default().record();
    peers.peers = synthetic::peers();
    let mut empty = Synthetic::default().record();
    empty.samples.clear();
    vec![
        ("usual", Synthetic::default().record()),
        ("many cores", many.record()),
        ("one block", Synthetic { blocks: 1, ..Synthetic::default() }.record()),
        ("a long name", long),
        ("peers", peers),
        ("no sample", empty),
    ]
}

fn too_wide(text: &str, width: usize) -> Vec<&str> {
    text.lines().filter(|line| line.chars().count() > width).collect()
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for (name, record) in records() {
        let analysis = Analysis::new(&record);
        for width in [WIDTH, 60, 40] {
            for unicode in [false, true] {
                let text = text(&analysis, &Look { width, unicode, verbose: false });
                assert_eq!(too_wide(&text, width), [""; 0], "{name}, {width} wide");
            }
        }
        // Everything is there if it is asked for.
        let all = text(&analysis, &Look { verbose: true, ..Look::default() });
        assert!(all.contains("efficiency") || record.samples.is_empty(), "{name}");
    }
}

#[test]
fn no_line_of_a_comparison_is_wider_than_the_terminal() {
    let session =
        |session| Synthetic { sizes: 1, blocks: 10, failures: false, session, ..Synthetic::default() }.record();
    let mut slower = session(8);
    for sample in slower.samples.iter_mut().filter(|it| it.cell.strategy == "channel_crossbeam") {
        let times = sample.times.as_mut().expect("no failures here");
        times.wall_ns *= 2;
    }
    let comparison = compare(&Analysis::new(&session(7)), &Analysis::new(&slower)).expect("the same data and build");
    for width in [WIDTH, 60, 40] {
        let text = comparison::text(&comparison, &Look { width, ..Look::default() });
        assert_eq!(too_wide(&text, width), [""; 0]);
        assert!(text.contains("2.0") && text.contains("slower in B"), "{text}");
        assert!(!text.contains("threads_split  "), "only cells that differ have a row: {text}");
    }
}

#[test]
fn a_terminal_gets_bars_and_a_file_gets_ascii() {
    let record = Synthetic { cores: vec![1, 2, 4, 8], failures: false, ..Synthetic::default() }.record();
    let analysis = Analysis::new(&record);
    let [bars, ascii] = [true, false].map(|unicode| text(&analysis, &Look { unicode, ..Look::default() }));
    assert!(bars.contains("████") && !bars.contains('#'), "{bars}");
    assert!(ascii.contains("####") && !ascii.contains('█'), "{ascii}");
    let cores = |text: &str| text.lines().filter(|line| line.trim_start().starts_with("8 cores  ")).count();
    assert_eq!((cores(&bars), cores(&ascii)), (3, 3), "one bar for each task");
}
