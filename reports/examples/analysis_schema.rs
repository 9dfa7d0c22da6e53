//! Writes the analysis' JSON Schema to its file: `just schema`.

use reports::render::json;
use std::path::Path;

fn main() -> std::io::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema").join(json::file());
    std::fs::write(&path, json::schema())?;
    println!("{}", path.display());
    Ok(())
}
