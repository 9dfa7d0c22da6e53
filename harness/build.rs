//! Passes the compiler's version and the commit to the program, which writes both into every record.

use std::path::Path;
use std::process::Command;

fn main() {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    println!("cargo:rustc-env=GOLDILOCKS_COMPILER={}", first_line(&rustc, &["--version"]));
    println!("cargo:rustc-env=GOLDILOCKS_COMMIT={}", first_line("git", &["rev-parse", "--short=12", "HEAD"]));
    println!("cargo:rerun-if-changed=build.rs");
    // `logs/HEAD` changes with every commit. Naming a missing file would make cargo rebuild this crate every time.
    for file in ["../.git/HEAD", "../.git/logs/HEAD"].into_iter().filter(|file| Path::new(file).exists()) {
        println!("cargo:rerun-if-changed={file}");
    }
}

/// Returns the first line that a program prints, or `unknown`, for example if the source tree is not a Git checkout.
fn first_line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success());
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or("unknown").to_owned()
}
