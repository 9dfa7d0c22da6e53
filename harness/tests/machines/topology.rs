//! The order in which cells get processors, on many kinds of machines.

use crate::tree::{Core, Tree, core};
use harness::machine::topology::Topology;
use record::{Boundary, BoundaryKind};

/// Returns the processors of `tree` that a process may use, and the number of physical cores among them.
fn seen(tree: &Tree) -> (Vec<usize>, usize) {
    let Topology { processors, physical, .. } = Topology::read(&tree.files());
    (processors, physical)
}

fn eight_cores() -> Tree {
    Tree::of(&(0..8).map(|number| core([number])).collect::<Vec<_>>())
}

#[test]
fn a_small_virtual_machine_has_its_two_cores_in_order() {
    let tree = Tree::of(&[core([0]), core([1])]);
    // Both cgroup versions are mounted, and neither sets a limit.
    tree.first_version("/", "/");
    tree.write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", -1);
    tree.write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", 100_000);
    assert_eq!(seen(&tree), (vec![0, 1], 2));
}

/// Returns 32 cores on two sockets. `threads` maps a core's index in the machine and on its socket to its thread
/// numbers.
fn two_sockets(threads: fn(usize, usize) -> [usize; 2]) -> Vec<Core> {
    let places = (0..2).flat_map(|package| (0..16).map(move |core| (package, core)));
    let of = |(package, core): (usize, usize)| Core {
        threads: threads(package, core).to_vec(),
        package,
        node: package,
        cache: package,
        capacity: 1024,
    };
    places.map(of).collect()
}

#[test]
fn the_first_socket_is_filled_first_and_sibling_threads_come_last() {
    let tree = Tree::of(&two_sockets(|package, core| [16 * package + core, 32 + 16 * package + core]));
    assert_eq!(seen(&tree), ((0..64).collect(), 32));
    let tree = Tree::of(&two_sockets(|package, core| [2 * core + package, 32 + 2 * core + package]));
    let first: Vec<usize> = (0..32).step_by(2).chain((1..32).step_by(2)).collect();
    let second = first.iter().map(|number| number + 32);
    assert_eq!(seen(&tree), (first.iter().copied().chain(second).collect(), 32));
}

/// Returns the boundaries of `tree` as core counts and kinds.
fn boundaries(tree: &Tree) -> Vec<(usize, BoundaryKind)> {
    let boundaries = Topology::read(&tree.files()).boundaries().into_iter();
    boundaries.map(|Boundary { cores, kind }| (cores, kind)).collect()
}

/// Returns `count` physical cores with `threads` hardware threads each. The siblings have the highest numbers. A socket has
/// `socket` cores, a NUMA node `node` and a last-level cache `cache`.
fn server(count: usize, threads: usize, [socket, node, cache]: [usize; 3]) -> Tree {
    let of = |number: usize| Core {
        threads: (0..threads).map(|thread| number + thread * count).collect(),
        package: number / socket,
        node: number / node,
        cache: number / cache,
        capacity: 1024,
    };
    Tree::of(&(0..count).map(of).collect::<Vec<_>>())
}

#[test]
fn boundaries_are_where_another_kind_of_processor_follows() {
    use BoundaryKind::{Cache, FastCores, Node, Physical, Socket};
    assert_eq!(boundaries(&eight_cores()), []);
    assert_eq!(boundaries(&server(4, 2, [4; 3])), [(4, Physical)]);
    // Two sockets, which are also two NUMA nodes and two caches.
    assert_eq!(boundaries(&server(16, 2, [8; 3])), [(8, Socket), (16, Physical)]);
    // 64 cores on one socket: two NUMA nodes, and a cache for every eight cores. Only the first cache counts.
    assert_eq!(boundaries(&server(64, 1, [64, 32, 8])), [(8, Cache), (32, Node)]);
    // 128 hardware threads.
    let large = server(64, 2, [32, 16, 16]);
    assert_eq!(boundaries(&large), [(16, Node), (32, Socket), (48, Node), (64, Physical)]);
    // A cache of one core is shared by nobody.
    assert_eq!(boundaries(&server(4, 1, [4, 4, 1])), []);
    let fast = (0..6).map(|number| core([2 * number, 2 * number + 1]));
    let hybrid = Tree::of(&fast.chain((12..20).map(|number| core([number]))).collect::<Vec<_>>());
    hybrid.write("/sys/devices/cpu_core/cpus", "0-11");
    hybrid.write("/sys/devices/cpu_atom/cpus", "12-19");
    assert_eq!(boundaries(&hybrid), [(6, FastCores), (14, Physical)]);
    assert_eq!(boundaries(&Tree::bare()), []);
}

#[test]
fn a_mask_or_a_quota_moves_the_boundaries() {
    let tree = server(16, 2, [8; 3]);
    tree.mask(&(4..20).collect::<Vec<_>>());
    // Cores 4 to 15 are complete. Processors 16 to 19 have their cores 0 to 3 to themselves.
    assert_eq!(boundaries(&tree), [(8, BoundaryKind::Socket)]);
    tree.mask(&(0..8).collect::<Vec<_>>());
    assert_eq!(boundaries(&tree), []);
    let tree = server(16, 2, [8; 3]);
    tree.second_version("/");
    tree.write("/sys/fs/cgroup/cpu.max", "1200000 100000");
    assert_eq!(boundaries(&tree), [(8, BoundaryKind::Socket)]);
}

#[test]
fn the_cores_of_a_numa_node_stay_together_even_if_all_share_a_cache() {
    // Sub-NUMA clusters may have interleaved numbers.
    let of = |number: usize| Core { node: number % 2, ..core([number]) };
    let tree = Tree::of(&(0..8).map(of).collect::<Vec<_>>());
    assert_eq!(seen(&tree).0, [0, 2, 4, 6, 1, 3, 5, 7]);
    assert_eq!(Topology::read(&tree.files()).nodes(), [0, 0, 0, 0, 1, 1, 1, 1]);
    assert_eq!(boundaries(&tree), [(4, BoundaryKind::Node)]);
}

#[test]
fn with_smt_off_the_second_threads_are_offline_and_never_taken() {
    let tree = Tree::of(&two_sockets(|package, core| [16 * package + core, 32 + 16 * package + core]));
    tree.online(&(0..32).collect::<Vec<_>>());
    // The kernel removes offline processors from the sibling lists but not from the affinity mask.
    for number in 0..32 {
        tree.cpu(number, "topology/core_cpus_list", number);
        tree.cpu(number, "topology/thread_siblings_list", number);
    }
    assert_eq!(seen(&tree), ((0..32).collect(), 32));
}

#[test]
fn fast_cores_come_first_and_sibling_threads_last() {
    let fast = (0..6).map(|number| core([2 * number, 2 * number + 1]));
    let tree = Tree::of(&fast.chain((12..20).map(|number| core([number]))).collect::<Vec<_>>());
    tree.write("/sys/devices/cpu_core/cpus", "0-11");
    tree.write("/sys/devices/cpu_atom/cpus", "12-19");
    let expected = vec![0, 2, 4, 6, 8, 10, 12, 13, 14, 15, 16, 17, 18, 19, 1, 3, 5, 7, 9, 11];
    assert_eq!(seen(&tree), (expected, 14));
}

#[test]
fn where_cores_have_a_capacity_the_largest_comes_first() {
    let of = |number: usize, capacity: usize| Core { capacity, cache: number / 4, ..core([number]) };
    let capacities = [446, 446, 446, 446, 871, 871, 871, 1024];
    let tree = Tree::of(&capacities.iter().enumerate().map(|(number, size)| of(number, *size)).collect::<Vec<_>>());
    assert_eq!(seen(&tree).0, [7, 4, 5, 6, 0, 1, 2, 3]);
}

#[test]
fn a_favoured_core_does_not_separate_cores_that_share_a_cache() {
    let of =
        |number: usize| Core { cache: number / 2, capacity: if number == 3 { 1024 } else { 990 }, ..core([number]) };
    assert_eq!(seen(&Tree::of(&[of(0), of(1), of(2), of(3)])).0, [0, 1, 2, 3]);
}

#[test]
fn cores_that_share_a_cache_stay_together() {
    // Four caches. Consecutive processor numbers belong to different caches.
    let of = |number: usize| Core { cache: number % 4, ..core([number, 16 + number]) };
    let tree = Tree::of(&(0..16).map(of).collect::<Vec<_>>());
    let first = [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15];
    let second = first.map(|number| number + 16);
    assert_eq!(seen(&tree), ([first, second].concat(), 16));
}

#[test]
fn cgroup_v2_quota_is_rounded_down() {
    for (limit, expected) in [("150000 100000", 1), ("50000 100000", 1), ("250000 100000", 2), ("max 100000", 8)] {
        let tree = eight_cores();
        tree.second_version("/");
        tree.write("/sys/fs/cgroup/cpu.max", limit);
        assert_eq!(seen(&tree), ((0..expected).collect(), expected), "{limit}");
    }
}

#[test]
fn cgroup_v1_quota_is_rounded_down() {
    // Inside the container, the container's cgroup is the root of the mount, but `/proc/self/cgroup` shows the path on
    // the host.
    for (group, root) in [("/docker/4f", "/docker/4f"), ("/", "/"), ("/docker/4f", "/")] {
        for (limit, expected) in [(150_000, 1), (50_000, 1), (250_000, 2), (-1, 8)] {
            let tree = eight_cores();
            tree.first_version(group, root);
            let folder = if group == root { "" } else { group };
            tree.write(&format!("/sys/fs/cgroup/cpu,cpuacct{folder}/cpu.cfs_quota_us"), limit);
            tree.write(&format!("/sys/fs/cgroup/cpu,cpuacct{folder}/cpu.cfs_period_us"), 100_000);
            assert_eq!(seen(&tree), ((0..expected).collect(), expected), "{limit} in {group} of {root}");
        }
    }
}

#[test]
fn the_smallest_quota_on_the_path_to_the_root_counts() {
    for (outer, inner) in [("300000 100000", "600000 100000"), ("600000 100000", "300000 100000")] {
        let tree = eight_cores();
        tree.second_version("/system.slice/job.service/child");
        tree.write("/sys/fs/cgroup/system.slice/cpu.max", outer);
        tree.write("/sys/fs/cgroup/system.slice/job.service/cpu.max", inner);
        tree.write("/sys/fs/cgroup/system.slice/job.service/child/cpu.max", "max 100000");
        // The quota of a different group.
        tree.write("/sys/fs/cgroup/user.slice/cpu.max", "100000 100000");
        assert_eq!(seen(&tree).0, [0, 1, 2]);
    }
}

#[test]
fn the_quota_keeps_the_first_processors_in_cell_order() {
    let tree = Tree::of(&[core([0, 1]), core([2, 3]), core([4, 5])]);
    tree.second_version("/");
    tree.write("/sys/fs/cgroup/cpu.max", "400000 100000");
    assert_eq!(seen(&tree), (vec![0, 2, 4, 1], 3));
}

#[test]
fn a_mask_leaves_out_what_it_forbids() {
    let tree = Tree::of(&[core([0, 4]), core([1, 5]), core([2, 6]), core([3, 7])]);
    tree.mask(&[1, 2, 6]);
    assert_eq!(seen(&tree), (vec![1, 2, 6], 2));
    // A hardware thread whose sibling is forbidden has the core to itself.
    tree.mask(&[4, 5, 2]);
    assert_eq!(seen(&tree), (vec![4, 5, 2], 3));
}

#[test]
fn a_machine_that_reports_nothing_has_one_processor() {
    assert_eq!(seen(&Tree::bare()), (vec![0], 1));
}

#[test]
fn this_machine_gives_what_the_kernel_allows() {
    let topology = Topology::here();
    let allowed = rustix::thread::sched_getaffinity(None).unwrap();
    assert!(topology.processors.iter().all(|number| allowed.is_set(*number)));
    assert_eq!(topology.processors.len(), std::thread::available_parallelism().unwrap().get());
    assert!((1..=topology.processors.len()).contains(&topology.physical));
}
