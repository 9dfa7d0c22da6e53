//! Values of options: what a user may write, and what is said of anything else.

pub(crate) fn positive(text: &str) -> Result<u64, String> {
    match text.replace('_', "").parse() {
        Ok(0) | Err(_) => Err("expected a whole number from 1".to_owned()),
        Ok(number) => Ok(number),
    }
}

/// The most jobs in progress: far more than pay, and few enough that every system has the threads or processes for them.
const MOST_WORKERS: u64 = 1024;

pub(crate) fn workers(text: &str) -> Result<u64, String> {
    let number = positive(text)?;
    if number <= MOST_WORKERS { Ok(number) } else { Err(format!("expected a whole number from 1 to {MOST_WORKERS}")) }
}

pub(crate) fn word<T: std::str::FromStr<Err = String>>(text: &str) -> Result<String, String> {
    text.parse::<T>().map(|_| text.to_owned())
}

pub(crate) fn seconds(text: &str) -> Result<f64, String> {
    let (number, unit) = text.split_at(text.find(|letter: char| letter.is_alphabetic()).unwrap_or(text.len()));
    let unit = match unit {
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(format!("`{unit}` is no unit of time; use s, m or h")),
    };
    let number: f64 = number.trim().parse().map_err(|_| "expected a time such as 90s, 5m or 1h".to_owned())?;
    if number.is_finite() && (0.0..1e9).contains(&number) {
        Ok(number * unit)
    } else {
        Err("expected a time from 0".to_owned())
    }
}

pub(crate) fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches('%').trim().parse::<f64>();
    match number {
        Ok(number) if (0.0..=100.0).contains(&number) => Ok(number),
        _ => Err("expected a percentage such as 2 or 0.5".to_owned()),
    }
}
