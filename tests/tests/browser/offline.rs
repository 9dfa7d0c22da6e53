//! The page without network, without script, on paper, and within its policy.

use crate::driver::Page;
use crate::tools;

#[test]
fn the_page_requests_nothing_and_its_script_has_no_error() {
    let Some(page) = Page::open(&crate::report()) else { return };
    assert!(page.ask::<bool>("document.querySelector('.controls').getClientRects().length > 0"), "the script runs");
    assert_eq!((page.requests(), page.errors()), (vec![], vec![]));
    // The test can fail, and the policy refuses what the page does not contain.
    page.run(
        "document.head.append(Object.assign(document.createElement('script'), { textContent: 'window.intruder = 1' }))",
    );
    page.run("document.body.append(Object.assign(new Image(), { src: 'http://localhost:9/x.png' }))");
    assert!(!page.ask::<bool>("'intruder' in window"));
    let refused = page.errors().join("\n");
    assert!(refused.contains("script-src") && refused.contains("img-src"), "{refused}");
    assert_eq!(page.requests().len(), 1, "a wish to request something is noticed, though the policy refuses it");
}

#[test]
fn without_script_the_page_has_its_charts_and_tables_and_no_dead_control() {
    let Some(page) = Page::open(&crate::report()) else { return };
    page.load_without_script();
    let seen = |selector: &str| {
        format!(
            "[...document.querySelectorAll('{selector}')].filter(it => it.checkVisibility() && it.getClientRects().length).length"
        )
    };
    assert_eq!(page.ask::<usize>(&seen(".chart")), 13, "four for each of three tasks, and one of kernels");
    assert!(page.ask::<usize>(&seen(".strategies tbody tr")) > 20);
    assert_eq!(page.ask::<usize>(&seen(".controls, .hint, select, button, [type=range], [type=search]")), 0);
    // The legend works without a script.
    page.click("#task-0 .legend label:has([value=processes])");
    assert_eq!(page.ask::<usize>(&seen("#task-0 .chart .p8")), 0);
}

#[test]
fn on_paper_the_page_has_its_findings_charts_and_tables() {
    let Some(page) = Page::open(&crate::alarming_report()) else { return };
    let pdf = page.print();
    assert!(pdf.starts_with(b"%PDF"));
    // Chromium writes one such object for each page.
    let text = String::from_utf8_lossy(&pdf);
    let pages = text.matches("/Type /Page\n").count() + text.matches("/Type /Page ").count();
    assert!((3..30).contains(&pages), "{pages} pages");

    let text = tools::text_of_pdf(&pdf);

    page.lay_out_for_paper();
    let written: Vec<String> = page.ask(
        "[...document.querySelectorAll('.findings p, .sentence, .answer dd, .trust, .alarm dd, .banners li, figcaption, .strategies :is(th, td)')]
         .filter(it => it.checkVisibility() && it.getClientRects().length && !it.closest('details.cells'))
         .map(it => (it.matches('th, td') ? it.firstChild : it.matches('.findings p') ? it.lastChild : it).textContent).filter(it => it.trim())",
    );
    let lost = |text: &String| -> Vec<&String> {
        written.iter().filter(|words| !text.contains(&tools::without_space(words))).collect()
    };
    assert!(written.len() > 250, "{}", written.len());
    if let Some(lost) = text.as_ref().map(lost) {
        assert!(lost.is_empty(), "not on paper: {lost:?}");
    }
    let shown = |selector: &str| -> usize {
        page.ask(&format!("[...document.querySelectorAll('{selector}')].filter(it => it.checkVisibility() && it.getClientRects().length).length"))
    };
    assert_eq!((shown(".task .chart"), shown(".controls, .hint, .legend input")), (13, 0));
    assert!(shown(".findings p") == 3 && shown(".strategies tbody tr") == 30);
    // Unfolded or not, paper has what is wrong.
    assert!(shown(".alarm dd") > 0 && shown(".banners li") > 0);
    let lost: Vec<String> = page.ask(
        "[...document.querySelectorAll('.scroll, figure, pre')].filter(it => it.scrollWidth > it.clientWidth + 1)
         .map(it => `${it.className}: ${it.scrollWidth} of ${it.clientWidth}`)",
    );
    assert!(lost.is_empty(), "paper does not scroll: {lost:?}");
}
