//! Every control, by mouse and by keyboard.

use crate::driver::Page;
use serde_json::json;

/// The text of the first element of the first task that matches.
fn text(page: &Page, selector: &str) -> String {
    page.ask(&format!("document.querySelector({}).textContent", json!(format!("#task-0 {selector}"))))
}

fn count(page: &Page, selector: &str) -> usize {
    page.ask(&format!("document.querySelectorAll({}).length", json!(format!("#task-0 {selector}"))))
}

fn hash(page: &Page) -> String {
    page.ask("decodeURIComponent(location.hash)")
}

/// Puts the keyboard's focus on an element.
fn focus(page: &Page, selector: &str) {
    page.run(&format!("document.querySelector({}).focus()", json!(format!("#task-0 {selector}"))));
}

#[test]
fn a_switch_shows_each_quantity_and_the_page_s_own_chart_comes_back() {
    let Some(page) = Page::open(&crate::report()) else { return };
    let chart = "document.querySelector('#task-0 [data-over=cores]').innerHTML";
    let own: String = page.ask(chart);
    for (quantity, title) in [
        ("time", "Time against cores"),
        ("efficiency", "Efficiency against cores"),
        ("throughput", "Throughput in numbers against cores"),
    ] {
        page.click(&format!("#task-0 [data-over=cores] [value={quantity}]"));
        assert_eq!(text(&page, "[data-over=cores] h3"), title);
        assert_eq!(text(&page, "[data-over=cores] title"), title);
        assert_eq!(hash(&page), format!("#task-0?0.cores.show={quantity}"));
        assert!(count(&page, "[data-over=cores] .point") > 30);
        assert!(text(&page, "[role=status]").contains(title));
    }
    page.click("#task-0 [data-over=cores] [value=speed-up]");
    assert_eq!(page.ask::<String>(chart), own);
    assert_eq!(hash(&page), "#task-0");
    assert!(page.errors().is_empty(), "{:?}", page.errors());
}

#[test]
fn a_scale_is_linear_or_logarithmic() {
    let Some(page) = Page::open(&crate::report()) else { return };
    let ticks = "[...document.querySelectorAll('#task-0 [data-over=sizes] .grid')].map(it => Number(it.getAttribute('d').split(' ')[1].split('L')[0]))";
    page.click("#task-0 [data-over=sizes] [type=checkbox]");
    let places: Vec<f64> = page.ask(ticks);
    assert!(places.len() >= 3, "{places:?}");
    for pair in places.windows(3) {
        let (one, other) = (pair[1] - pair[0], pair[2] - pair[1]);
        assert!((one - other).abs() < 0.3, "equal distances are equal differences: {places:?}");
    }
    assert_eq!(hash(&page), "#task-0?0.sizes.log=0");
    assert!(text(&page, "[data-over=sizes] figcaption").contains("Linear"));
    page.click("#task-0 [data-over=sizes] [type=checkbox]");
    assert_eq!(hash(&page), "#task-0");
}

#[test]
fn sliders_move_by_keyboard_and_say_where_they_are() {
    let Some(page) = Page::open(&crate::report()) else { return };
    for (over, key, at, words) in [
        ("cores", "ArrowLeft", "cores.at=100", "partitions of 100 numbers"),
        ("sizes", "ArrowLeft", "sizes.at=16", "16 cores"),
    ] {
        focus(&page, &format!("[data-over={over}] [type=range]"));
        page.press(key);
        assert!(hash(&page).contains(at), "{}", hash(&page));
        let said: String = page.ask(&format!(
            "document.querySelector('#task-0 [data-over={over}] [type=range]').getAttribute('aria-valuetext')"
        ));
        let spaces = |text: &str| text.replace('\u{202f}', " ");
        assert_eq!(spaces(&said), words);
        assert_eq!(spaces(&text(&page, &format!("[data-over={over}] output"))), words);
        assert!(spaces(&text(&page, &format!("[data-over={over}] figcaption"))).contains(words));
    }
}

#[test]
fn strategies_are_hidden_isolated_and_highlighted() {
    let Some(page) = Page::open(&crate::report()) else { return };
    let drawn = "[...document.querySelectorAll('#task-0 [data-over=cores] .series')].filter(it => it.getClientRects().length).length";
    let all: usize = page.ask(drawn);
    focus(&page, ".legend input[value=processes]");
    page.press(" ");
    assert_eq!(page.ask::<usize>(drawn), all - 1);
    assert_eq!(hash(&page), "#task-0?0.hide=processes");
    // A chart that the script draws hides the same strategies.
    page.click("#task-0 [data-over=cores] [value=time]");
    assert_eq!(page.ask::<usize>(drawn), all - 1);
    page.click("#task-0 [data-key=reset]");
    assert_eq!((page.ask::<usize>(drawn), hash(&page)), (all, "#task-0".into()));

    focus(&page, "[data-key=only]");
    page.press("s");
    assert_eq!(page.ask::<usize>(drawn), 1, "typing chooses smol");
    assert_eq!(count(&page, ".legend [data-key]:checked"), 1);
    assert!(text(&page, "[role=status]").contains("1 of 9"), "{}", text(&page, "[role=status]"));
    page.click("#task-0 [data-key=reset]");

    focus(&page, "[data-key=mark]");
    page.press("s");
    assert_eq!(hash(&page), "#task-0?0.mark=smol");
    assert_eq!(count(&page, "[data-over=cores] .series.mark"), 1);
    page.run("document.getAnimations().forEach(it => it.finish())");
    let faint: String = page.ask("getComputedStyle(document.querySelector('#task-0 .series:not(.mark)')).opacity");
    assert!(faint.parse::<f64>().expect("a number") < 0.5);
}

#[test]
fn charts_that_the_script_draws_have_bands_whose_members_appear_on_demand() {
    let Some(page) = Page::open(&crate::report()) else { return };
    let analysis = crate::analysis();
    let results = &analysis.shown().next().expect("a task").results;
    let tied = || results.places.iter().filter(|tied| tied.len() > 1);
    let seen = |selector: &str| -> usize {
        page.ask(&format!(
            "[...document.querySelectorAll('#task-0 [data-over=cores] {selector}')].filter(it => it.getClientRects().length).length"
        ))
    };
    let own = [seen(".band"), seen(".member"), seen(".series")];
    assert_eq!(own[..2], [tied().count(), 0], "there are groups, and members are in them");
    for quantity in ["time", "efficiency", "throughput"] {
        page.click(&format!("#task-0 [data-over=cores] [value={quantity}]"));
        assert_eq!([seen(".band"), seen(".member"), seen(".series")], own, "{quantity}");
        assert_eq!((seen(".band .area"), seen(".band .whisker")), (own[0], 0));
    }
    let member = &tied().next().expect("a tie")[0];
    let place = results.strategies.iter().find(|it| it.name == *member).expect("a strategy").place;
    let click = || page.click(&format!("#task-0 .legend [value={member}]"));
    click();
    assert_eq!((seen(".member"), seen(&format!(".p{place}"))), (1, 1), "the legend shows {member} alone");
    // Over another strategy, a band still covers the intervals of its members.
    page.load("#task-0?0.base=processes");
    let ends: Vec<(f64, f64)> = page.ask(
        "[...document.querySelectorAll('#task-0 [data-over=cores] :is(.g0 .area, .m0 .whisker)')].map(it => {
             const ys = it.getAttribute('d').match(/[\\d.]+ [\\d.]+/g).map(it => Number(it.split(' ')[1]));
             return [Math.min(...ys), Math.max(...ys)]; })",
    );
    let [band, members @ ..] = &ends[..] else { panic!("a band and whiskers") };
    let reach = members.iter().fold((f64::INFINITY, 0.0_f64), |reach, it| (reach.0.min(it.0), reach.1.max(it.1)));
    assert!(
        members.len() > 10 && (band.0 - reach.0).abs() < 0.11 && (band.1 - reach.1).abs() < 0.11,
        "{band:?} {reach:?}"
    );
    assert!(page.errors().is_empty(), "{:?}", page.errors());
}

#[test]
fn arrow_keys_visit_the_points_and_enter_highlights() {
    let Some(page) = Page::open(&crate::report()) else { return };
    let focused = "document.activeElement.querySelector('title').textContent";
    assert_eq!(
        count(&page, "[data-over=cores] .point[tabindex='0']"),
        1,
        "one Tab leads into the chart, one out of it"
    );
    focus(&page, "[data-over=cores] .point[tabindex='0']");
    let first: String = page.ask(focused);
    page.press("ArrowRight");
    let second: String = page.ask(focused);
    page.press("ArrowDown");
    let mut below: String = page.ask(focused);
    // A group of strategies that tie cannot be highlighted.
    while below.contains("tied") {
        page.press("ArrowDown");
        below = page.ask(focused);
    }
    let (name, other) = (first.split(',').next(), below.split(',').next());
    assert!(first.contains("1\u{202f}core:") && second.contains("2\u{202f}cores:"), "{first}, {second}");
    assert_eq!(second.split(',').next(), name);
    assert!(other != name && below.contains("2\u{202f}cores:"), "{below}");
    assert!(first.contains("×") && first.contains("–"), "a point has a value and an interval: {first}");
    let outline: String = page.ask("getComputedStyle(document.activeElement).outlineStyle");
    assert_eq!(outline, "solid", "the focus is visible");
    page.press("Enter");
    assert_eq!(hash(&page), format!("#task-0?0.mark={}", other.expect("a name")));
    assert!(page.ask::<String>(focused) == below, "the focus stays");
}

#[test]
fn a_row_becomes_the_baseline() {
    let Some(page) = Page::open(&crate::report()) else { return };
    let entry = |row: &str| {
        format!(
            "[...document.querySelectorAll('#task-0 .strategies tr')].find(it => it.cells[0].textContent.startsWith('{row}')).cells[2].textContent"
        )
    };
    let own: String = page.ask(&entry("rayon"));
    // The whole row works, and its name is a button for the keyboard.
    page.run(
        "[...document.querySelectorAll('#task-0 .strategies button')].find(it => it.textContent === 'rayon').focus()",
    );
    page.press("Enter");
    assert_eq!(hash(&page), "#task-0?0.base=rayon");
    assert_eq!(page.ask::<String>("document.activeElement.getAttribute('aria-pressed')"), "true");
    assert_eq!(page.ask::<String>(&entry("rayon")).trim(), "1.00× 1.00–1.00");
    assert_eq!(text(&page, ".strategies thead th:nth-child(3)"), "speed-up over rayon");
    assert_eq!(text(&page, "[data-over=cores] h3"), "Speed-up over rayon against cores");
    let select: String = page.ask("document.querySelector('#task-0 [data-key=base]').value");
    assert_eq!(select, "rayon");
    page.click("#task-0 .strategies tbody tr:first-child td:last-child");
    assert_eq!((page.ask::<String>(&entry("rayon")), hash(&page)), (own, "#task-0".into()));
}

#[test]
fn the_table_of_cells_is_sorted_and_filtered() {
    let Some(page) = Page::open(&crate::report()) else { return };
    page.run("document.querySelector('#task-0 .cells').open = true");
    let column = |nth: usize| {
        format!(
            "[...document.querySelectorAll('#task-0 .cells tbody tr:not([hidden])')].map(it => it.cells[{nth}].firstChild.textContent.trim())"
        )
    };
    let own: Vec<String> = page.ask(&column(0));
    let button = "#task-0 .cells thead th:nth-child(4) button";
    assert_eq!(text(&page, ".cells thead th:nth-child(4)").trim(), "median time");
    let ns = |text: &String| {
        let (number, unit) = text.split_once('\u{202f}').filter(|_| text.contains('s')).unwrap_or((text, ""));
        let scale = match unit {
            "s" => 1e9,
            "ms" => 1e6,
            "µs" => 1e3,
            _ => f64::NAN,
        };
        number.parse::<f64>().map_or(f64::INFINITY, |number| number * scale)
    };
    for sort in ["ascending", "descending"] {
        page.click(button);
        let order: String = page.ask("document.querySelector('#task-0 .cells th[aria-sort]:nth-child(4)').ariaSort");
        assert_eq!(order, sort);
        let mut times: Vec<f64> = page.ask::<Vec<String>>(&column(3)).iter().map(ns).collect();
        assert!(times.len() == own.len() && times.iter().any(|time| *time > 2.0 * times[0] || *time < 0.5 * times[0]));
        // Rows without a time come last in both orders.
        let timed = times.iter().position(|time| time.is_infinite()).unwrap_or(times.len());
        assert!(timed < times.len() && times[timed..].iter().all(|time| time.is_infinite()), "{times:?}");
        times.truncate(timed);
        if sort == "descending" {
            times.reverse();
        }
        assert!(times.is_sorted(), "{times:?}");
    }
    page.click(button);
    assert_eq!(page.ask::<Vec<String>>(&column(0)), own, "a third click restores the order");

    focus(&page, "[data-key=find]");
    "rayon".chars().for_each(|letter| page.press(&letter.to_string()));
    let found: Vec<String> = page.ask(&column(0));
    assert!(!found.is_empty() && found.iter().all(|name| name == "rayon"), "{found:?}");
    assert!(text(&page, ".cells output").starts_with(&format!("{} of ", found.len())));
    assert_eq!(hash(&page), "#task-0?0.find=rayon");
    assert!(page.errors().is_empty(), "{:?}", page.errors());
}
