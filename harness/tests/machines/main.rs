//! Machines of all kinds, shown to the topology and to the doctor as the files that Linux would have there.

mod doctor;
mod injected;
mod topology;
mod tree;
