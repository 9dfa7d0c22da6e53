//! Load that other programs and other virtual machines put on the processors.

use super::finding::{Finding, RUN, ok, refuse, unknown, warn};
use crate::machine::doctor::counters::{Counters, risen};
use crate::machine::doctor::observations::Observations;

/// The maximum share of the processors that other programs may use. More load would distort the figures.
const MOST_USED: f64 = 0.5;

/// The maximum share of the processors' time that the hypervisor may give to other virtual machines.
const MOST_STOLEN: f64 = 0.05;

/// The maximum share of the loops' time that may be lost. Interrupts and kernel threads take a few hundredths.
const MOST_LOST: f64 = 0.1;

/// The share of lost time beyond which figures would mislead: the processor belongs to others for most of the time.
const MISLEADING: f64 = 0.5;

/// Checks the load of other programs during the pause of the calibration.
pub(super) fn neighbours(observations: &Observations) -> Finding {
    let calibration = &observations.calibration;
    let Some(used) = calibration.rested.used_by_others(&calibration.before) else {
        return unknown("the kernel does not report how busy the processors are");
    };
    let seen = format!("other programs use {used:.1} of {}", cores(&calibration.rested));
    match is_crowded(used, &calibration.rested) {
        true => {
            let busiest = named(&calibration.rested.busiest(&calibration.before));
            refuse(format!("{seen}{busiest}: stop them, or wait until they end; `top` lists them"))
        }
        false => ok(seen),
    }
}

/// Checks the load of other programs during the run.
pub(super) fn neighbours_between(before: &Counters, after: &Counters) -> Finding {
    let Some(used) = after.used_by_others(before) else {
        return unknown("the kernel does not report how busy the processors were");
    };
    let seen = format!("{RUN}, other programs used {used:.1} of {}", cores(after));
    match is_crowded(used, after) {
        true => {
            let busiest = named(&after.busiest(before));
            warn(format!("{seen}{busiest}: their load is in the figures; measure again when they have ended"))
        }
        false => ok(seen),
    }
}

/// Returns the names of the busiest programs, as the rest of a sentence.
fn named(busiest: &[&str]) -> String {
    if busiest.is_empty() { String::new() } else { format!(", mostly {}", busiest.join(", ")) }
}

/// Checks that no other sweep measures on this machine, even if it is waiting at the moment.
pub(super) fn other_sweeps(observations: &Observations) -> Finding {
    match observations.other_sweeps.as_slice() {
        [] => ok("no other sweep runs"),
        [sweep, ..] => {
            refuse(format!("process {sweep} is another sweep, and both would be in the figures: wait until it ends"))
        }
    }
}

/// Replaces the check of that load if the user gave a database server, because the server is one of the other programs.
pub(super) fn given_server() -> Finding {
    unknown("the database server is not ours, so its load cannot be told from that of other programs")
}

fn cores(counters: &Counters) -> String {
    crate::counted(counters.processors as u64, "core")
}

fn is_crowded(used: f64, counters: &Counters) -> bool {
    used > MOST_USED * counters.processors as f64
}

/// Checks how evenly a loop of constant work ran, unless another check explains the difference.
pub(super) fn noise(observations: &Observations) -> Finding {
    let calibration = &observations.calibration;
    let Some(lost) = calibration.lost else {
        return unknown("the processors could not be tested one by one");
    };
    let seen = format!("a loop of constant work lost {:.1} % of its time on the worst processor", lost * 100.0);
    if lost <= MOST_LOST {
        return ok(seen);
    }
    let (rested, worked) = (&calibration.rested, &calibration.worked);
    let crowd = rested.used_by_others(&calibration.before).is_some_and(|used| is_crowded(used, rested));
    let stolen = worked.stolen_share(rested).is_some_and(|share| share > MOST_STOLEN);
    let throttled = risen(rested.throttled, worked.throttled).is_some_and(|times| times > 0);
    let reasons = [(crowd, "neighbours"), (stolen, "steal"), (throttled, "quota")];
    if let Some((_, reason)) = reasons.into_iter().find(|(is_reason, _)| *is_reason) {
        let explained = format!("{seen}, which `{reason}` explains");
        // `neighbours` refuses itself. The others only warn.
        return if lost > MISLEADING && !crowd {
            refuse(format!("{explained}: cure that, or measure at another time"))
        } else {
            unknown(explained)
        };
    }
    let is_virtual =
        observations.files.value("/proc/cpuinfo", "flags").is_some_and(|flags| flags.contains("hypervisor"));
    // Programs that started after the pause explain the loss too.
    let programs = worked.used_by_others(rested).unwrap_or_default() / worked.processors.max(1) as f64;
    let cure = match is_virtual && programs < lost / 2.0 {
        true => {
            "other virtual machines share its core or its caches; measure at another time, with more blocks, or on a \
             machine of its own"
        }
        false => "programs or interrupts run in between; `top` and /proc/interrupts show them",
    };
    let found = format!("{seen}: {cure}");
    if lost > MISLEADING { refuse(found) } else { warn(found) }
}

/// Checks the time that the hypervisor gave to other virtual machines during the calibration.
pub(super) fn steal(observations: &Observations) -> Finding {
    let calibration = &observations.calibration;
    stolen(calibration.worked.stolen_share(&calibration.rested), "when all processors were busy")
}

/// Checks the time that the hypervisor gave to other virtual machines during the run.
pub(super) fn steal_between(before: &Counters, after: &Counters) -> Finding {
    stolen(after.stolen_share(before), RUN)
}

fn stolen(share: Option<f64>, when: &str) -> Finding {
    let Some(share) = share else {
        return unknown("the kernel does not report whether a hypervisor takes time away");
    };
    let seen = format!("{when}, the hypervisor gave {:.1} % of the processor time to other machines", share * 100.0);
    match share {
        0.0 => ok(format!("{when}, no hypervisor took time away")),
        _ if share <= MOST_STOLEN => ok(seen),
        _ => warn(format!("{seen}: measure at another time, or on a machine with processors of its own")),
    }
}
