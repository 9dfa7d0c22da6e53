//! The protocol between a cell's process and the process that records its samples.

use harness::measure::protocol::{Message, Order};
use harness::plan::cells::Cell;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;
use tasks::Inputs;
use testbed::goldilocks;

/// The time for which the test sends no acknowledgement. A run takes less than a millisecond, so a process that did not
/// wait would report within it.
const UNASKED: Duration = Duration::from_millis(200);

/// The longest time that a step may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts the process of a cell that takes three very short samples. Returns the process, its input and its messages.
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

/// Recording a sample uses a processor and must not overlap with the next measurement.
#[test]
fn a_cell_measures_the_next_sample_only_after_an_acknowledgement() {
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

/// A cell must not wait forever for a recording process that has ended.
#[test]
fn a_cell_ends_when_its_recording_process_has_ended() {
    let (mut child, orders, messages) = started();
    drop((orders, messages));
    assert!(child.wait().expect("a child").success());
}
