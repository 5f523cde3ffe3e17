//! Live tests: real programs under the running kernel, one test per row of the truth table, named
//! by the row. Each compares what the tracer said with what the program itself knows. They need
//! root; a kernel that refuses the programs fails them with the reason.

mod adoption;
mod births;
#[path = "../common/cells.rs"]
mod cells;
mod classic;
#[path = "../common/mod.rs"]
mod common;
mod containers;
mod cost;
mod export;
mod fail_on;
mod figures;
mod files;
mod forks;
mod guest;
mod hostile;
#[path = "../common/invented.rs"]
mod invented;
mod lockdown;
mod namespaces;
mod needs;
mod parquet;
mod readme;
mod recording;
mod remedies;
mod scale;
mod session;
mod story;
mod threads;
mod top;
mod verifier;
mod waits;
mod zombies;
