//! A whole divided by weights without anything lost: largest remainder.

/// Divides `whole` by `weights`: the parts sum to `whole`, each differs from its exact share by less than one, equal weights differ
/// by at most one. Weights that are all 0 count as equal; no weights give no parts.
pub fn split(whole: i64, weights: &[f64]) -> Vec<i64> {
    let sum: f64 = weights.iter().sum();
    let even = vec![1.0; weights.len()];
    let (weights, sum) = if sum > 0.0 {
        (weights, sum)
    } else {
        (even.as_slice(), f64::from(u32::try_from(weights.len()).unwrap_or(u32::MAX)))
    };
    #[expect(clippy::cast_precision_loss, reason = "amounts in hundredths are far below 2^52")]
    let exact: Vec<f64> = weights.iter().map(|weight| whole as f64 * weight / sum).collect();
    #[expect(clippy::cast_possible_truncation, reason = "at most the whole")]
    let mut parts: Vec<i64> = exact.iter().map(|part| part.floor() as i64).collect();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by(|a, b| {
        (exact[*b] - exact[*b].floor()).total_cmp(&(exact[*a] - exact[*a].floor())).then(a.cmp(b))
    });
    let left = whole - parts.iter().sum::<i64>();
    for place in order.into_iter().cycle().take(usize::try_from(left).unwrap_or_default()) {
        parts[place] += 1;
    }
    parts
}

/// [`split`] for counts.
pub fn split_count(whole: u64, weights: &[f64]) -> Vec<u64> {
    let parts = split(i64::try_from(whole).unwrap_or(i64::MAX), weights);
    parts.into_iter().map(|part| u64::try_from(part).unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_is_lost(whole in 0i64..10_000_000_000, weights in prop::collection::vec(0.0f64..1e6, 1..20)) {
            let parts = split(whole, &weights);
            prop_assert_eq!(parts.iter().sum::<i64>(), whole);
            prop_assert!(parts.iter().all(|part| *part >= 0));
        }
    }

    #[test]
    fn the_largest_remainder_gets_the_rest() {
        assert_eq!(split(100, &[1.0, 1.0, 1.0]), [34, 33, 33]);
        assert_eq!(split(10, &[0.0, 0.0]), [5, 5]);
        assert_eq!(split(10, &[]), Vec::<i64>::new());
        assert_eq!(
            split(3_600_000, &[0.30, 0.26, 0.16, 0.14, 0.14]),
            [1_080_000, 936_000, 576_000, 504_000, 504_000]
        );
    }
}
