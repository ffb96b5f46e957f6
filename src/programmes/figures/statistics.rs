//! Two proportions: how many are needed to tell them apart, and whether they were told apart.
//!
//! Promises: the textbook formulas (normal approximation, two-sided), checked against published values.

use std::f64::consts::{PI, SQRT_2};

/// The error function; Abramowitz and Stegun 7.1.6 as a series for small arguments, a continued fraction for large ones.
fn erf(x: f64) -> f64 {
    if x < 0.0 {
        return -erf(-x);
    }
    if x > 3.0 {
        // Lentz from the far end of the continued fraction of erfc.
        let tail = (1..=60).rev().fold(0.0, |tail, k| f64::from(k) / 2.0 / (x + tail));
        return 1.0 - (-x * x).exp() / PI.sqrt() / (x + tail);
    }
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        let n = f64::from(n);
        term *= -x * x / n;
        sum += term / (2.0 * n + 1.0);
    }
    2.0 / PI.sqrt() * sum
}

/// The part of a normal distribution below `z`.
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * (1.0 + erf(z / SQRT_2))
}

/// The `z` below which the part `p` of a normal distribution lies; `p` strictly between 0 and 1.
pub fn normal_quantile(p: f64) -> f64 {
    let (mut low, mut high) = (-9.0, 9.0);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if normal_cdf(middle) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// How many visitors each arm needs to find a change from `baseline` to `expected` with `power`, being wrong in `alpha` of
/// the cases where there is none. Nothing when the two are equal or no rates.
pub fn per_arm(baseline: f64, expected: f64, alpha: f64, power: f64) -> Option<u64> {
    let is_rate = |rate: f64| rate > 0.0 && rate < 1.0;
    if !is_rate(baseline)
        || !is_rate(expected)
        || !is_rate(alpha)
        || !is_rate(power)
        || (baseline - expected).abs() < 1e-12
    {
        return None;
    }
    let (z_alpha, z_power) = (normal_quantile(1.0 - alpha / 2.0), normal_quantile(power));
    let mean = f64::midpoint(baseline, expected);
    let pooled = (2.0 * mean * (1.0 - mean)).sqrt();
    let apart = (baseline * (1.0 - baseline) + expected * (1.0 - expected)).sqrt();
    let needed = ((z_alpha * pooled + z_power * apart) / (expected - baseline)).powi(2);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count; absurd ones saturate"
    )]
    Some(needed.ceil() as u64)
}

/// The probability of a difference at least as large if there were none: pooled z-test, two-sided.
pub fn p_value(control: (u64, u64), variant: (u64, u64)) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts of visitors are far below 2^52")]
    let [n1, x1, n2, x2] = [control.0, control.1, variant.0, variant.1].map(|count| count as f64);
    if n1 == 0.0 || n2 == 0.0 {
        return 1.0;
    }
    let pooled = (x1 + x2) / (n1 + n2);
    let error = (pooled * (1.0 - pooled) * (1.0 / n1 + 1.0 / n2)).sqrt();
    if error == 0.0 {
        return 1.0;
    }
    2.0 * (1.0 - normal_cdf(((x2 / n2 - x1 / n1) / error).abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (p, z) in [
            (0.975, 1.959_964),
            (0.8, 0.841_621),
            (0.95, 1.644_854),
            (0.9, 1.281_552),
            (0.5, 0.0),
            (0.0005, -3.290_527),
        ] {
            assert!((normal_quantile(p) - z).abs() < 1e-5, "{p}: {}", normal_quantile(p));
        }
        assert!((normal_cdf(5.0) - 0.999_999_713_348).abs() < 1e-9);
    }

    #[test]
    fn sample_sizes_are_the_published_ones() {
        assert_eq!(per_arm(0.10, 0.12, 0.05, 0.80), Some(3_841));
        assert_eq!(per_arm(0.12, 0.10, 0.05, 0.80), Some(3_841));
        // Fleiss, Statistical Methods for Rates and Proportions, without correction for continuity.
        assert_eq!(per_arm(0.60, 0.70, 0.05, 0.80), Some(356));
        assert_eq!(per_arm(0.05, 0.05, 0.05, 0.80), None);
        assert_eq!(per_arm(0.0, 0.05, 0.05, 0.80), None);
    }

    #[test]
    fn a_difference_is_significant_only_when_it_is() {
        // 10 % against 13 % of 1,000 each: z = 2.10.
        let found = p_value((1_000, 100), (1_000, 130));
        assert!((found - 0.0355).abs() < 5e-4, "{found}");
        assert!(p_value((1_000, 100), (1_000, 100)) > 0.999);
        assert!((p_value((0, 0), (10, 1)) - 1.0).abs() < 1e-12);
    }
}
