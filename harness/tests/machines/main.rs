//! Tests of the topology and the doctor on many kinds of machines, described by the files of `/proc` and `/sys`.

mod doctor;
mod injected;
mod topology;
mod tree;
