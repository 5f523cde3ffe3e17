//! The program as users and their scripts meet it, wherever it can be met without a BPF program:
//! these tests hold for every user, and for a build without BPF object too.

#[path = "common/cells.rs"]
mod cells;
mod common;
#[path = "common/invented.rs"]
mod invented;

mod cli {
    mod csv;
    mod doctor;
    mod export;
    mod family;
    mod help;
    mod installed;
    mod memory;
    mod no_root;
    mod output;
    mod program;
    mod recordings;
    mod report;
    mod rows;
    mod schema;
    mod top;
    mod usage;
    mod zombies;
}
