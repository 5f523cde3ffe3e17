//! Embeds the BPF object that `cargo xtask build` made. Without one the crate still builds, for
//! docs and for tests that need no kernel, and says at run time what is missing.

use std::{env, fs, path::PathBuf};

fn main() {
    println!("cargo:rerun-if-env-changed=TRACER_BPF_OBJECT");
    println!("cargo:rerun-if-changed=build.rs");
    let out =
        PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("tracer.bpf.o");
    match env::var_os("TRACER_BPF_OBJECT") {
        Some(object) => {
            println!("cargo:rerun-if-changed={}", object.display());
            fs::copy(&object, &out).unwrap_or_else(|error| panic!("{}: {error}", object.display()));
        }
        None => fs::write(&out, []).expect("OUT_DIR is writable"),
    }
}
