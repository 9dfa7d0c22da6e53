//! Who else works on the machine.

use super::counters::{Counters, risen};
use super::{Observations, count, found};
use record::{Check, Verdict};

/// Others may use this part of the processors; a benchmark beside more than that measures them as well.
const MOST_USED: f64 = 0.5;

/// Of a processor's time the hypervisor may give this part to others.
const MOST_STOLEN: f64 = 0.05;

/// Of a loop's time this part may be lost. Interrupts and the kernel's own threads take a few hundredths.
const MOST_LOST: f64 = 0.1;

/// Other programs' load at rest.
pub(super) fn neighbours(observations: &Observations) -> Check {
    let calibration = &observations.calibration;
    let Some(used) = calibration.rested.used_by_others(&calibration.before) else {
        return found("neighbours", Verdict::Unknown, "the system does not say who uses the processors");
    };
    let seen = format!("other programs use {used:.1} of {}", count(calibration.rested.processors));
    if crowded(used, &calibration.rested) {
        let cure = "end them, or wait until they are done; `top` shows them";
        return found("neighbours", Verdict::Refuse, format!("{seen}: {cure}"));
    }
    found("neighbours", Verdict::Ok, seen)
}

/// Other programs' load during the run.
pub(super) fn neighbours_between(before: &Counters, after: &Counters) -> Check {
    let Some(used) = after.used_by_others(before) else {
        return found("neighbours", Verdict::Unknown, "the system does not say who used the processors");
    };
    let seen = format!("while it was measured, other programs used {used:.1} of {}", count(after.processors));
    if crowded(used, after) {
        let cure = "their work is in the figures; measure again when they are done";
        return found("neighbours", Verdict::Warn, format!("{seen}: {cure}"));
    }
    found("neighbours", Verdict::Ok, seen)
}

/// Takes back what was said of neighbours, for one of them was the database server that we asked.
pub(super) fn name_given_server(checks: &mut [Check]) {
    let seen = "the database server is not ours, so its work could not be told from that of other programs";
    for check in checks.iter_mut().filter(|check| check.name == "neighbours") {
        *check = found("neighbours", Verdict::Unknown, seen);
    }
}

fn crowded(used: f64, counters: &Counters) -> bool {
    used > MOST_USED * counters.processors as f64
}

/// How unevenly the same loop ran, unless the reason has a check of its own.
pub(super) fn noise(observations: &Observations) -> Check {
    let calibration = &observations.calibration;
    let Some(lost) = calibration.lost else {
        return found("noise", Verdict::Unknown, "the processors could not be tried one by one");
    };
    let seen = format!("the same loop, again and again, lost {:.1} % of its time on the worst processor", lost * 100.0);
    if lost <= MOST_LOST {
        return found("noise", Verdict::Ok, seen);
    }
    let (rested, worked) = (&calibration.rested, &calibration.worked);
    let crowd = rested.used_by_others(&calibration.before).is_some_and(|used| crowded(used, rested));
    let stolen = worked.stolen_share(rested).is_some_and(|share| share > MOST_STOLEN);
    let throttled = risen(rested.throttled, worked.throttled).is_some_and(|times| times > 0);
    let reasons = [(crowd, "neighbours"), (stolen, "steal"), (throttled, "quota")];
    if let Some((_, reason)) = reasons.into_iter().find(|(is, _)| *is) {
        return found("noise", Verdict::Unknown, format!("{seen}, which `{reason}` explains"));
    }
    // No load and yet no peace: whoever it is cannot be seen from in here.
    let virtually =
        observations.sight.value("/proc/cpuinfo", "flags").is_some_and(|flags| flags.contains("hypervisor"));
    // They may have begun only after the rest.
    let programs = worked.used_by_others(rested).unwrap_or_default() / worked.processors.max(1) as f64;
    let cure = match virtually && programs < lost / 2.0 {
        true => {
            "other virtual machines share its core or its caches; measure at another hour, with more blocks, or on a \
             machine of its own"
        }
        false => "programs or interrupts come between; `top` and /proc/interrupts show them",
    };
    found("noise", Verdict::Warn, format!("{seen}: {cure}"))
}

/// Processor time that the hypervisor gave to other virtual machines while we worked.
pub(super) fn steal(observations: &Observations) -> Check {
    let calibration = &observations.calibration;
    stolen(calibration.worked.stolen_share(&calibration.rested), "when all processors were busy")
}

/// The same during the run.
pub(super) fn steal_between(before: &Counters, after: &Counters) -> Check {
    stolen(after.stolen_share(before), "while it was measured")
}

fn stolen(share: Option<f64>, when: &str) -> Check {
    let Some(share) = share else {
        return found("steal", Verdict::Unknown, "the system does not say whether a hypervisor takes time away");
    };
    let seen = format!("{when}, the hypervisor gave {:.1} % of their time to others", share * 100.0);
    if share > MOST_STOLEN {
        let cure = "measure at another hour, or on a machine with processors of its own";
        return found("steal", Verdict::Warn, format!("{seen}: {cure}"));
    }
    let seen = if share == 0.0 { format!("{when}, no hypervisor took time away") } else { seen };
    found("steal", Verdict::Ok, seen)
}
