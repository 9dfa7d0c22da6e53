//! Every strategy: one file each in this folder, one line each below.

use crate::Strategy;

/// Declares the files of a catalogue and lists them in [`ALL`](crate::catalogue::ALL) in the given order.
///
/// A file has the four lines of a [`Header`](crate::Header) and a function `start`. It needs no entry anywhere else.
/// rustfmt does not follow `mod` lines inside a macro, so `just fmt` names the files.
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
}

/// The strategy with this name.
pub fn find(name: &str) -> Option<&'static Strategy> {
    ALL.iter().find(|strategy| strategy.name == name)
}
