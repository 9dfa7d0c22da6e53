//! Checks the processors: frequency, quota, heat, shared cores and the clock.

use super::finding::{CALIBRATION, Finding, RUN, count, counted, ok, unknown, warn};
use crate::machine::doctor::counters::{Counters, risen};
use crate::machine::doctor::observations::Observations;
use crate::machine::topology::{allowed, online, siblings};
use std::collections::BTreeSet;
use system::cgroup;
use system::sysfs::SystemFiles;

/// Reads a file in the `cpufreq` folder of each processor in use.
fn frequencies<'a>(observations: &'a Observations, file: &'a str) -> impl Iterator<Item = String> + 'a {
    let path = move |number: &usize| format!("/sys/devices/system/cpu/cpu{number}/cpufreq/{file}");
    observations.processors.iter().filter_map(move |number| observations.files.text(path(number)))
}

/// Checks that the governor keeps the frequency constant.
pub(super) fn governor(observations: &Observations) -> Finding {
    let governors: BTreeSet<String> = frequencies(observations, "scaling_governor").collect();
    if governors.is_empty() {
        return unknown("the machine does not report its frequency governor");
    }
    let seen = format!("the frequency governor is {}", Vec::from_iter(governors.iter().map(String::as_str)).join(", "));
    match governors.iter().all(|governor| governor == "performance") {
        true => ok(seen),
        false => warn(format!(
            "{seen}, which changes the frequency with the load: `cpupower frequency-set --governor performance` holds it"
        )),
    }
}

/// Checks that the frequency limit is not below the nominal frequency.
pub(super) fn frequency(observations: &Observations) -> Finding {
    let lowest = |file| frequencies(observations, file).filter_map(|text| text.parse::<u64>().ok()).min();
    // Turbo frequencies are above the nominal one, so a limit that excludes only turbo is acceptable. Not every driver
    // reports the nominal frequency.
    let nominal = lowest("base_frequency").or_else(|| lowest("cpuinfo_max_freq"));
    let (Some(limit), Some(nominal)) = (lowest("scaling_max_freq"), nominal) else {
        return unknown("the machine does not report its processors' frequency");
    };
    let (limit_mhz, nominal_mhz) = (limit / 1000, nominal / 1000);
    match limit >= nominal {
        true => ok(format!("the processors may run at {limit_mhz} MHz")),
        false => warn(format!(
            "the processors may run at {limit_mhz} of {nominal_mhz} MHz: `cpupower frequency-set --max {nominal}` lifts \
             the limit"
        )),
    }
}

/// Checks that no processor runs faster while others rest.
pub(super) fn turbo(observations: &Observations) -> Finding {
    let intel = "/sys/devices/system/cpu/intel_pstate/no_turbo";
    let others = "/sys/devices/system/cpu/cpufreq/boost";
    let (on, off) = match (observations.files.number::<u8>(intel), observations.files.number::<u8>(others)) {
        (Some(off), _) => (off == 0, format!("echo 1 > {intel}")),
        (None, Some(on)) => (on != 0, format!("echo 0 > {others}")),
        (None, None) => return unknown("the machine does not report whether its processors have a turbo"),
    };
    match on {
        true => warn(format!(
            "turbo is on, so one core alone runs faster than many, and speed-ups come out too low: `{off}` turns it off"
        )),
        false => ok("turbo is off: every processor runs as fast alone as beside others"),
    }
}

/// Checks that the machine does not run on a battery.
pub(super) fn power(observations: &Observations) -> Finding {
    let supplies = "/sys/class/power_supply";
    let files = &observations.files;
    let discharging = files.names(supplies).into_iter().any(|name| {
        let says = |file: &str, word: &str| files.text(format!("{supplies}/{name}/{file}")).as_deref() == Some(word);
        // A mouse has a battery too.
        says("type", "Battery") && says("status", "Discharging") && !says("scope", "Device")
    });
    match discharging {
        true => warn("the machine runs on its battery and may slow down to save it: plug it in"),
        false => ok("the machine does not run on a battery"),
    }
}

/// Checks whether a cell with many cores uses both hardware threads of a physical core.
pub(super) fn second_threads(observations: &Observations) -> Finding {
    let first = |number: &usize| siblings(&observations.files, *number).first().copied();
    let physical = observations.processors.iter().map(first).collect::<BTreeSet<_>>().len();
    let all = observations.processors.len();
    match physical == all {
        true => ok(format!("cells use up to {}, each a physical core", count(all))),
        false => warn(format!(
            "cells use up to {}, of which only {physical} are physical cores; the rest are sibling hyperthreads, which add \
             little, so speed-up flattens beyond {physical} cores: `--cores` up to {physical} avoids them",
            count(all)
        )),
    }
}

/// Checks that the affinity mask includes the sibling hyperthreads of our processors. Other programs may run on a
/// sibling outside the mask.
pub(super) fn affinity(observations: &Observations) -> Finding {
    let (allowed, online) = (allowed(&observations.files), online(&observations.files));
    if allowed.is_empty() || online.is_empty() {
        return unknown("the kernel does not report which processors this process may use");
    }
    let seen = match allowed.len() {
        all if all == online.len() => format!("this process may use all {}", count(all)),
        some => format!("this process may use {some} of the {} processors that are online", online.len()),
    };
    let forbidden = |number: &usize| &(&siblings(&observations.files, *number) & &online) - &allowed;
    match observations.processors.iter().flat_map(forbidden).next() {
        Some(sibling) => warn(format!(
            "{seen}, but not processor {sibling}, which shares a core with one of them: add it to the affinity mask, or \
             keep other programs off it"
        )),
        None => ok(seen),
    }
}

/// Checks that the control group's quota does not throttle us.
pub(super) fn quota(observations: &Observations) -> Finding {
    let calibration = &observations.calibration;
    let stops = risen(calibration.before.throttled, calibration.worked.throttled).unwrap_or_default();
    match cgroup::quota(&observations.files) {
        _ if stops > 0 => stopped_by_quota(stops, CALIBRATION),
        Some(quota) if quota < 1.0 => warn(format!(
            "the control group grants {quota:.2} of a processor, so even one worker is stopped again and again: grant at \
             least 1"
        )),
        Some(quota) => ok(format!(
            "the control group grants {quota:.2} processors, and cells use up to {}",
            observations.processors.len()
        )),
        None => ok("no quota limits the processor time"),
    }
}

/// Checks that no quota throttled us during the run.
pub(super) fn quota_between(before: &Counters, after: &Counters) -> Finding {
    match risen(before.throttled, after.throttled) {
        None => unknown("the kernel does not count how often a quota stopped the processors"),
        Some(0) => ok(format!("no quota stopped the processors {RUN}")),
        Some(times) => stopped_by_quota(times, RUN),
    }
}

fn stopped_by_quota(times: u64, when: &str) -> Finding {
    warn(format!(
        "the control group's quota stopped all work {times} times {when}: raise the quota, or measure with fewer cores"
    ))
}

/// Checks that heat did not slow the processors down during the calibration.
pub(super) fn heat(observations: &Observations) -> Finding {
    heated(&observations.calibration.before, &observations.calibration.worked, CALIBRATION)
}

/// Checks that heat did not slow the processors down during the run.
pub(super) fn heat_between(before: &Counters, after: &Counters) -> Finding {
    heated(before, after, RUN)
}

fn heated(before: &Counters, after: &Counters, when: &str) -> Finding {
    let silent = "the machine does not count how often heat slows its processors down";
    counted(risen(before.heat, after.heat), silent, format!("heat slowed no processor down {when}"), |times| {
        format!("heat slowed processors down {times} times {when}: let the machine cool, or cool it better")
    })
}

/// Clocks that a program reads without a system call.
const FAST: [&str; 6] =
    ["tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter", "riscv_clocksource", "timebase"];

/// Clocks behind a bus or a hypervisor. A reading takes microseconds, and each job needs two readings.
const SLOW: [&str; 7] = ["hpet", "acpi_pm", "jiffies", "refined-jiffies", "pit", "xen", "hyperv_clocksource_msr"];

/// Checks that reading the clock is cheap.
pub(super) fn clock(observations: &Observations) -> Finding {
    match &observations.calibration.before.clock {
        Some(name) if FAST.contains(&name.as_str()) => ok(format!("the clock is {name}, which is fast")),
        Some(name) if SLOW.contains(&name.as_str()) => {
            let cure = cure_for_clock(&observations.files);
            warn(format!("the clock is {name}, which is slow, and each job reads it twice: {cure}"))
        }
        Some(name) => unknown(format!("the clock is {name}; whether it is fast is not known")),
        None => unknown("the kernel does not report its clock"),
    }
}

fn cure_for_clock(files: &SystemFiles) -> String {
    let folder = "/sys/devices/system/clocksource/clocksource0";
    let available = files.text(format!("{folder}/available_clocksource")).unwrap_or_default();
    match available.split_whitespace().find(|name| FAST.contains(name)) {
        Some(fast) => format!("`echo {fast} > {folder}/current_clocksource` selects a fast one"),
        None => "`dmesg | grep -i clocksource` says why there is no fast one".to_owned(),
    }
}

/// Checks that the kernel kept its clock during the run.
pub(super) fn clock_between(before: &Counters, after: &Counters) -> Finding {
    match (&before.clock, &after.clock) {
        (Some(then), Some(now)) if then == now => ok(format!("the clock was {now} {RUN}")),
        (Some(then), Some(now)) => warn(format!(
            "the kernel replaced the clock {then} by {now} {RUN}: `dmesg | grep -i clocksource` says why; measure again"
        )),
        _ => unknown("the kernel does not report its clock"),
    }
}
