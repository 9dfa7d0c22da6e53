//! Writes the record's JSON Schema to its file: `just schema`.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema").join(record::schema::file());
    std::fs::write(&path, record::schema::schema())?;
    println!("{}", path.display());
    Ok(())
}
