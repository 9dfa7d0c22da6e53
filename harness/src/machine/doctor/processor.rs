//! What the processors may do: how fast they run, for how long, and who shares them.

use super::counters::{Counters, risen};
use super::{Observations, count, counted, found};
use crate::machine::topology::{allowed, online, siblings};
use record::{Check, Verdict};
use std::collections::BTreeSet;
use system::cgroup;
use system::sysfs::SystemFiles;

/// A file of each processor in use, below `cpufreq`.
fn frequencies<'a>(observations: &'a Observations, file: &'a str) -> impl Iterator<Item = String> + 'a {
    let path = move |number: &usize| format!("/sys/devices/system/cpu/cpu{number}/cpufreq/{file}");
    observations.processors.iter().filter_map(move |number| observations.sight.text(path(number)))
}

/// Who chooses the frequency.
pub(super) fn governor(observations: &Observations) -> Check {
    let governors: BTreeSet<String> = frequencies(observations, "scaling_governor").collect();
    if governors.is_empty() {
        return found("governor", Verdict::Unknown, "the machine does not show who chooses the processors' frequency");
    }
    let seen = format!("the frequency governor is {}", Vec::from_iter(governors.iter().map(String::as_str)).join(", "));
    if governors.iter().all(|governor| governor == "performance") {
        return found("governor", Verdict::Ok, seen);
    }
    let cure = "it changes the frequency with the load; `cpupower frequency-set --governor performance` holds it";
    found("governor", Verdict::Warn, format!("{seen}: {cure}"))
}

/// Whether somebody has set the highest frequency below the nominal one.
pub(super) fn frequency(observations: &Observations) -> Check {
    let lowest = |file| frequencies(observations, file).filter_map(|text| text.parse::<u64>().ok()).min();
    // Turbo is beyond the nominal frequency, and doing without it is no fault. Not every driver says what is nominal.
    let nominal = lowest("base_frequency").or_else(|| lowest("cpuinfo_max_freq"));
    let (Some(limit), Some(nominal)) = (lowest("scaling_max_freq"), nominal) else {
        return found("frequency", Verdict::Unknown, "the machine does not show its processors' frequency");
    };
    let seen = format!("the processors may run at {} of {} MHz", limit / 1000, nominal / 1000);
    if limit >= nominal {
        let seen = format!("the processors may run at {} MHz", limit / 1000);
        return found("frequency", Verdict::Ok, seen);
    }
    let cure = format!("`cpupower frequency-set --max {nominal}` lets them");
    found("frequency", Verdict::Warn, format!("{seen}: {cure}"))
}

/// Whether a processor runs faster while others rest.
pub(super) fn turbo(observations: &Observations) -> Check {
    let intel = "/sys/devices/system/cpu/intel_pstate/no_turbo";
    let others = "/sys/devices/system/cpu/cpufreq/boost";
    let (on, off) = match (observations.sight.number::<u8>(intel), observations.sight.number::<u8>(others)) {
        (Some(off), _) => (off == 0, format!("echo 1 > {intel}")),
        (None, Some(on)) => (on != 0, format!("echo 0 > {others}")),
        (None, None) => {
            return found("turbo", Verdict::Unknown, "the machine does not show whether its processors have a turbo");
        }
    };
    if !on {
        return found("turbo", Verdict::Ok, "turbo is off: every processor runs as fast alone as beside others");
    }
    let seen = "turbo is on: one core alone runs faster than many, so speed-ups come out too low";
    found("turbo", Verdict::Warn, format!("{seen}; `{off}` turns it off"))
}

/// Whether the machine saves its battery.
pub(super) fn power(observations: &Observations) -> Check {
    let supplies = "/sys/class/power_supply";
    let sight = &observations.sight;
    let discharging = sight.names(supplies).into_iter().find(|name| {
        let says = |file: &str, word: &str| sight.text(format!("{supplies}/{name}/{file}")).as_deref() == Some(word);
        // A mouse has a battery too.
        says("type", "Battery") && says("status", "Discharging") && !says("scope", "Device")
    });
    if discharging.is_some() {
        let seen = "the machine runs on its battery and may slow down to save it: plug it in";
        return found("power", Verdict::Warn, seen);
    }
    found("power", Verdict::Ok, "the machine does not run on a battery")
}

/// Whether cells with many cores share physical cores with themselves.
pub(super) fn second_threads(observations: &Observations) -> Check {
    let mut cores = BTreeSet::new();
    let first = |number: &&usize| cores.insert(siblings(&observations.sight, **number).first().copied());
    let physical = observations.processors.iter().filter(first).count();
    let all = observations.processors.len();
    if physical == all {
        return found("second_threads", Verdict::Ok, format!("cells use up to {}, each a physical core", count(all)));
    }
    let seen = format!(
        "cells use up to {}, of which only {physical} are physical cores; the rest are second hardware threads, which \
         add little: beyond {physical} cores speed-up bends for that reason",
        count(all)
    );
    found("second_threads", Verdict::Warn, format!("{seen}; `--cores` up to {physical} stays below"))
}

/// Whether others may be given the second hardware threads of our cores.
pub(super) fn affinity(observations: &Observations) -> Check {
    let (allowed, online) = (allowed(&observations.sight), online(&observations.sight));
    if allowed.is_empty() || online.is_empty() {
        return found("affinity", Verdict::Unknown, "the system does not say which processors this process may use");
    }
    let seen = match allowed.len() {
        all if all == online.len() => format!("this process may use all there are, {}", count(all)),
        some => format!("this process may use {some} of the {} processors that are online", online.len()),
    };
    let beside = |number: &usize| &(&siblings(&observations.sight, *number) & &online) - &allowed;
    if let Some(foreign) = observations.processors.iter().flat_map(beside).next() {
        let cure = "widen its mask by it, or keep others off it";
        return found(
            "affinity",
            Verdict::Warn,
            format!("{seen}, and processor {foreign}, which shares a core with one of them, is not among them: {cure}"),
        );
    }
    found("affinity", Verdict::Ok, seen)
}

/// Whether the control group's quota stops us.
pub(super) fn quota(observations: &Observations) -> Check {
    let quota = cgroup::quota(&observations.sight);
    let stopped = risen(observations.calibration.before.throttled, observations.calibration.worked.throttled);
    match (quota, stopped) {
        (_, Some(times)) if times > 0 => stopped_by_quota(times, "in half a second"),
        (Some(quota), _) if quota < 1.0 => found(
            "quota",
            Verdict::Warn,
            format!(
                "the control group pays for {quota:.2} of a processor, so even one worker is stopped again and again: \
                 give it a quota of at least 1"
            ),
        ),
        (Some(quota), _) => {
            let used = observations.processors.len();
            found(
                "quota",
                Verdict::Ok,
                format!("the control group pays for {quota:.2} processors, and cells use up to {used}"),
            )
        }
        (None, _) => found("quota", Verdict::Ok, "no quota limits the processor time"),
    }
}

/// The same during the run.
pub(super) fn quota_between(before: &Counters, after: &Counters) -> Check {
    match risen(before.throttled, after.throttled) {
        None => found("quota", Verdict::Unknown, "the system does not count how often a quota stopped the processors"),
        Some(0) => found("quota", Verdict::Ok, "no quota stopped the processors while it was measured"),
        Some(times) => stopped_by_quota(times, "while it was measured"),
    }
}

fn stopped_by_quota(times: u64, when: &str) -> Check {
    let seen = format!("the control group's quota was used up {times} times {when}, and everything stood still");
    found("quota", Verdict::Warn, format!("{seen}: raise the quota, or measure with fewer cores"))
}

/// Whether the processors slow down because of heat.
pub(super) fn heat(observations: &Observations) -> Check {
    heated(&observations.calibration.before, &observations.calibration.worked, "in half a second")
}

/// The same during the run.
pub(super) fn heat_between(before: &Counters, after: &Counters) -> Check {
    heated(before, after, "while it was measured")
}

fn heated(before: &Counters, after: &Counters, when: &str) -> Check {
    let times = risen(before.heat, after.heat);
    let silent = "the machine does not count how often heat slows its processors down";
    counted("heat", times, silent, &|times| match times {
        0 => format!("heat slowed no processor down {when}"),
        _ => format!("heat slowed processors down {times} times {when}: let the machine cool, or cool it better"),
    })
}

/// Clocks that the processor answers by itself, without a call into the kernel.
const QUICK: [&str; 6] =
    ["tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter", "riscv_clocksource", "timebase"];

/// Clocks behind a bus or a hypervisor: a look takes microseconds, and there are two for each job.
const SLOW: [&str; 7] = ["hpet", "acpi_pm", "jiffies", "refined-jiffies", "pit", "xen", "hyperv_clocksource_msr"];

/// Whether a look at the clock is cheap.
pub(super) fn clock(observations: &Observations) -> Check {
    match &observations.calibration.before.clock {
        Some(name) if QUICK.contains(&name.as_str()) => {
            found("clock", Verdict::Ok, format!("the clock is {name}, which is quick"))
        }
        Some(name) if SLOW.contains(&name.as_str()) => {
            let cure = cure_for_clock(&observations.sight);
            found(
                "clock",
                Verdict::Warn,
                format!("the clock is {name}, which is slow, and each job looks twice: {cure}"),
            )
        }
        Some(name) => {
            found("clock", Verdict::Unknown, format!("the clock is {name}; whether it is quick is not known"))
        }
        None => found("clock", Verdict::Unknown, "the system does not say which clock it uses"),
    }
}

fn cure_for_clock(sight: &SystemFiles) -> String {
    let folder = "/sys/devices/system/clocksource/clocksource0";
    let available = sight.text(format!("{folder}/available_clocksource")).unwrap_or_default();
    match available.split_whitespace().find(|name| QUICK.contains(name)) {
        Some(quick) => format!("`echo {quick} > {folder}/current_clocksource` takes a quick one"),
        None => "`dmesg | grep -i clocksource` says why there is no quick one".to_owned(),
    }
}

/// Whether the system gave its clock up during the run.
pub(super) fn clock_between(before: &Counters, after: &Counters) -> Check {
    match (&before.clock, &after.clock) {
        (Some(then), Some(now)) if then == now => {
            found("clock", Verdict::Ok, format!("the clock was {now} from beginning to end"))
        }
        (Some(then), Some(now)) => {
            let cure = "`dmesg | grep -i clocksource` says why; measure again";
            found("clock", Verdict::Warn, format!("the system gave up the clock {then} for {now} meanwhile: {cure}"))
        }
        _ => found("clock", Verdict::Unknown, "the system does not say which clock it uses"),
    }
}
