//! What a cell's process and the one that listens to it owe each other.

use harness::measure::protocol::{Message, Order};
use harness::plan::cells::Cell;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;
use tasks::Inputs;
use testbed::goldilocks;

/// Long enough for a run that takes less than a millisecond to end and be told, had it not to wait.
const UNASKED: Duration = Duration::from_millis(200);

/// So long even a machine with much else to do takes at most.
const PATIENCE: Duration = Duration::from_secs(60);

/// The process of a cell that takes three samples of next to nothing; its order, and what it says.
fn started() -> (Child, ChildStdin, Receiver<Message>) {
    let processors = harness::machine::processors();
    let order = Order::for_cell(&Cell::baseline("noop"), &Inputs::default(), &processors, 3).expect("an order");
    let mut child = Command::new(goldilocks())
        .arg("cell")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary was just built");
    let mut orders = child.stdin.take().expect("a pipe");
    writeln!(orders, "{}", serde_json::to_string(&order).expect("an order is JSON")).expect("it listens");
    let said = BufReader::new(child.stdout.take().expect("a pipe"));
    let (message, messages) = channel();
    std::thread::spawn(move || {
        for line in said.lines().map_while(Result::ok) {
            let heard = serde_json::from_str(&line).expect("it says messages only");
            if message.send(heard).is_err() {
                return;
            }
        }
    });
    (child, orders, messages)
}

/// Whoever records a sample uses a processor, and must not use it while the next sample is measured.
#[test]
fn a_cell_measures_nothing_before_it_was_told_that_it_was_heard() {
    let (mut child, mut orders, messages) = started();
    let mut samples = 0;
    for said in 0..5 {
        let message = messages.recv_timeout(PATIENCE).expect("it goes on when it was heard");
        samples += u32::from(matches!(message, Message::Sample { .. }));
        assert_eq!(
            messages.recv_timeout(UNASKED).map(|_| ()),
            Err(RecvTimeoutError::Timeout),
            "it waited for nobody after message {said}"
        );
        orders.write_all(b"\n").expect("it listens");
    }
    assert_eq!(samples, 3, "after where it is and its warm-up");
    assert!(child.wait().expect("a child").success());
}

/// A listener that is gone must not leave it waiting for ever.
#[test]
fn a_cell_to_which_nobody_listens_comes_to_its_end() {
    let (mut child, orders, messages) = started();
    drop((orders, messages));
    assert!(child.wait().expect("a child").success());
}
