//! The reference parser of one line of a 1-gram file. Every kernel must agree with it.

/// Parses a line without its line feed. Returns the word and the match count.
///
/// # Errors
/// Returns the reason why the line is malformed, as a sentence for the user.
pub fn parse(line: &[u8]) -> Result<(&[u8], u64), String> {
    if line.is_empty() {
        return Err("the line is empty".to_owned());
    }
    if let Some(reason) = nul(line) {
        return Err(reason);
    }
    let mut fields = line.split(|byte| *byte == b'\t');
    let word = fields.next().unwrap_or_default();
    Ok((word, count(word, fields)?))
}

/// Returns the match count of a line, given its word and the fields after the word.
///
/// # Errors
/// Returns the reason why the line is malformed, as a sentence for the user.
pub fn count<Field: AsRef<[u8]>>(word: &[u8], fields: impl IntoIterator<Item = Field>) -> Result<u64, String> {
    let mut fields = fields.into_iter();
    let mut field = |name: &str| fields.next().ok_or_else(|| format!("the {name} is missing"));
    let (year, matches, volumes) = (field("year")?, field("match_count")?, field("volume_count")?);
    let volumes = volumes.as_ref();
    if word.is_empty() {
        return Err("the ngram is empty".to_owned());
    }
    if fields.next().is_some() {
        return Err("there are more than four fields".to_owned());
    }
    if volumes.last() == Some(&b'\r') {
        return Err("the line ends in CR LF; remove the carriage returns, for instance with `tr -d '\\r'`".to_owned());
    }
    number("year", year.as_ref())?;
    let count = number("match_count", matches.as_ref())?;
    number("volume_count", volumes)?;
    Ok(count)
}

/// Returns the reason why a line is malformed; `None` if the line is valid.
pub fn reason(line: &[u8]) -> Option<String> {
    parse(line).err()
}

/// Returns the reason why a line of NUL bytes is malformed; `None` for another line.
pub fn nul(line: &[u8]) -> Option<String> {
    let nul = !line.is_empty() && line.iter().all(|byte| *byte == 0);
    nul.then(|| {
        "the line consists of NUL bytes, as an interrupted download leaves them; download the file again, or remove them \
         with `tr -d '\\000'`"
            .to_owned()
    })
}

/// Shortens a field for a message, because a field may be as long as the file. Escapes control characters, because a
/// terminal would obey them.
pub fn shown(field: &[u8]) -> String {
    let text = String::from_utf8_lossy(&field[..field.len().min(40)]);
    let shown = text.chars().map(|letter| match letter.is_control() {
        true => letter.escape_default().to_string(),
        false => letter.to_string(),
    });
    shown.collect()
}

fn number(name: &str, digits: &[u8]) -> Result<u64, String> {
    match digits.first() {
        None => return Err(format!("the {name} is empty")),
        Some(b'-') => return Err(format!("the {name} is negative: `{}`", shown(digits))),
        Some(_) => {}
    }
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(format!("the {name} is not a number: `{}`", shown(digits)));
    }
    let value =
        digits.iter().try_fold(0u64, |value, digit| value.checked_mul(10)?.checked_add(u64::from(digit - b'0')));
    value.ok_or_else(|| format!("the {name} is beyond {}: `{}`", u64::MAX, shown(digits)))
}
