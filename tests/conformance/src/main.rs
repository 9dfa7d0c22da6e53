//! Checks strategies and exercises against the conformance suite. The program is also the worker process that the suite
//! needs.

#![deny(clippy::print_stdout, clippy::print_stderr)]

use conformance::probe_task::ProbeTask;
use conformance::{PROPERTIES, check};
use std::process::ExitCode;
use std::sync::Arc;
use strategies::{Strategy, WorkerCommand, catalogue};
use system::printing::{print, say};

fn main() -> ExitCode {
    // The suite provokes panics, so their messages are suppressed.
    std::panic::set_hook(Box::new(|_| {}));
    let names: Vec<String> = std::env::args().skip(1).collect();
    let passed = match names.as_slice() {
        [] => {
            say("usage: conformance STRATEGY..., or the numbers of exercises");
            false
        }
        [worker] if worker == "worker" => serve(),
        names => names.iter().filter(|name| !conforms(name)).count() == 0,
    };
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn find(name: &str) -> Option<&'static Strategy> {
    match name.parse::<usize>() {
        Ok(number) => exercises::ALL.get(number.checked_sub(1)?),
        Err(_) => catalogue::find(name).or_else(|| exercises::ALL.iter().find(|exercise| exercise.name == name)),
    }
}

fn conforms(name: &str) -> bool {
    let Some(strategy) = find(name) else {
        let exercises = exercises::ALL.len();
        let strategies: Vec<&str> = catalogue::ALL.iter().map(|strategy| strategy.name).collect();
        say(format_args!(
            "there is no strategy and no exercise `{name}`; exercises have numbers from 1 to {exercises}, and strategies \
             are {}",
            strategies.join(", ")
        ));
        return false;
    };
    let Ok(program) = std::env::current_exe() else { return false };
    let name = program.clone().into();
    let worker = WorkerCommand { program, name, arguments: vec!["worker".into()], environment: Vec::new() };
    let failures = check(strategy, &worker);
    let mut text = String::new();
    for failure in &failures {
        text += &format!("{}: not yet: {}\n    {}\n", strategy.name, failure.property, failure.sentence);
    }
    let held = PROPERTIES.len() - failures.len();
    let printed = print(format_args!("{text}{}: {held} of {} properties hold\n", strategy.name, PROPERTIES.len()));
    printed.is_ok() && failures.is_empty()
}

fn serve() -> bool {
    let task = Arc::new(ProbeTask::default());
    strategies::worker_loop::serve(&task, &mut std::io::stdin().lock(), &mut std::io::stdout().lock()).is_ok()
}
