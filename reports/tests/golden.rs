//! The analysis of kept records, figure by figure: what was once checked stays so.

use reports::analysis::Analysis;
use reports::render::json::json;
use std::path::Path;

/// Records of version 1, 3 and 5. The kept figures equal those of the program before the analysis became plain data.
#[test]
fn the_analysis_of_kept_records_stays_as_it_is() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in ["v1", "v3", "v5"] {
        let record = record::read(here.join(format!("../lib/record/tests/records/{name}.jsonl"))).expect("a record");
        let path = here.join(format!("tests/golden/{name}.json"));
        let found = json(&Analysis::new(&record));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &found).expect("a writable file");
        }
        let kept = std::fs::read_to_string(&path).expect("a kept analysis");
        let differs = kept.lines().zip(found.lines()).enumerate().find(|(_, (kept, found))| kept != found);
        assert_eq!(differs, None, "{name}: UPDATE_GOLDEN=1 keeps the new analysis; look at every difference");
        assert_eq!(kept.lines().count(), found.lines().count(), "{name}");
    }
}
