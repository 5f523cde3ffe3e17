//! What is run: the live tests in one kernel with one set of hooks, under one condition.

use super::offer::Offer;

/// The first kernel with `bpf_get_current_task_btf`, which the tracepoint hooks call.
const FIRST_WITH_TRACEPOINT_HOOKS: (u32, u32) = (5, 11);
/// The kernel that is booted in lockdown as well.
const LOCKED_DOWN: (u32, u32) = (6, 12);

/// The sets of hooks, as `--hooks` of tracer names them.
pub(super) const FENTRY: &str = "fentry";
pub(super) const TRACEPOINT: &str = "tracepoint";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Job<'a> {
    pub offer: &'a Offer,
    pub hooks: &'static str,
    /// Booted with lockdown=confidentiality.
    pub locked_down: bool,
}

impl Job<'_> {
    /// What it is beside its kernel.
    pub(super) fn variant(self) -> String {
        format!("{}{}", self.hooks, if self.locked_down { " lockdown" } else { "" })
    }

    /// What its kernel is told on its command line, of which init gets the variables.
    pub(super) fn parameters(self) -> String {
        let hooks = self.hooks;
        if self.locked_down {
            format!("lockdown=confidentiality TRACER_LOCKDOWN=1 TRACER_HOOKS={hooks}")
        } else {
            format!("TRACER_HOOKS={hooks}")
        }
    }
}

/// Every set of hooks that a kernel has, and those of one of them in lockdown, too.
pub(super) fn jobs(offers: &[Offer]) -> Vec<Job<'_>> {
    let job = |offer, hooks, locked_down| Job { offer, hooks, locked_down };
    offers
        .iter()
        .flat_map(|offer| {
            let both = offer.series >= FIRST_WITH_TRACEPOINT_HOOKS;
            let tracepoint = both.then(|| job(offer, TRACEPOINT, false));
            let lockdown = (offer.series == LOCKED_DOWN).then(|| job(offer, FENTRY, true));
            [Some(job(offer, FENTRY, false)), tracepoint, lockdown]
        })
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Job, Offer, jobs};

    fn offer(series: (u32, u32)) -> Offer {
        Offer { series, package: String::new(), version: String::new() }
    }

    #[test]
    fn a_kernel_runs_each_set_of_hooks_it_has() {
        let offers = [(5, 10), (6, 12), (7, 0)].map(offer);
        let name = |job: Job| format!("{} {}", job.offer.name(), job.variant());
        let names: Vec<String> = jobs(&offers).into_iter().map(name).collect();
        assert_eq!(
            names,
            [
                "5.10 fentry",
                "6.12 fentry",
                "6.12 tracepoint",
                "6.12 fentry lockdown",
                "7.0 fentry",
                "7.0 tracepoint",
            ]
        );
    }

    #[test]
    fn init_is_told_the_hooks_and_the_kernel_its_lockdown() {
        let offers = [(6, 12)].map(offer);
        let parameters: Vec<String> = jobs(&offers).into_iter().map(Job::parameters).collect();
        assert_eq!(
            parameters,
            [
                "TRACER_HOOKS=fentry",
                "TRACER_HOOKS=tracepoint",
                "lockdown=confidentiality TRACER_LOCKDOWN=1 TRACER_HOOKS=fentry",
            ]
        );
    }
}
