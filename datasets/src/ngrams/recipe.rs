//! Parses recipes from option values, and explains text that is not a recipe.

use super::{Recipe, Zipf};
use std::str::FromStr;

impl FromStr for Recipe {
    type Err = String;

    /// Parses a size and, in any order, the other choices: `20MB,words=10000,zipf=1.3,shuffled,seed=2`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (mut recipe, mut words, mut hundredths) = (Recipe::default(), None, None);
        for (place, part) in text.split(',').enumerate() {
            match part.split_once('=') {
                None if place == 0 => recipe.bytes = size(part)?,
                None if part == "shuffled" => recipe.shuffled = true,
                Some(("seed", seed)) => recipe.seed = seed.parse().map_err(|_| "expected a number after seed=")?,
                Some(("words", number)) => words = Some(distinct_words(number)?),
                Some(("zipf", number)) => hundredths = Some(exponent(number)?),
                _ => {
                    return Err(format!(
                        "`{part}` is not understood; write for instance 20MB,words=10000,zipf=1.3,shuffled"
                    ));
                }
            }
        }
        recipe.zipf = Zipf::given(words, hundredths);
        Ok(recipe)
    }
}

impl Zipf {
    /// Returns Zipf's law if at least one number is given. The other number defaults to that of natural language.
    pub fn given(words: Option<u64>, hundredths: Option<u32>) -> Option<Zipf> {
        (words.is_some() || hundredths.is_some())
            .then(|| Zipf { words: words.unwrap_or(10_000), hundredths: hundredths.unwrap_or(100) })
    }
}

/// Parses a size in bytes, such as `500KB`, `20MB` or `2GB`.
///
/// # Errors
/// When the text is not a size, or the size is zero.
pub fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = text.split_at(text.find(|letter: char| letter.is_alphabetic()).unwrap_or(text.len()));
    let unit: u64 = match unit.to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return Err(format!("`{unit}` is not a unit of size; use B, KB, MB or GB")),
    };
    let number: u64 = number.trim().parse().map_err(|_| "expected a size such as 500KB, 20MB or 2GB")?;
    number
        .checked_mul(unit)
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| format!("expected a size from 1 byte to {} bytes", u64::MAX))
}

/// Parses a Zipf exponent and returns hundredths.
///
/// # Errors
/// When the text is not a number from 0 to 3 with at most two decimals.
pub fn exponent(text: &str) -> Result<u32, String> {
    let number = text.parse::<f64>().ok().filter(|number| (0.0..=3.0).contains(number)).map(|number| number * 100.0);
    match number {
        Some(hundredths) if (hundredths - hundredths.round()).abs() < 1e-9 => Ok(hundredths.round() as u32),
        _ => Err("expected an exponent from 0 to 3 with two decimals at most, such as 1.3".to_owned()),
    }
}

fn distinct_words(text: &str) -> Result<u64, String> {
    let number = text.replace('_', "").parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "expected a whole number from 1".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipe_is_a_size_and_other_choices_in_any_order() {
        let recipe = str::parse::<Recipe>;
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
