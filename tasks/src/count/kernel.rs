//! A counting loop that the compiler cannot remove.
//!
//! A compiler replaces `while counter < n { counter += 1 }` by its result, so the loop would take no time. Therefore
//! each increment passes through an empty piece of assembly. As far as the compiler knows, that assembly may change the
//! counter. So the processor really executes one increment, one comparison and one branch per step, with the counter in
//! a register. METHOD.md explains how this was checked.

use std::time::Instant;

/// Counts from zero to `n`, one increment at a time, and returns the counter.
#[inline(never)]
pub fn count_to(n: u64) -> u64 {
    let mut counter = 0;
    while counter < n {
        counter = opaque(counter + 1);
    }
    counter
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[inline(always)]
// Assembly keeps the counter in a register. `black_box` moves the counter through memory and takes twice as long: 1.05
// instead of 0.52 cycles per increment in a measurement.
#[allow(unsafe_code)]
fn opaque(mut counter: u64) -> u64 {
    // SAFETY: the assembly is a comment. It affects only the given register.
    unsafe { std::arch::asm!("/* {0} */", inout(reg) counter, options(nomem, nostack, preserves_flags)) };
    counter
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
#[inline(always)]
fn opaque(counter: u64) -> u64 {
    std::hint::black_box(counter)
}

/// Measures the clock frequency under load, in GHz. Times a chain of multiplications, each of which depends on the one
/// before.
///
/// A multiplication takes three cycles on every x86-64 processor since 2008 and on most others (Agner Fog, "Instruction
/// tables"). A virtual machine has no cycle counter, and the operating system does not report the frequency under load.
pub fn clock_ghz() -> f64 {
    const MULTIPLICATIONS: u32 = 1_000_000;
    const CYCLES: f64 = 3.0;
    let time = || {
        let began = Instant::now();
        let product = (0..MULTIPLICATIONS).fold(3u64, |product, _| opaque(product.wrapping_mul(product)));
        let elapsed = began.elapsed().as_nanos() as f64;
        assert_eq!(product % 2, 1, "odd numbers have odd products");
        elapsed
    };
    // Takes the minimum, because every disturbance lengthens a chain.
    let least = (0..20).map(|_| time()).fold(f64::INFINITY, f64::min);
    f64::from(MULTIPLICATIONS) * CYCLES / least
}

/// Measures counting to `n` and to `2 * n`. Returns the ratio of the two times and the nanoseconds per increment, both
/// as medians of `rounds` pairs.
///
/// Benchmarks and proofs use this. A ratio of 2 and a time above zero show that the loop still exists.
pub fn proportion(n: u64, rounds: usize) -> (f64, f64) {
    let time = |n: u64| {
        let began = Instant::now();
        let counted = count_to(n);
        let elapsed = began.elapsed().as_nanos() as f64;
        assert_eq!(counted, n, "the loop ends at its limit");
        elapsed
    };
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let pairs: Vec<(f64, f64)> = (0..rounds.max(1)).map(|_| (time(n), time(2 * n))).collect();
    let ratio = median(pairs.iter().map(|(once, twice)| twice / once).collect());
    (ratio, median(pairs.iter().map(|(_, twice)| twice / (2 * n) as f64).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn count_to_counts_to_its_limit() {
        for n in [0, 1, 2, 3, 22, 1_000_003] {
            assert_eq!(count_to(n), n);
        }
    }
}
