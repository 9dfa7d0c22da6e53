//! Sail, Apache Spark and the program that asks them.

mod program;
mod sail;
mod spark;
mod support;
