//! Checks that every strategy of the catalogue has every property.

use conformance::check;
use strategies::WorkerCommand;

fn worker() -> WorkerCommand {
    let program = env!("CARGO_BIN_EXE_conformance");
    WorkerCommand {
        program: program.into(),
        name: program.into(),
        arguments: vec!["worker".into()],
        environment: Vec::new(),
    }
}

#[test]
fn every_strategy_conforms() {
    let mut sentences = Vec::new();
    for strategy in strategies::catalogue::ALL {
        for failure in check(strategy, &worker()) {
            sentences.push(format!("{}: {}: {}", strategy.name, failure.property, failure.sentence));
        }
    }
    assert!(sentences.is_empty(), "{}", sentences.join("\n"));
}
