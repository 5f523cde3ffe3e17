//! Finds or installs what builds and checks need: look, decide, do one step, look again.

mod decide;
mod facts;
mod parse;
mod perform;

use anyhow::{Result, bail};

pub(crate) use self::decide::{BpfTools, CheckTools, Choice};
use self::{
    decide::{Obstacle, Step},
    facts::Facts,
};
use crate::workspace::Workspace;

pub(crate) fn bpf_tools(workspace: &Workspace, choice: Choice) -> Result<BpfTools> {
    settle(workspace, choice, |facts| decide::bpf_tools(facts, choice))
}

/// Lints are those of the pinned compiler, whatever builds the BPF object.
pub(crate) fn check_tools(workspace: &Workspace) -> Result<CheckTools> {
    settle(workspace, Choice::Rustup, decide::check_tools)
}

fn settle<T>(
    workspace: &Workspace,
    choice: Choice,
    decide: impl Fn(&Facts) -> Result<T, Obstacle>,
) -> Result<T> {
    let mut done: Vec<Step> = Vec::new();
    loop {
        match decide(&Facts::gather(workspace, choice)) {
            Ok(tools) => return Ok(tools),
            Err(Obstacle::Fatal(message)) => bail!(message),
            Err(Obstacle::Fixable(step)) if done.contains(&step) => {
                bail!("after it succeeded, this is still needed: {}", perform::title(&step))
            }
            Err(Obstacle::Fixable(step)) => {
                perform::step(workspace, &step)?;
                done.push(step);
            }
        }
    }
}
