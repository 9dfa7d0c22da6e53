//! The checks of the machine. To add a check, write a function in one of these files and list it here.

mod contention;
mod database;
mod environment;
mod finding;
mod memory;
mod processor;

use self::finding::Finding;
use super::counters::Counters;
use super::observations::Observations;
use record::Check;

type Before = fn(&Observations) -> Finding;
type After = fn(&Counters, &Counters) -> Finding;

const BEFORE: [(&str, Before); 27] = [
    ("build", environment::build),
    ("tracer", environment::tracer),
    ("priority", environment::priority),
    ("address_layout", environment::address_layout),
    ("counters", environment::counters),
    ("room", environment::room),
    ("neighbours", contention::neighbours),
    ("other_sweeps", contention::other_sweeps),
    ("noise", contention::noise),
    ("steal", contention::steal),
    ("governor", processor::governor),
    ("frequency", processor::frequency),
    ("turbo", processor::turbo),
    ("power", processor::power),
    ("second_threads", processor::second_threads),
    ("affinity", processor::affinity),
    ("quota", processor::quota),
    ("heat", processor::heat),
    ("clock", processor::clock),
    ("memory", memory::limit),
    ("page_cache", memory::page_cache),
    ("swap", memory::swap),
    ("swapping", memory::swapping),
    ("huge_pages", memory::huge_pages),
    ("numa", memory::numa),
    ("input_nodes", memory::input_nodes),
    ("database", database::settings),
];

const AFTER: [(&str, After); 6] = [
    ("neighbours", contention::neighbours_between),
    ("steal", contention::steal_between),
    ("quota", processor::quota_between),
    ("heat", processor::heat_between),
    ("clock", processor::clock_between),
    ("swapping", memory::swapping_between),
];

/// Runs every check on the observations before the first sample.
pub fn examine(observations: &Observations) -> Vec<Check> {
    BEFORE.iter().map(|(name, check)| named(name, check(observations))).collect()
}

/// Checks what happened during the run, from the kernel's counters before the first sample and after the last one.
pub fn examine_after(before: &Counters, after: &Counters) -> Vec<Check> {
    AFTER.iter().map(|(name, check)| named(name, check(before, after))).collect()
}

/// Makes the load of other programs unknown, because a server that the user gave counts as another program.
pub(super) fn ignore_neighbours(checks: &mut [Check]) {
    for check in checks.iter_mut().filter(|check| check.name == "neighbours") {
        *check = named("neighbours", contention::given_server());
    }
}

fn named(name: &str, Finding(verdict, sentence): Finding) -> Check {
    Check { name: name.to_owned(), verdict, sentence }
}
