//! Machines of all kinds, described to the topology and the doctor by the files that Linux would have there.

mod doctor;
mod injected;
mod topology;
mod tree;
