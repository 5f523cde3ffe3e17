//! Live tests: real programs under the real kernel.

fn main() {}
