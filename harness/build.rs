//! Notes what a record must know and a running program cannot: the compiler and the commit.

use std::path::Path;
use std::process::Command;

fn main() {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    println!("cargo:rustc-env=GOLDILOCKS_COMPILER={}", first_line(&rustc, &["--version"]));
    println!("cargo:rustc-env=GOLDILOCKS_COMMIT={}", first_line("git", &["rev-parse", "--short=12", "HEAD"]));
    println!("cargo:rerun-if-changed=build.rs");
    // The second one changes with every commit. A file that is not there would have this built anew each time.
    for file in ["../.git/HEAD", "../.git/logs/HEAD"].into_iter().filter(|file| Path::new(file).exists()) {
        println!("cargo:rerun-if-changed={file}");
    }
}

/// What a program prints first, or `unknown`: a source tree need not be a checkout.
fn first_line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success());
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or("unknown").to_owned()
}
