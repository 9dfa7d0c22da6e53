//! Writes synthetic runs and their pages to a folder: `cargo run -p reports --example fixture -- <folder>`.

#[path = "../tests/synthetic/mod.rs"]
mod synthetic;

use record::{Boundary, BoundaryKind};
use reports::analysis::Analysis;
use reports::render::html;
use reports::render::{terminal, wrap::Look};
use std::path::PathBuf;
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
        let mut record = synthetic.record();
        record.run.machine.boundaries = boundaries.iter().map(|&(cores, kind)| Boundary { cores, kind }).collect();
        record.peers = synthetic::peers();
        record.traces = synthetic::traces(&record);
        let lines = synthetic::lines(&record);
        std::fs::write(folder.join("run.jsonl"), lines)?;

        let record = record::read(folder.join("run.jsonl"))?;
        let page = folder.join("report.html");
        let analysis = Analysis::new(&record);
        html::write(&analysis, &page)?;
        println!("{}", terminal::text(&analysis, &Look::default()));
        println!("{} ({} bytes)\n", page.display(), std::fs::metadata(&page)?.len());
    }
    Ok(())
}
