//! Small statistics: means with their confidence, shares with theirs, quantiles.
//!
//! Promises: nothing here divides by zero or gives a number that is none; what cannot be said is absent.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The two-sided 95 % point of the normal distribution.
const Z95: f64 = 1.959_963_985;

/// A count as a number; counts of things in memory are exact.
pub fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

/// From one value to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FigureRange)]
pub struct Between {
    pub low: f64,
    pub high: f64,
}

impl Between {
    pub fn holds(self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// The mean, and where the mean of ever more of them lies with a confidence of 95 %. Needs a few dozen values.
pub fn mean_with_confidence(values: &[f64]) -> Option<(f64, Between)> {
    if values.is_empty() {
        return None;
    }
    let n = count(values.len());
    let mean = values.iter().sum::<f64>() / n;
    let spread = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    let error = if values.len() > 1 { (spread / (n - 1.0) / n).sqrt() } else { 0.0 };
    Some((mean, Between { low: mean - Z95 * error, high: mean + Z95 * error }))
}

/// The value below which so much of the sorted values lies, between two where it falls between them.
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = share.clamp(0.0, 1.0) * count(last);
    let below = place.floor();
    let at = (0..=last).find(|at| count(*at) >= below)?;
    let (low, high) = (sorted[at], sorted[(at + 1).min(last)]);
    Some(if place > below { low + (high - low) * (place - below) } else { low })
}

/// Where the true share lies with a confidence of 95 % when `hits` of `of` were counted (Wilson, 1927); none of none.
pub fn share_with_confidence(hits: u64, of: u64) -> Option<Between> {
    if of == 0 {
        return None;
    }
    let number = |n: u64| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    let (n, p) = (number(of), number(hits.min(of)) / number(of));
    let z2 = Z95 * Z95;
    let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z95 / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    Some(Between { low: (middle - half).max(0.0), high: (middle + half).min(1.0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_values() {
        let sorted = [1.0, 2.0, 3.0, 5.0];
        let cases = [(0.0, 1.0), (1.0, 5.0), (0.5, 2.5), (1.0 / 3.0, 2.0)];
        for (share, expected) in cases {
            assert!((quantile(&sorted, share).unwrap() - expected).abs() < 1e-9, "{share}");
        }
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[4.0], 0.95), Some(4.0));
    }

    #[test]
    fn means_and_shares_say_how_sure_they_are() {
        let (mean, sure) = mean_with_confidence(&[1.0, 3.0]).unwrap();
        assert!((mean - 2.0).abs() < 1e-12 && (sure.high - 2.0 - Z95).abs() < 1e-9, "{sure:?}");
        assert_eq!(mean_with_confidence(&[]), None);
        // Wilson's interval for 8 of 10, as textbooks have it.
        let share = share_with_confidence(8, 10).unwrap();
        assert!((share.low - 0.4902).abs() < 5e-5 && (share.high - 0.9433).abs() < 5e-5, "{share:?}");
        let none = share_with_confidence(0, 3).unwrap();
        assert!(none.low.abs() < 1e-12 && none.high < 0.57, "{none:?}");
        assert_eq!(share_with_confidence(0, 0), None);
    }
}
