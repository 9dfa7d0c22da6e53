//! The conformance suite for the strategies named, and the worker process that it needs.

use conformance::probe_task::Traps;
use conformance::{PROPERTIES, check};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use strategies::{Strategy, WorkerCommand};

fn main() -> ExitCode {
    let names: Vec<String> = std::env::args().skip(1).collect();
    match names.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["worker"] => serve(),
        [] => {
            eprintln!("usage: conformance STRATEGY..., or the number of an exercise");
            ExitCode::FAILURE
        }
        ref names => {
            // A trap that panics is part of the suite; its message is not for the person who runs it.
            std::panic::set_hook(Box::new(|_| {}));
            let failed = names.iter().filter(|name| !one(name)).count();
            if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
    }
}

fn find(name: &str) -> Option<&'static Strategy> {
    match name.parse::<usize>() {
        Ok(number) => exercises::ALL.get(number.checked_sub(1)?),
        Err(_) => harness::find_strategy(name),
    }
}

fn one(name: &str) -> bool {
    let Some(strategy) = find(name) else {
        eprintln!(
            "there is no strategy and no exercise `{name}`; exercises have numbers from 1 to {}",
            exercises::ALL.len()
        );
        return false;
    };
    let Ok(program) = std::env::current_exe() else { return false };
    let worker = WorkerCommand { program, arguments: vec!["worker".into()], environment: Vec::new() };
    let failures = check(strategy, &worker);
    for failure in &failures {
        println!("{}: not yet: {}\n    {}", strategy.name, failure.property, failure.sentence);
    }
    println!("{}: {} of {} properties hold", strategy.name, PROPERTIES.len() - failures.len(), PROPERTIES.len());
    failures.is_empty()
}

fn serve() -> ExitCode {
    let task = Arc::new(Traps::new(Vec::new(), Path::new("")));
    std::panic::set_hook(Box::new(|_| {}));
    match strategies::wire::serve(&task, &mut std::io::stdin().lock(), &mut std::io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
