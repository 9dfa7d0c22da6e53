//! Values of options: what a user may write, and what is said of anything else.

use datasets::ngrams::{Recipe, Zipf};

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

pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let (number, unit) = text.split_at(text.find(|letter: char| letter.is_alphabetic()).unwrap_or(text.len()));
    let unit: u64 = match unit.to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return Err(format!("`{unit}` is no unit of size; use B, KB, MB or GB")),
    };
    let number: u64 = number.trim().parse().map_err(|_| "expected a size such as 500KB, 20MB or 2GB".to_owned())?;
    number.checked_mul(unit).filter(|bytes| *bytes > 0).ok_or_else(|| "expected a size from 1 byte".to_owned())
}

/// A Zipf exponent, in hundredths.
pub(crate) fn exponent(text: &str) -> Result<u32, String> {
    let number = text.parse::<f64>().ok().filter(|number| (0.0..=3.0).contains(number)).map(|number| number * 100.0);
    match number {
        Some(hundredths) if (hundredths - hundredths.round()).abs() < 1e-9 => Ok(hundredths.round() as u32),
        _ => Err("expected an exponent from 0 to 3 with two decimals at most, such as 1.3".to_owned()),
    }
}

/// What `--grams` takes: a size and, in any order, what else is wanted.
pub(crate) fn recipe(text: &str) -> Result<Recipe, String> {
    let (mut recipe, mut words, mut hundredths) = (Recipe::default(), None, None);
    for (place, part) in text.split(',').enumerate() {
        match part.split_once('=') {
            None if place == 0 => recipe.bytes = bytes(part)?,
            None if part == "shuffled" => recipe.shuffled = true,
            Some(("seed", seed)) => {
                recipe.seed = seed.parse().map_err(|_| "expected a number after seed=".to_owned())?
            }
            Some(("words", number)) => words = Some(positive(number)?),
            Some(("zipf", number)) => hundredths = Some(exponent(number)?),
            _ => {
                return Err(format!(
                    "`{part}` is not understood; write for instance 20MB,words=10000,zipf=1.3,shuffled"
                ));
            }
        }
    }
    recipe.zipf = zipf(words, hundredths);
    Ok(recipe)
}

/// Frequencies by Zipf's law if either is given; the other is then as in natural language.
pub(crate) fn zipf(words: Option<u64>, hundredths: Option<u32>) -> Option<Zipf> {
    (words.is_some() || hundredths.is_some())
        .then(|| Zipf { words: words.unwrap_or(10_000), hundredths: hundredths.unwrap_or(100) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grams_are_a_size_and_what_else_is_wanted() {
        assert_eq!(recipe("20MB"), Ok(Recipe::default()));
        let zipf = Some(Zipf { words: 1_000_000, hundredths: 130 });
        let wanted = Recipe { seed: 2, bytes: 5_000_000, shuffled: true, zipf };
        assert_eq!(recipe("5MB,zipf=1.3,words=1000000,shuffled,seed=2"), Ok(wanted));
        assert_eq!(recipe("1GB,zipf=0").map(|recipe| recipe.zipf), Ok(Some(Zipf { words: 10_000, hundredths: 0 })));
        for wrong in ["", "large", "20MB,sorted", "20MB,zipf=1.333", "20MB,zipf=-1", "20MB,words=0", "words=5,20MB"] {
            assert!(recipe(wrong).is_err(), "{wrong}");
        }
    }
}
