//! The page of `tracer report --html`, as a person meets it in a browser.

#[path = "../common/invented.rs"]
mod invented;

mod chromium;
mod page;
