//! The page's script as one text, its data, and the policy that allows this script and style sheet and nothing else.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// The modules. Functions may be used before the module that has them; constants may not.
const MODULES: [&str; 10] = [
    include_str!("../../script/page.js"),
    include_str!("../../script/statistics.js"),
    include_str!("../../script/format.js"),
    include_str!("../../script/axes.js"),
    include_str!("../../script/view.js"),
    include_str!("../../script/charts.js"),
    include_str!("../../script/draw.js"),
    include_str!("../../script/figures.js"),
    include_str!("../../script/tables.js"),
    include_str!("../../script/main.js"),
];

/// Texts that mean the same in fewer bytes. No text or pattern of the modules contains one of them. The compiler has seen
/// that both sides of a comparison have the same type, and that no constant changes.
const SHORTER: [(&str, &str); 9] = [
    (";}", "}"),
    (",]", "]"),
    (",}", "}"),
    (",)", ")"),
    ("const ", "let "),
    ("const[", "let["),
    ("const{", "let{"),
    ("===", "=="),
    ("!==", "!="),
];

/// The modules as one text, without comments and indentation.
pub fn text() -> String {
    let text = minifier::js::minify(&MODULES.join("\n")).expect("the modules are complete").to_string();
    SHORTER.iter().fold(text, |text, (long, short)| text.replace(long, short))
}

/// The data as JSON that cannot end the element that holds it.
pub fn data(data: &impl Serialize) -> String {
    serde_json::to_string(data).expect("the data have string keys and numbers for keys only").replace('<', "\\u003c")
}

/// The Content-Security-Policy of a page with this style sheet and this script. Each is allowed by its hash, so nothing that
/// a record brings to the page can run or load anything.
pub fn policy(style: &str, script: &str) -> String {
    let [style, script] = [style, script].map(|text| BASE64_STANDARD.encode(Sha256::digest(text)));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; img-src data:; base-uri 'none'; \
         form-action 'none'"
    )
}
