//! Tests the readers of other formats on arbitrary bytes, plain and compressed.
#![no_main]

use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use std::io::Write;

fuzz_target!(|input: (u8, &[u8])| {
    let (kind, bytes) = input;
    // Bytes compressed here reach the lines. Other bytes reach the decompressors.
    match kind % 4 {
        0 => {
            let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(bytes).expect("memory takes everything");
            fuzz::reader_agrees(&encoder.finish().expect("memory takes everything"));
        }
        1 => fuzz::reader_agrees(&compress_to_vec(bytes, CompressionLevel::Fastest)),
        _ => fuzz::reader_agrees(bytes),
    }
});
