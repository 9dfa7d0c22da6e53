//! Lines of the format of 2020 (version 3): `ngram TAB year,match_count,volume_count TAB …`, with one group for each year.

use kernels::line;
use std::io::{self, Write};

/// Returns `true` if the second field is a group of three numbers.
pub(super) fn is_line(line: &[u8]) -> bool {
    let second = line.split(|byte| *byte == b'\t').nth(1).unwrap_or_default();
    let numbers = || second.split(|byte| *byte == b',');
    numbers().count() == 3 && numbers().all(|number| !number.is_empty() && number.iter().all(u8::is_ascii_digit))
}

/// Writes a line of version 2 for each year of a line. The error inside is the reason why the line is malformed.
pub(super) fn write(line: &[u8], out: &mut dyn Write) -> io::Result<Result<(), String>> {
    let mut fields = line.split(|byte| *byte == b'\t');
    let word = fields.next().unwrap_or_default();
    let mut years = 0;
    for field in fields {
        let mut numbers = field.split(|byte| *byte == b',');
        let (Some(year), Some(matches), Some(volumes), None) =
            (numbers.next(), numbers.next(), numbers.next(), numbers.next())
        else {
            return Ok(Err(format!("`{}` is not `year,match_count,volume_count`", line::shown(field))));
        };
        if let Err(reason) = line::count(word, [year, matches, volumes]) {
            return Ok(Err(reason));
        }
        for part in [word, b"\t", year, b"\t", matches, b"\t", volumes, b"\n"] {
            out.write_all(part)?;
        }
        years += 1;
    }
    Ok(if years > 0 { Ok(()) } else { Err("the line has no year".to_owned()) })
}
