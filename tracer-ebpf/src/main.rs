//! The BPF programs: one hook family per file under `probe`, each of which takes its facts from
//! `task`, asks `filter`, and hands a record to `emit`.
#![no_std]
#![no_main]
// For an atomic addition: core's atomic types do not add where there is no compare-and-swap.
#![feature(asm_experimental_arch)]
#![allow(clippy::inline_always, reason = "a program is one function to the older verifiers")]
#![allow(clippy::needless_pass_by_value, reason = "the macro hands the context over by value")]

mod emit;
mod filter;
mod probe;
mod settings;
mod task;
mod told;

/// Tells the kernel that the programs may use helpers reserved to GPL-compatible ones.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    // The verifier refuses a program that could get here, so none that runs can.
    loop {}
}
