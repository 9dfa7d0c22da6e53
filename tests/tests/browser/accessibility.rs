//! axe-core finds nothing serious, and a screen reader meets every point with its value and interval.

use crate::driver::Page;
use crate::tools;

/// The violations that matter, with the first element of each.
const FAULTS: &str = "axe.run(document, { resultTypes: ['violations'] }).then(found => found.violations
    .filter(it => ['serious', 'critical'].includes(it.impact))
    .map(it => `${it.id}: ${it.help}: ${it.nodes.length} × ${it.nodes[0].html.slice(0, 300)} ${it.nodes[0].failureSummary}`))";

#[test]
fn axe_finds_nothing_serious() {
    let Some(axe) = tools::read("axe-core/axe.min.js") else { return };
    let Some(page) = Page::open(&crate::report()) else { return };
    for dark in [false, true] {
        page.darken(dark);
        for fragment in
            ["", "#task-0?0.base=rayon&0.mark=smol&0.cores.show=time&0.sizes.show=throughput&0.sort=-4&0.find=rayon"]
        {
            page.load(fragment);
            page.run("document.querySelectorAll('details').forEach(it => { it.open = true })");
            page.run(&axe);
            let faults: Vec<String> = page.ask(FAULTS);
            assert!(faults.is_empty(), "{}, {fragment}:\n{}", if dark { "dark" } else { "light" }, faults.join("\n"));
        }
    }
    // The test can fail: axe sees a picture without a name.
    page.run("document.body.append(new Image())");
    assert!(!page.ask::<Vec<String>>(FAULTS).is_empty());
}

#[test]
fn a_screen_reader_meets_every_point_with_value_and_interval() {
    let Some(page) = Page::open(&crate::report()) else { return };
    for fragment in ["", "#?0.cores.show=time&0.sizes.show=throughput"] {
        page.load(fragment);
        let words: Vec<String> = page.ask(
            "[...document.querySelectorAll('.point')].filter(it => it.checkVisibility() && it.getClientRects().length)
             .map(it => it.querySelector('title').textContent)",
        );
        let met = page.accessible();
        let points: Vec<&String> =
            met.iter().filter(|(role, name)| role == "image" && words.contains(name)).map(|(_, name)| name).collect();
        assert!(points.len() == words.len() && words.len() > 150, "{} of {}", points.len(), words.len());
        for (point, words) in points.into_iter().zip(&words) {
            assert_eq!(point, words);
            assert!(words.contains('(') && words.contains('–'), "{words}");
        }
        let sliders: Vec<&String> = met.iter().filter(|(role, _)| role == "slider").map(|(_, name)| name).collect();
        assert_eq!(sliders[..2], ["Partition size", "Cores"]);
    }
}
