//! The catalogue of strategies. Each strategy is one file in this folder and one line below.

use crate::Strategy;

/// Declares the files of a catalogue and lists them in [`ALL`](crate::catalogue::ALL) in the given order.
///
/// A file has the four lines of a [`Header`](crate::Header) and a function `start`. It needs no other entry. `just fmt`
/// names the files, because rustfmt does not follow `mod` lines inside a macro.
#[macro_export]
macro_rules! catalogue {
    ($($name:ident),* $(,)?) => {
        $(pub mod $name;)*

        /// Every strategy declared here, in the order of every table and plot.
        pub const ALL: &[$crate::Strategy] = &[$($crate::Strategy {
            name: stringify!($name),
            source: include_str!(concat!(stringify!($name), ".rs")),
            start: $name::start,
        }),*];
    };
}

catalogue! {
    sequential,
    threads_split,
    threads_shared,
    rayon,
    tokio_blocking,
    async_std,
    channel_crossbeam,
    channel_flume,
    processes,
    work_stealing,
    threads_per_job,
    thread_pool_condvar,
    std_channel,
    smol,
    tokio_rayon,
    tokio_tasks,
    processes_by_value,
}

/// The number of usual strategies.
const USUAL: usize = 9;

/// Returns the strategies that a default sweep measures on all core counts with all partition sizes.
pub fn usual() -> &'static [Strategy] {
    &ALL[..USUAL]
}

/// Returns the other strategies, which a default sweep only compares on all cores at the default size. More cells of them
/// would need more time than a default budget gives.
pub fn others() -> &'static [Strategy] {
    &ALL[USUAL..]
}

/// Returns the strategy with this name.
pub fn find(name: &str) -> Option<&'static Strategy> {
    ALL.iter().find(|strategy| strategy.name == name)
}
