//! Writes the record's JSON Schema to its file: `just schema`.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema").join(reports::schema::file());
    std::fs::write(&path, reports::schema::schema())?;
    println!("{}", path.display());
    Ok(())
}
