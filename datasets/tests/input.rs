//! Files that a user may name: every format is read with its lines, or refused by name with a command that converts it.

#![allow(clippy::unwrap_used)]

use datasets::input::{Kind, check, convert, earlier, plain};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use kernels::line;
use proptest::collection::vec;
use proptest::prelude::*;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const LINES: &str = "Aardvark\t1999\t5\t1\nAardvark\t2000\t7\t1\n";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

fn utf_16(text: &str, big_endian: bool) -> Vec<u8> {
    let units = text.encode_utf16();
    units.flat_map(|unit| if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

/// Converts bytes to plain lines. The error is the message.
fn converted(bytes: &[u8]) -> Result<String, String> {
    let mut out = Vec::new();
    convert(Path::new("a.tsv"), bytes, &mut out).map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

#[test]
fn readable_formats_give_the_same_lines() {
    let version3 = "Aardvark\t1999,5,1\t2000,7,1\n";
    let skippable = [b"\x53\x2a\x4d\x18\x04\0\0\0skip".as_slice(), &zstd(LINES.as_bytes())].concat();
    let (first, second) = LINES.split_at(18);
    let readable = [
        LINES.as_bytes().to_vec(),
        LINES.trim_end().as_bytes().to_vec(),
        format!("\u{feff}{LINES}").into_bytes(),
        version3.as_bytes().to_vec(),
        format!("\u{feff}{version3}").into_bytes(),
        gzip(LINES.as_bytes()),
        gzip(version3.trim_end().as_bytes()),
        gzip(format!("\u{feff}{version3}").as_bytes()),
        [gzip(first.as_bytes()), gzip(b""), gzip(second.as_bytes())].concat(),
        zstd(LINES.as_bytes()),
        zstd(version3.as_bytes()),
        [zstd(first.as_bytes()), zstd(second.as_bytes())].concat(),
        skippable,
    ];
    for bytes in readable {
        assert_eq!(converted(&bytes), Ok(LINES.to_owned()), "{:?}", String::from_utf8_lossy(&bytes));
    }
}

/// Foreign files with what the message says, and whether its command gives [`LINES`].
fn foreign() -> Vec<(Vec<u8>, &'static str, bool)> {
    let text = |text: &str| text.as_bytes().to_vec();
    let crlf = LINES.replace('\n', "\r\n");
    let csv = LINES.replace('\t', ",");
    let header = format!("ngram\tyear\tmatch_count\tvolume_count\n{LINES}");
    vec![
        (text("Aardvark\t1999\t5\t9\t1\nAardvark\t2000\t7\t9\t1\n"), "has the five columns of the 2009 format", true),
        (text(&crlf), "has lines that end in CR LF", true),
        (text(&LINES.replace('\n', "\r")), "has lines that end in CR alone", true),
        (text(&header), "begins with a header line", true),
        (text(&csv), "separates its columns with `,`", true),
        (text(&LINES.replace('\t', ";")), "separates its columns with `;`", true),
        (text(&LINES.replace('\t', "|")), "separates its columns with `|`", true),
        (text(&LINES.replace('\t', " ")), "separates its columns with blanks", true),
        (text(&format!("ngram,year,match_count,volume_count\n{csv}")), "begins with a header line and separates", true),
        (text("\"Aardvark\",1999,5,1\n\"Aardvark\",\"2000\",7,1\n"), "separates its columns with `,`", true),
        (text(&header.replace('\n', "\r\n")), "has lines that end in CR LF and begins with a header line", true),
        (utf_16(LINES, false), "is UTF-16LE text", true),
        (utf_16(LINES, true), "is UTF-16BE text", true),
        (utf_16(&format!("\u{feff}{LINES}"), false), "is UTF-16 text", true),
        (utf_16(&format!("\u{feff}{LINES}"), true), "is UTF-16 text", true),
        (utf_16(&format!("\u{feff}{crlf}"), false), "is UTF-16 text and has lines that end in CR LF", true),
        (gzip(crlf.as_bytes()), "is compressed with gzip and has lines that end in CR LF", true),
        (gzip(&gzip(LINES.as_bytes())), "is compressed with gzip and is compressed with gzip", true),
        (gzip(&utf_16(LINES, false)), "is compressed with gzip and is UTF-16LE text", true),
        (text("BZh91AY&SY"), "is compressed with bzip2; ", false),
        (b"\xfd7zXZ\0\0\x04".to_vec(), "is compressed with xz; ", false),
        (text("PK\u{3}\u{4}\n\0"), "is a zip archive; ", false),
        (text("PAR1\u{15}\u{4}"), "is a Parquet file; ", false),
        ([vec![b'a'; 257], text("ustar\0")].concat(), "is a tar archive; ", false),
        (text("<!DOCTYPE html>\n<title>404</title>"), "is an HTML page", false),
        (text("{\"ngram\": \"a\"}\n"), "is JSON; ", false),
        (text(""), "is empty; ", false),
        (text("\u{feff}"), "is empty; ", false),
        (text(" \n\n\t \n"), "is blank; ", false),
        (vec![0; 100_000], "begins with NUL bytes", false),
    ]
}

#[test]
fn foreign_files_are_named_with_the_expected_columns_and_no_control_characters() {
    for (bytes, is, _) in foreign() {
        let message = converted(&bytes).unwrap_err();
        assert!(message.starts_with("a.tsv ") && message.contains(is), "{is}: {message}");
        assert!(message.contains(Kind::Grams.expected()) && !message.contains(char::is_control), "{message:?}");
        // A task that reads a file in place says the same. It accepts an empty file, and decompresses nothing.
        if !bytes.is_empty() && !bytes.starts_with(b"\x1f\x8b") {
            let head = &bytes[..bytes.len().min(datasets::input::HEAD)];
            let checked = check(Kind::Grams, Path::new("a.tsv"), head, head.len() == bytes.len());
            assert_eq!(checked.unwrap_err().to_string(), message);
        }
    }
}

#[test]
fn the_command_of_a_message_converts_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut tried = 0;
    for (bytes, is, _) in foreign().into_iter().filter(|(.., converts)| *converts) {
        let path = folder.path().join("it's a file -x.tsv");
        fs::write(&path, &bytes).unwrap();
        let message = plain(Kind::Grams, &[path], folder.path(), &|_| ()).unwrap_err().to_string();
        let command = message.split('`').find(|part| part.ends_with("> plain.tsv")).expect("a command");
        if command.starts_with("python3") && Command::new("python3").arg("--version").output().is_err() {
            continue;
        }
        let ran = Command::new("sh").args(["-c", command]).current_dir(folder.path()).stderr(Stdio::inherit()).status();
        assert!(ran.unwrap().success(), "{command}");
        assert_eq!(fs::read_to_string(folder.path().join("plain.tsv")).unwrap(), LINES, "{is}: {command}");
        tried += 1;
    }
    assert!(tried > 10);
}

/// A format that stores text as it is begins with a first line that looks valid.
#[test]
fn text_stored_in_a_compressed_file_or_an_archive_is_not_taken_for_lines() {
    let line = b"Aardvark\t1999\t5\t1\n";
    let mut stored = GzEncoder::new(Vec::new(), Compression::none());
    stored.write_all(line).unwrap();
    // A frame of zstd without a checksum: the size of the text, and a last block as it is.
    let frame = [b"\x28\xb5\x2f\xfd\x20\x12\x91\0\0".as_slice(), line].concat();
    for bytes in [stored.finish().unwrap(), frame, zstd(line)] {
        assert_eq!(converted(&bytes), Ok(String::from_utf8_lossy(line).into_owned()));
    }
    let archives = [b"PK\x03\x04a.tsv".as_slice(), &[b'a'; 257], b"\xfd7zXZ\0", b"\x04\x22\x4d\x18"];
    for archive in archives {
        let magic = if archive.len() == 257 { b"ustar\0".as_slice() } else { b"" };
        let message = converted(&[archive, magic, line].concat()).unwrap_err();
        assert!(message.contains("is a") || message.contains("is compressed"), "{message}");
    }
}

#[test]
fn a_malformed_line_is_named_by_its_number_in_the_file() {
    let long = format!("{LINES}{}", "x".repeat(Kind::Grams.longest_line() + 1));
    let longest = "x".repeat(Kind::Grams.longest_line() - "\t1999\t5\t1\n".len());
    assert!(converted(format!("{longest}\t1999\t5\t1\n{LINES}").as_bytes()).is_ok());
    let nul = [LINES.as_bytes(), &vec![0; 5_000_000]].concat();
    let malformed: [(Vec<u8>, &str); 8] = [
        (gzip(format!("{LINES}word\n").as_bytes()), "a.tsv, line 3: the year is missing"),
        (b"a\t1999,5,1\nb\t1999,5\n".to_vec(), "a.tsv, line 2: `1999,5` is not `year,match_count,volume_count`"),
        (b"a\t1999,5,1\nb\n".to_vec(), "a.tsv, line 2: the line has no year"),
        (b"a\t1999,5,1\nb\t1999,5,x\n".to_vec(), "a.tsv, line 2: the volume_count is not a number: `x`"),
        (b"a\t1999,5,1\nb\t1999,18446744073709551616,1\n".to_vec(), "a.tsv, line 2: the match_count is beyond"),
        (b"a\t1999,5,1\tb\0\x1b[31m\n".to_vec(), r"a.tsv, line 1: `b\u{0}\u{1b}[31m` is not"),
        (long.into_bytes(), "a.tsv, line 3: the line is longer than 2 MiB"),
        (gzip(&nul), "a.tsv, line 3: the line consists of NUL bytes"),
    ];
    for (bytes, begin) in malformed {
        let message = converted(&bytes).unwrap_err();
        assert!(message.starts_with(begin), "{message}");
    }
}

#[test]
fn a_damaged_or_incomplete_file_is_refused() {
    let lines = LINES.repeat(500);
    for whole in [gzip(lines.as_bytes()), zstd(lines.as_bytes())] {
        for length in [whole.len() - 1, whole.len() - 5, whole.len() / 2, 12] {
            let message = converted(&whole[..length]).unwrap_err();
            assert!(message.contains("cannot be decompressed with"), "{length} of {}: {message}", whole.len());
        }
        // In the checksum.
        let mut changed = whole.clone();
        let last = changed.len() - 6;
        changed[last] ^= 1;
        let after = [&whole[..], b"rest"].concat();
        for bytes in [changed, after] {
            assert!(converted(&bytes).unwrap_err().contains("cannot be decompressed with"));
        }
    }
}

/// Writes files into a folder.
fn written(folder: &Path, files: &[(&str, &[u8])]) -> Vec<PathBuf> {
    let write = |(name, bytes): &(&str, &[u8])| {
        let path = folder.join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    files.iter().map(write).collect()
}

#[test]
fn a_plain_file_is_read_in_place_and_all_else_is_made_plain_once() {
    let folder = tempfile::tempdir().unwrap();
    let (data, said) = (folder.path().join("data"), std::cell::RefCell::new(Vec::new()));
    let say = |line: &str| said.borrow_mut().push(line.to_owned());
    let files = written(folder.path(), &[("a.tsv", LINES.as_bytes()), ("b.tsv.gz", &gzip(LINES.as_bytes()))]);

    let in_place = plain(Kind::Grams, &files[..1], &data, &say).unwrap();
    assert_eq!((in_place.path, in_place.made_from), (files[0].clone(), None));
    assert!(!data.exists() && said.borrow().is_empty());
    assert_eq!(earlier(Kind::Grams, &files[1..], &data), None);

    let made = plain(Kind::Grams, &files[1..], &data, &say).unwrap();
    assert_eq!(fs::read_to_string(&made.path).unwrap(), LINES);
    assert_eq!(made.path.file_name().unwrap(), "b.tsv");
    assert_eq!(made.made_from.clone().unwrap(), format!("{} (gzip, version 2)", files[1].display()));
    assert_eq!(plain(Kind::Grams, &files[1..], &data, &say).unwrap(), made);
    assert_eq!(earlier(Kind::Grams, &files[1..], &data), Some(made.path.clone()));
    assert_eq!(said.borrow().len(), 1, "{said:?}");

    // A changed source, and a plain file that was cut short.
    fs::write(&files[1], gzip(&LINES.as_bytes()[..18])).unwrap();
    assert_eq!(plain(Kind::Grams, &files[1..], &data, &say).unwrap(), made);
    assert_eq!(fs::read(&made.path).unwrap(), &LINES.as_bytes()[..18]);
    fs::write(&made.path, "").unwrap();
    plain(Kind::Grams, &files[1..], &data, &say).unwrap();
    assert_eq!(fs::read(&made.path).unwrap(), &LINES.as_bytes()[..18]);
    assert_eq!(said.borrow().len(), 3);

    // A source that is refused leaves nothing new behind.
    fs::write(&files[1], gzip(format!("{LINES}word").as_bytes())).unwrap();
    let refused = plain(Kind::Grams, &files[1..], &data, &say).unwrap_err().to_string();
    assert!(refused.ends_with("b.tsv.gz, line 3: the year is missing"), "{refused}");
    let names = fs::read_dir(made.path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names.into_iter().all(|name| !name.to_string_lossy().ends_with("partial")));
}

#[test]
fn several_files_and_folders_are_one_input_with_every_line_once() {
    let folder = tempfile::tempdir().unwrap();
    let (parts, data) = (folder.path().join("parts"), folder.path().join("data"));
    fs::create_dir(&parts).unwrap();
    // The first part lacks its last line feed.
    let bytes = [b"a\t1\t1\t1".to_vec(), gzip(b"b\t2,2,2\n"), b"\xef\xbb\xbfc\t3\t3\t3\n".to_vec()];
    let files =
        written(&parts, &[("1.tsv", &bytes[0]), ("2.gz", &bytes[1]), ("3", &bytes[2]), (".hidden", b"no lines")]);
    let expected = "a\t1\t1\t1\nb\t2\t2\t2\nc\t3\t3\t3\n";
    for named in [vec![parts.clone()], files[..3].to_vec()] {
        let made = plain(Kind::Grams, &named, &data, &|_| ()).unwrap();
        assert_eq!(fs::read_to_string(made.path).unwrap(), expected, "{named:?}");
        let from = made.made_from.unwrap();
        assert!(from.contains("1.tsv (version 2) and ") && from.contains("2.gz (gzip, version 3"), "{from}");
    }
    let refused = |named: &[&Path]| {
        let named: Vec<PathBuf> = named.iter().map(|path| path.to_path_buf()).collect();
        plain(Kind::Grams, &named, &data, &|_| ()).unwrap_err().to_string()
    };
    let [first, link] = [&files[0], &folder.path().join("link")];
    std::os::unix::fs::symlink(first, link).unwrap();
    assert!(refused(&[&parts, first]).contains("is named twice"));
    assert!(refused(&[first, link]).contains("are the same lines"));
    fs::write(parts.join("2"), b"b\t2\t2\t2\n").unwrap();
    assert!(refused(&[&parts]).contains("are the same lines"), "a file and its compressed copy");
    fs::remove_file(parts.join("2")).unwrap();
    fs::create_dir(parts.join("inner")).unwrap();
    assert!(refused(&[&parts]).contains("inner is a folder in a folder"));
    assert!(refused(&[&parts.join("inner")]).contains("is a folder without files"));
}

/// The totals of a file that may be compressed and may begin with a byte order mark.
fn reference(bytes: &[u8]) -> Option<BTreeMap<Vec<u8>, u128>> {
    let mut text = Vec::new();
    match bytes {
        [0x1f, 0x8b, ..] => {
            MultiGzDecoder::new(bytes).read_to_end(&mut text).ok()?;
        }
        _ => text.extend_from_slice(bytes),
    }
    totals(text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&text))
}

/// The totals of a text, line by line. `None` if a line is malformed. Shares nothing with the reader but the parser of a
/// line.
fn totals(text: &[u8]) -> Option<BTreeMap<Vec<u8>, u128>> {
    let mut totals = BTreeMap::new();
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let mut fields = line.split(|byte| *byte == b'\t');
        let word = fields.next()?;
        let rest: Vec<&[u8]> = fields.collect();
        let counts: Vec<u64> = match line::parse(line) {
            Ok((_, count)) => vec![count],
            Err(_) if rest.is_empty() => return None,
            Err(_) => rest
                .iter()
                .map(|year| line::count(word, year.split(|byte| *byte == b',')).ok())
                .collect::<Option<_>>()?,
        };
        *totals.entry(word.to_vec()).or_default() += counts.iter().map(|count| u128::from(*count)).sum::<u128>();
    }
    Some(totals)
}

/// Bytes that are nearly a file of 1-grams, so that many are accepted.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![8 => "[0-9]{1,5}", 1 => "[0-9]{19,21}", 1 => "[0-9a-z,.-]{0,3}"];
    let word = prop_oneof![6 => "[a-c]{1,3}", 1 => "\\PC{0,4}", 1 => "[\u{0}\u{feff}\u{1f}\r\" ,;]{0,3}"];
    let year = (number.clone(), number.clone(), number).prop_map(|(a, b, c)| [a, b, c]);
    let lines = vec((word, vec(year, 1..4)), 0..6);
    (lines, 0..6u8, any::<[bool; 3]>()).prop_map(|(lines, kind, [mark, feed, crlf])| {
        let mut text = if mark { "\u{feff}".to_owned() } else { String::new() };
        for (word, years) in lines {
            let line = match kind % 2 {
                0 => format!("{word}\t{}", years[0].join("\t")),
                _ => format!("{word}\t{}", years.iter().map(|year| year.join(",")).collect::<Vec<_>>().join("\t")),
            };
            text += &line;
            text += if crlf && kind == 0 { "\r\n" } else { "\n" };
        }
        if !feed {
            text.pop();
        }
        if kind >= 4 { gzip(text.as_bytes()) } else { text.into_bytes() }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_are_refused_or_give_the_totals_of_the_reference(
        bytes in prop_oneof![vec(any::<u8>(), 0..200), nearly()],
        overwritten in vec((any::<prop::sample::Index>(), any::<u8>()), 0..2),
    ) {
        let mut bytes = bytes;
        for (place, byte) in overwritten {
            if !bytes.is_empty() {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
        }
        let mut plain = Vec::new();
        match convert(Path::new("a"), &bytes[..], &mut plain) {
            Ok(()) => {
                prop_assert!(plain.ends_with(b"\n"));
                prop_assert!(plain[..plain.len() - 1].split(|byte| *byte == b'\n').all(|line| line::parse(line).is_ok()));
                // A second mark is a word, and a plain file may begin with it.
                prop_assert_eq!(totals(&plain), reference(&bytes));
            }
            Err(error) => prop_assert!(!error.to_string().contains(char::is_control), "{:?}", error.to_string()),
        }
    }
}
