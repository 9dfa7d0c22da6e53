//! A healthy machine raises no warning. Each injected fault raises exactly its own warning.

use crate::tree::{Tree, core};
use harness::machine::doctor::{
    Calibration, Counters, Observations, Settings, examine, examine_after, refusals, worst_first,
};
use record::{Check, Verdict};
use std::collections::BTreeSet;

const PROCESSORS: [usize; 4] = [0, 1, 2, 3];

/// The kernel's counters: the same values for each processor, and `own` for this process.
#[derive(Clone, Copy)]
struct Ticks {
    busy: u64,
    idle: u64,
    stolen: u64,
    own: u64,
}

/// The counters at the beginning, after 0.25 s of rest, after 0.2 s of work, and after a minute of measuring.
const BEFORE: Ticks = Ticks { busy: 10_000, idle: 90_000, stolen: 7, own: 50 };
const RESTED: Ticks = Ticks { busy: 10_001, idle: 90_024, ..BEFORE };
const WORKED: Ticks = Ticks { busy: 10_021, own: 50 + 4 * 20, ..RESTED };
const MEASURED: Ticks = Ticks { busy: 16_021, own: 50 + 4 * 6_010, ..RESTED };

fn show(tree: &Tree, ticks: Ticks) {
    let Ticks { busy, idle, stolen, own } = ticks;
    let line = |name: String| format!("{name} {busy} 0 0 {idle} 0 0 0 {stolen} 0 0\n");
    let others = PROCESSORS.map(|number| line(format!("cpu{number}"))).concat();
    tree.write("/proc/stat", line("cpu ".to_owned()) + &others + "intr 1 2 3");
    let (parent, child) = (own / 4, own - own / 4);
    let process = |number: u32, parent: u32, ticks: u64, nice: i32| {
        format!("{number} (a (odd) name) S {parent} 7 7 0 -1 0 0 0 0 0 {ticks} 0 0 0 20 {nice} 1 0 99")
    };
    tree.write("/proc/70/stat", process(70, 1, parent, 0));
    tree.write("/proc/self/stat", process(70, 1, parent, 0));
    tree.write("/proc/71/stat", process(71, 70, child, 0));
    // Another program, which was busy earlier.
    tree.write("/proc/80/stat", process(80, 1, 5_000, 0));
}

/// Returns a machine that has no fault and reports everything.
fn healthy() -> Tree {
    let tree = Tree::of(&PROCESSORS.map(|number| core([number])));
    for number in PROCESSORS {
        tree.cpu(number, "cpufreq/scaling_governor", "performance");
        tree.cpu(number, "cpufreq/scaling_max_freq", 3_000_000);
        tree.cpu(number, "cpufreq/cpuinfo_max_freq", 3_000_000);
        tree.cpu(number, "thermal_throttle/core_throttle_count", 3);
        tree.cpu(number, "thermal_throttle/package_throttle_count", 0);
    }
    tree.write("/sys/devices/system/cpu/intel_pstate/no_turbo", 1);
    tree.write("/sys/class/power_supply/AC/type", "Mains");
    tree.write("/sys/class/power_supply/BAT0/type", "Battery");
    tree.write("/sys/class/power_supply/BAT0/status", "Full");
    tree.write("/sys/class/power_supply/mouse/type", "Battery");
    tree.write("/sys/class/power_supply/mouse/status", "Discharging");
    tree.write("/sys/class/power_supply/mouse/scope", "Device");
    tree.second_version("/job");
    tree.write("/sys/fs/cgroup/job/cpu.max", "max 100000");
    tree.write("/sys/fs/cgroup/job/cpu.stat", "usage_usec 1\nnr_periods 9\nnr_throttled 5\nthrottled_usec 1");
    tree.write("/sys/fs/cgroup/job/memory.max", "max");
    tree.write("/proc/meminfo", meminfo(8_000_000, 2_000_000, 1_990_000));
    tree.write("/proc/vmstat", "nr_free_pages 1\npswpin 40\npswpout 60");
    tree.write(CLOCK, "tsc");
    tree.write("/sys/devices/system/clocksource/clocksource0/available_clocksource", "tsc hpet acpi_pm");
    tree.write("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never");
    tree.write("/sys/devices/system/node/online", "0-1");
    tree.write("/sys/devices/system/node/node0/cpulist", "0-1");
    tree.write("/sys/devices/system/node/node1/cpulist", "2-3");
    tree.write("/proc/sys/kernel/numa_balancing", 0);
    tree.write("/proc/sys/kernel/randomize_va_space", 2);
    tree.write("/proc/sys/kernel/perf_event_paranoid", 2);
    tree.write("/sys/bus/event_source/devices/cpu/type", 4);
    tree.write("/proc/self/status", "Name:\tgoldilocks\nTracerPid:\t0");
    tree
}

const CLOCK: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";

fn database(buffer_mib: u64, table_mib: Option<u64>, logged: &str) -> Option<Result<Settings, String>> {
    let (buffer_bytes, table_bytes) = (buffer_mib << 20, table_mib.map(|mib| mib << 20));
    Some(Ok(Settings { buffer_bytes, table_bytes, logged: logged.to_owned() }))
}

fn meminfo(available: u64, swap: u64, free: u64) -> String {
    format!("MemTotal: 16000000 kB\nMemAvailable: {available} kB\nSwapTotal: {swap} kB\nSwapFree: {free} kB")
}

/// A fault, the time of its injection, and the check that finds it.
struct Fault {
    name: &'static str,
    finding: (&'static str, Verdict),
    /// Injected before the first reading.
    always: fn(&Tree),
    /// The counters after rest and after work.
    rest: Ticks,
    work: Ticks,
    meanwhile: fn(&Tree),
    /// A change to observations that no file shows.
    besides: fn(&mut Observations),
}

fn fault(name: &'static str, check: &'static str) -> Fault {
    let finding = (check, Verdict::Warn);
    Fault { name, finding, always: |_| (), rest: RESTED, work: WORKED, meanwhile: |_| (), besides: |_| () }
}

impl Fault {
    fn examined(&self) -> Vec<Check> {
        let tree = healthy();
        (self.always)(&tree);
        let at = |ticks: Ticks| {
            show(&tree, ticks);
            Counters::now(&tree.files(), &PROCESSORS)
        };
        let (before, rested) = (at(BEFORE), at(self.rest));
        (self.meanwhile)(&tree);
        let worked = at(self.work);
        // Inject the fault again, because `show` has overwritten it.
        (self.always)(&tree);
        let mut observations = Observations {
            files: tree.files(),
            processors: PROCESSORS.to_vec(),
            debug: false,
            data_bytes: 20_000_000,
            resident: Some(1.0),
            input_nodes: vec![0.5, 0.5],
            free_bytes: Some(5 << 30),
            database: database(128, Some(80), "none"),
            other_sweeps: Vec::new(),
            calibration: Calibration { before, rested, worked, lost: Some(0.02) },
        };
        (self.besides)(&mut observations);
        examine(&observations)
    }
}

fn faults() -> Vec<Fault> {
    let set = |name, check, always| Fault { always, ..fault(name, check) };
    let besides = |name, check, besides| Fault { besides, ..fault(name, check) };
    vec![
        Fault {
            finding: ("neighbours", Verdict::Refuse),
            rest: Ticks { busy: 10_024, idle: 90_001, ..BEFORE },
            work: Ticks { busy: 10_044, idle: 90_001, own: 50 + 4 * 10, ..BEFORE },
            // The fault also disturbs the loop. That is not a second fault.
            besides: |observations| observations.calibration.lost = Some(0.5),
            ..fault("a busy neighbour", "neighbours")
        },
        Fault {
            finding: ("other_sweeps", Verdict::Refuse),
            besides: |observations| observations.other_sweeps = vec![4711],
            ..fault("another sweep", "other_sweeps")
        },
        Fault {
            finding: ("build", Verdict::Refuse),
            besides: |observations| observations.debug = true,
            ..fault("a debug build", "build")
        },
        Fault {
            always: |tree| tree.write("/sys/fs/cgroup/job/cpu.max", "400000 100000"),
            meanwhile: |tree| tree.write("/sys/fs/cgroup/job/cpu.stat", "nr_periods 20\nnr_throttled 9"),
            besides: |observations| observations.calibration.lost = Some(0.4),
            ..fault("a quota that is used up", "quota")
        },
        set("half a processor", "quota", |tree| tree.write("/sys/fs/cgroup/job/cpu.max", "50000 100000")),
        set("a memory limit below the data", "memory", |tree| tree.write("/sys/fs/cgroup/job/memory.max", 64 << 20)),
        set("a memory limit around us", "memory", |tree| tree.write("/sys/fs/cgroup/memory.max", 64 << 20)),
        set("a memory limit beyond which we are slowed down", "memory", |tree| {
            tree.write("/sys/fs/cgroup/job/memory.high", 64 << 20)
        }),
        set("memory that other programs fill", "memory", |tree| tree.write("/proc/meminfo", meminfo(90_000, 0, 0))),
        besides("a cold page cache", "page_cache", |observations| observations.resident = Some(0.1)),
        set("a powersave governor", "governor", |tree| tree.cpu(2, "cpufreq/scaling_governor", "powersave")),
        set("a frequency limit", "frequency", |tree| tree.cpu(1, "cpufreq/scaling_max_freq", 1_200_000)),
        set("a turbo", "turbo", |tree| tree.write("/sys/devices/system/cpu/intel_pstate/no_turbo", 0)),
        set("a battery", "power", |tree| tree.write("/sys/class/power_supply/BAT0/status", "Discharging")),
        set("second hardware threads", "second_threads", |tree| {
            [0, 2].iter().for_each(|number| tree.cpu(*number, "topology/core_cpus_list", "0,2"));
        }),
        set("a core shared with a processor outside the mask", "affinity", |tree| {
            tree.write("/sys/devices/system/cpu/online", "0-4");
            tree.cpu(3, "topology/core_cpus_list", "3-4");
        }),
        Fault { meanwhile: |tree| tree.cpu(0, "thermal_throttle/core_throttle_count", 11), ..fault("too hot", "heat") },
        set("a slow clock", "clock", |tree| tree.write(CLOCK, "hpet")),
        set("much that is swapped out", "swap", |tree| {
            tree.write("/proc/meminfo", meminfo(8_000_000, 4_000_000, 1_000_000))
        }),
        Fault {
            meanwhile: |tree| tree.write("/proc/vmstat", "nr_free_pages 1\npswpin 40\npswpout 75"),
            ..fault("swapping", "swapping")
        },
        set("huge pages by chance", "huge_pages", |tree| {
            tree.write("/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never")
        }),
        set("memory that the kernel moves", "numa", |tree| tree.write("/proc/sys/kernel/numa_balancing", 1)),
        besides("an input file on one node", "input_nodes", |observations| {
            observations.input_nodes = vec![0.97, 0.03];
        }),
        set("addresses that are always the same", "address_layout", |tree| {
            tree.write("/proc/sys/kernel/randomize_va_space", 0)
        }),
        set("a debugger", "tracer", |tree| tree.write("/proc/self/status", "Name:\tgoldilocks\nTracerPid:\t4711")),
        set("a low priority", "priority", |tree| {
            tree.write("/proc/self/stat", "70 (goldilocks) S 1 7 7 0 -1 0 0 0 0 0 12 0 0 0 39 19 1 0 99")
        }),
        Fault {
            finding: ("counters", Verdict::Unknown),
            always: |tree| tree.write("/proc/sys/kernel/perf_event_paranoid", 4),
            ..fault("counters that only root may read", "counters")
        },
        besides("a full disk", "room", |observations| observations.free_bytes = Some(3 << 20)),
        besides("noise without a cause that shows", "noise", |observations| observations.calibration.lost = Some(0.3)),
        Fault {
            finding: ("noise", Verdict::Refuse),
            besides: |observations| observations.calibration.lost = Some(0.93),
            ..fault("noise for most of the time", "noise")
        },
        Fault {
            work: Ticks { busy: 10_011, stolen: 17, own: 50 + 4 * 10, ..RESTED },
            besides: |observations| observations.calibration.lost = Some(0.5),
            ..fault("a hypervisor that takes time away", "steal")
        },
        besides("a table larger than the buffers", "database", |observations| {
            observations.database = database(16, Some(80), "none");
        }),
        besides("a server that logs everything", "database", |observations| {
            observations.database = database(128, None, "all");
        }),
    ]
}

/// Returns the checks whose verdict is not `Ok`.
fn findings(checks: &[Check]) -> Vec<(&str, Verdict)> {
    let found = checks.iter().filter(|check| check.verdict != Verdict::Ok);
    found.map(|check| (check.name.as_str(), check.verdict)).collect()
}

#[test]
fn a_quiet_healthy_machine_raises_nothing() {
    let checks = fault("none", "").examined();
    assert_eq!(findings(&checks), [], "{checks:#?}");
}

#[test]
fn each_fault_raises_its_own_warning_and_no_other() {
    let faults = faults();
    for fault in &faults {
        let checks = fault.examined();
        // A fault that disturbs the loop explains the noise. The verdict on noise is then `Unknown`, not a warning.
        let (explained, found): (Vec<_>, Vec<_>) =
            findings(&checks).into_iter().partition(|finding| *finding == ("noise", Verdict::Unknown));
        assert_eq!(found, [fault.finding], "{}: {checks:#?}", fault.name);
        let disturbs = ["a busy neighbour", "a quota that is used up", "a hypervisor that takes time away"];
        assert_eq!(explained.len(), usize::from(disturbs.contains(&fault.name)), "{}", fault.name);
        let sentence = &checks.iter().find(|check| check.name == fault.finding.0).expect("it was just found").sentence;
        assert!(sentence.len() > 40 && sentence.contains([':', ';']), "{} names no cure: {sentence}", fault.name);
    }
    let raised: BTreeSet<String> = faults.iter().map(|fault| fault.finding.0.to_owned()).collect();
    let all: BTreeSet<String> = fault("none", "").examined().into_iter().map(|check| check.name).collect();
    assert_eq!(raised, all, "every check can be raised");
    assert!(all.len() >= 15);
}

/// A hypervisor that takes most of the time away makes figures as worthless as a program that does so.
#[test]
fn noise_for_most_of_the_time_refuses_even_if_another_check_explains_it() {
    let stolen = Fault {
        work: Ticks { busy: 10_011, stolen: 17, own: 50 + 4 * 10, ..RESTED },
        besides: |observations| observations.calibration.lost = Some(0.93),
        ..fault("a hypervisor that takes most of the time away", "steal")
    };
    let checks = stolen.examined();
    assert_eq!(findings(&checks), [("noise", Verdict::Refuse), ("steal", Verdict::Warn)], "{checks:#?}");
    let refusals = refusals(&checks);
    assert!(refusals[0].contains("93.0 %") && refusals[0].contains("`steal` explains: "), "{refusals:?}");
}

#[test]
fn a_machine_that_reports_nothing_is_unknown_and_not_at_fault() {
    let files = Tree::bare().files();
    let nothing = Counters::now(&files, &[0]);
    let calibration =
        Calibration { before: nothing.clone(), rested: nothing.clone(), worked: nothing.clone(), lost: None };
    let observations = Observations {
        files,
        processors: vec![0],
        debug: false,
        data_bytes: 0,
        resident: None,
        input_nodes: Vec::new(),
        free_bytes: None,
        database: None,
        other_sweeps: Vec::new(),
        calibration,
    };
    let checks = examine(&observations);
    let faults = checks.iter().filter(|check| check.verdict > Verdict::Unknown);
    assert_eq!(faults.count(), 0, "{checks:#?}");
    assert!(findings(&checks).len() > 15, "{checks:#?}");
    assert!(examine_after(&nothing, &nothing).iter().all(|check| check.verdict == Verdict::Unknown));
}

#[test]
fn an_input_file_on_one_node_matters_only_to_cells_on_other_nodes() {
    let verdict = |file: &[f64], processors: &[usize], online: &str| {
        let tree = healthy();
        tree.write("/sys/devices/system/node/online", online);
        show(&tree, BEFORE);
        let counters = Counters::now(&tree.files(), &PROCESSORS);
        let [before, rested, worked] = [(); 3].map(|()| counters.clone());
        let observations = Observations {
            files: tree.files(),
            processors: processors.to_vec(),
            debug: false,
            data_bytes: 0,
            resident: None,
            input_nodes: file.to_vec(),
            free_bytes: None,
            database: None,
            other_sweeps: Vec::new(),
            calibration: Calibration { before, rested, worked, lost: None },
        };
        let checks = examine(&observations);
        checks.into_iter().find(|check| check.name == "input_nodes").expect("it is checked").verdict
    };
    assert_eq!(verdict(&[0.0, 1.0], &[0, 1, 2, 3], "0-1"), Verdict::Warn);
    assert_eq!(verdict(&[1.0], &[0, 1], "0-1"), Verdict::Ok, "the cells use that node only");
    assert_eq!(verdict(&[0.0, 1.0], &[0, 1], "0-1"), Verdict::Warn, "the cells use the other node only");
    assert_eq!(verdict(&[0.7, 0.3], &[0, 1, 2, 3], "0-1"), Verdict::Ok);
    assert_eq!(verdict(&[], &[0, 1, 2, 3], "0-1"), Verdict::Unknown);
    assert_eq!(verdict(&[], &[0, 1, 2, 3], "0"), Verdict::Ok, "there is one node");
}

#[test]
fn what_happens_during_the_run_is_found_afterwards() {
    type Event = (&'static str, fn(&Tree), Ticks);
    let stolen = Ticks { busy: 13_021, stolen: 3_007, own: 50 + 4 * 3_010, ..RESTED };
    let crowded = Ticks { own: 50 + 4 * 2_000, ..MEASURED };
    let events: [Event; 7] = [
        ("", |_| (), MEASURED),
        ("quota", |tree| tree.write("/sys/fs/cgroup/job/cpu.stat", "nr_throttled 6"), MEASURED),
        ("heat", |tree| tree.cpu(3, "thermal_throttle/core_throttle_count", 4), MEASURED),
        ("swapping", |tree| tree.write("/proc/vmstat", "pswpin 41\npswpout 60"), MEASURED),
        ("clock", |tree| tree.write(CLOCK, "hpet"), MEASURED),
        ("steal", |_| (), stolen),
        ("neighbours", |_| (), crowded),
    ];
    for (expected, happen, ticks) in events {
        let tree = healthy();
        show(&tree, WORKED);
        let before = Counters::now(&tree.files(), &PROCESSORS);
        happen(&tree);
        show(&tree, ticks);
        let checks = examine_after(&before, &Counters::now(&tree.files(), &PROCESSORS));
        let expected: Vec<_> = [(expected, Verdict::Warn)].into_iter().filter(|(name, _)| !name.is_empty()).collect();
        assert_eq!(findings(&checks), expected, "{checks:#?}");
    }
}

#[test]
fn our_own_processes_are_no_neighbours() {
    let tree = healthy();
    show(&tree, BEFORE);
    let before = Counters::now(&tree.files(), &PROCESSORS);
    // This process uses all processors all the time.
    show(&tree, Ticks { busy: BEFORE.busy + 100, own: BEFORE.own + 400, ..BEFORE });
    let after = Counters::now(&tree.files(), &PROCESSORS);
    assert_eq!(after.used_by_others(&before), Some(0.0));
    assert_eq!(after.used_by_others(&after), None, "no time has passed");
}

#[test]
fn the_three_busiest_programs_are_named() {
    let tree = healthy();
    let programs = |ticks: [u64; 5]| {
        for ((number, name), ticks) in (81..).zip(["rustc", "rustc", "idle", "dockerd", "gzip"]).zip(ticks) {
            tree.write(
                &format!("/proc/{number}/stat"),
                format!("{number} ({name}) R 1 7 7 0 -1 0 0 0 0 0 {ticks} 0 0 0 20 0 1 0 99"),
            );
        }
    };
    show(&tree, BEFORE);
    programs([100, 100, 9_000, 500, 0]);
    let before = Counters::now(&tree.files(), &PROCESSORS);
    programs([106, 105, 9_000, 507, 3]);
    show(&tree, Ticks { busy: BEFORE.busy + 100, own: BEFORE.own + 9, ..BEFORE });
    let after = Counters::now(&tree.files(), &PROCESSORS);
    assert_eq!(after.busiest(&before), ["rustc", "dockerd", "gzip"]);
    assert_eq!(after.busiest(&after), [""; 0]);
    let checks = examine_after(&before, &after);
    let neighbours = checks.iter().find(|check| check.name == "neighbours").expect("it is checked");
    assert!(neighbours.sentence.contains("mostly rustc, dockerd, gzip: "), "{}", neighbours.sentence);
}

#[test]
fn the_worst_comes_first_and_only_a_refusal_stops_a_sweep() {
    let check = |name: &str, verdict| Check { name: name.to_owned(), verdict, sentence: format!("{name}.") };
    let checks = worst_first(vec![
        check("a", Verdict::Ok),
        check("b", Verdict::Warn),
        check("c", Verdict::Unknown),
        check("d", Verdict::Refuse),
        check("e", Verdict::Warn),
    ]);
    let names: String = checks.iter().map(|check| check.name.as_str()).collect();
    assert_eq!(names, "dbeca");
    assert_eq!(refusals(&checks), ["d."]);
}
