//! The address holds the whole view: whoever opens a link sees what its sender saw.

use crate::driver::Page;
use fastrand::Rng;
use serde_json::json;

const VIEWS: u64 = 200;

/// Everything that a view determines: texts, drawings, and the state of every control.
const STATE: &str = "JSON.stringify([
    [...document.querySelectorAll('.task')].map(it => it.outerHTML),
    [...document.querySelectorAll('[data-key]')].map(it => [it.value, it.checked]),
    location.hash])";

/// Changes one control, as its reader would, and reports the change.
fn change(page: &Page, random: &mut Rng) {
    let controls: usize = page.ask("document.querySelectorAll(':is(input, select, button)').length");
    let (nth, value) = (random.usize(..controls), random.usize(..1_000));
    page.run(&format!(
        "const it = document.querySelectorAll(':is(input, select, button)')[{nth}];
         const by = {value};
         if (it.type === 'button' || it.type === 'radio' || it.type === 'checkbox') return it.click(), true;
         if (it.type === 'range') it.value = by % (Number(it.max) + 1);
         else if (it.type === 'search') it.value = ['', 'rayon', '1 000 tokio', '<b>&=#?+%41', 'ünï'][by % 5];
         else it.selectedIndex = by % it.options.length;
         it.dispatchEvent(new Event('input', {{ bubbles: true }}))"
    ));
}

#[test]
fn two_hundred_views_are_restored_from_their_links() {
    let Some(page) = Page::open(&crate::small_report()) else { return };
    let mut views = std::collections::BTreeSet::new();
    for seed in 0..VIEWS {
        let random = &mut Rng::with_seed(seed);
        // Some views start from the one before, so that many differ from the page's own view in many ways.
        if seed % 8 == 0 {
            page.load("");
        }
        for _ in 0..random.usize(1..4) {
            change(&page, random);
        }
        let (before, link): (String, String) = page.ask(&format!("[{STATE}, location.hash]"));
        page.load(&link);
        let after: String = page.ask(STATE);
        assert!(before == after, "{seed}: {link} shows something else:\n{}", difference(&before, &after));
        views.insert(link);
    }
    assert!(views.len() > 150, "only {} of the views differ", views.len());
    assert!(page.errors().is_empty(), "{:?}", page.errors());
}

/// The first difference of two texts, with what is around it.
fn difference(one: &str, other: &str) -> String {
    let at = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    let around = |text: &str| {
        String::from_utf8_lossy(&text.as_bytes()[at.saturating_sub(200)..(at + 200).min(text.len())]).into_owned()
    };
    format!("{}\n{}", around(one), around(other))
}

#[test]
fn a_link_leads_to_its_task_and_anchors_keep_the_view() {
    let Some(page) = Page::open(&crate::report()) else { return };
    page.load("#task-1?1.cores.show=time");
    let top = "Math.abs(Math.round(document.getElementById('task-1').getBoundingClientRect().top))";
    assert_eq!(page.ask::<i32>(top), 0, "the page shows the task that was changed last");
    page.click("a[href='#task-0']");
    // The page hears of a new fragment a moment later.
    let later = |it: &str| format!("new Promise(done => setTimeout(() => done({it}), 200))");
    assert_eq!(page.ask::<String>(&later("location.hash")), "#task-0?1.cores.show=time");
    page.run("location.hash = '#?0.sizes.show=speed-up'");
    let title = later("document.querySelector('#task-0 [data-over=sizes] h3').textContent");
    assert_eq!(page.ask::<String>(&title), "Speed-up over the plain loop against partition size");
}

#[test]
fn a_link_from_elsewhere_breaks_nothing() {
    let Some(page) = Page::open(&crate::report()) else { return };
    let own: String = page.ask("document.querySelector('main').innerHTML");
    for fragment in [
        "#?",
        "#%",
        "#task-9?9.base=rayon",
        "#?0.base=nobody&0.mark=<script>&0.hide=rayon,nobody&0.sort=-&0.cores.at=-1&0.cores.show=price&0.sizes.log=2",
        "#?0.base=__proto__&0.constructor=1&__proto__.base=rayon&=&&?#",
    ] {
        page.load(fragment);
        let text: String = page.ask("document.querySelector('main').innerHTML");
        assert!(own == text, "{fragment}: {}", difference(&own, &text));
    }
    let long = json!(format!("#?0.find={}", "a".repeat(5_000)));
    page.run(&format!("location.hash = {long}"));
    assert!(page.errors().is_empty(), "{:?}", page.errors());
}
