//! Writes synthetic runs and their pages to a folder: `cargo run -p reports --example fixture -- <folder>`.

#[path = "../tests/synthetic/mod.rs"]
mod synthetic;

use record::{BASELINE, Boundary, BoundaryKind, Check, Record, Verdict};
use reports::analysis::Analysis;
use reports::render::html;
use reports::render::{terminal, wrap::Look};
use std::path::{Path, PathBuf};
use synthetic::Synthetic;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "target/fixture".into()));
    let few = Synthetic { blocks: 1, samples: 1, ..Synthetic::default() };
    let many = Synthetic { cores: vec![1, 2, 4, 8, 16, 32], trouble: true, ..Synthetic::default() };
    let hybrid = Synthetic { cores: vec![1, 2, 4, 6, 8, 14, 20], ..Synthetic::default() };
    // Two sockets with eight cores each, two hardware threads to a core; six fast cores with two threads, and eight slow ones.
    let two_sockets = [(8, BoundaryKind::Socket), (16, BoundaryKind::Physical)];
    let two_kinds = [(6, BoundaryKind::FastCores), (14, BoundaryKind::Physical)];
    for (name, synthetic, boundaries) in [
        ("two_cores", Synthetic::default(), &[][..]),
        ("many_cores", many, &two_sockets),
        ("hybrid", hybrid, &two_kinds),
        ("one_block", few, &[]),
    ] {
        let folder = folder.join(name);
        std::fs::create_dir_all(&folder)?;
        write(&folder, &complete(synthetic.record(), boundaries))?;
    }
    let whole = Synthetic { cores: vec![1, 2, 4, 8, 16, 32], ..Synthetic::default() }.record();
    for (name, change) in EXTREMES {
        let folder = folder.join(name);
        std::fs::create_dir_all(&folder)?;
        let mut record = complete(whole.clone(), &two_sockets);
        change(&mut record);
        write(&folder, &record)?;
    }
    Ok(())
}

/// A name, and what makes a record extreme.
type Extreme = (&'static str, fn(&mut Record));

/// Pages that are seldom seen.
const EXTREMES: [Extreme; 5] = [
    ("long_names", |record| {
        for (nth, note) in record.run.strategies.iter_mut().enumerate() {
            let name = format!("{}_with_a_name_that_is_long_{nth}", note.name);
            for cell in record.samples.iter_mut().map(|it| &mut it.cell).filter(|it| it.strategy == note.name) {
                cell.strategy.clone_from(&name);
            }
            note.name = name;
        }
        let more: Vec<_> = record.run.strategies.iter().take(7).cloned().collect();
        for note in more {
            let name = format!("{}_again", note.name);
            let alike = record.samples.iter().filter(|sample| sample.cell.strategy == note.name).cloned();
            let mut alike: Vec<_> = alike.collect();
            alike.iter_mut().for_each(|sample| sample.cell.strategy.clone_from(&name));
            record.samples.extend(alike);
            record.run.strategies.push(record::StrategyNote { name, ..note });
        }
        record.traces.clear();
    }),
    ("loaded", |record| {
        let sentence =
            "a loop of constant work lost 99.0 % of its time on the worst processor: measure at another time";
        let check = |name: &str| Check { name: name.into(), verdict: Verdict::Refuse, sentence: sentence.into() };
        record.run.checks.extend(["noise", "second_threads", "huge_pages", "numa", "input_nodes"].map(check));
        record.samples.retain(|sample| sample.block == 0);
    }),
    ("on_one_core", |record| {
        record.samples.retain(|it| !it.cell.strategy.starts_with("threads") || it.cell.cores == 1);
    }),
    ("one_cell", |record| {
        record.run.tasks.truncate(1);
        let (task, size) = (record.run.tasks[0].name.clone(), record.run.tasks[0].default_size);
        record.samples.retain(|it| {
            let cell = &it.cell;
            let is_one =
                cell.strategy == BASELINE || (cell.strategy == "rayon" && (cell.cores, cell.size) == (2, size));
            cell.task == task && is_one
        });
        record.traces.clear();
        record.peers.clear();
    }),
    ("no_cell", |record| {
        record.samples.clear();
        record.traces.clear();
        record.peers.clear();
    }),
];

fn complete(mut record: Record, boundaries: &[(usize, BoundaryKind)]) -> Record {
    record.run.machine.boundaries = boundaries.iter().map(|&(cores, kind)| Boundary { cores, kind }).collect();
    record.peers = synthetic::peers();
    record.traces = synthetic::traces(&record);
    record
}

fn write(folder: &Path, record: &Record) -> Result<(), Box<dyn std::error::Error>> {
    let lines = synthetic::lines(record);
    std::fs::write(folder.join("run.jsonl"), lines)?;

    let record = record::read(folder.join("run.jsonl"))?;
    let page = folder.join("report.html");
    let analysis = Analysis::new(&record);
    html::write(&analysis, &page)?;
    println!("{}", terminal::text(&analysis, &Look::default()));
    println!("{} ({} bytes)\n", page.display(), std::fs::metadata(&page)?.len());
    Ok(())
}
