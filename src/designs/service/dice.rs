//! Chance that can be repeated: a generator that is a function of its seed, and the distributions that a simulation draws from.
//!
//! Promises: the same seed and stream give the same numbers on every machine; streams of one seed are independent enough
//! for counting (`SplitMix64` passes the usual batteries of tests). Leaves out: secrets, for which this is useless.

/// The odd constant by which `SplitMix64` walks: 2^64 divided by the golden ratio.
const STRIDE: u64 = 0x9e37_79b9_7f4a_7c15;
/// One part of the numbers that 53 bits can tell apart.
const UNIT: f64 = 1.0 / 9_007_199_254_740_992.0;
/// The largest mean whose Poisson numbers are drawn at once; larger ones are sums.
const POISSON_AT_ONCE: f64 = 30.0;

/// A stream of numbers.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// One of many streams of a seed.
    pub fn of(seed: u64, stream: u64) -> Self {
        Self(mixed(seed ^ mixed(stream.wrapping_mul(STRIDE))))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STRIDE);
        mixed(self.0)
    }

    /// Evenly from 0 to 1, never 0.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact in a double")]
    pub fn unit(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 1.0) * UNIT
    }

    /// Evenly one of `count`, which is more than 0.
    #[expect(clippy::cast_possible_truncation, reason = "less than `count`, which is a usize")]
    pub fn below(&mut self, count: usize) -> usize {
        let wide = u128::from(self.next()) * count as u128;
        (wide >> 64) as usize
    }

    /// Exponential with this mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * self.unit().ln()
    }

    /// Normal with mean 0 and deviation 1.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.unit().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Gamma with this shape, which is more than 0, and mean 1 (Marsaglia and Tsang, 2000).
    pub fn gamma_of_mean_one(&mut self, shape: f64) -> f64 {
        // Below 1 by way of the next shape.
        let boost = if shape < 1.0 { self.unit().powf(1.0 / shape) } else { 1.0 };
        let d = if shape < 1.0 { shape + 1.0 } else { shape } - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && self.unit().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return boost * d * v / shape;
            }
        }
    }

    /// Poisson with this mean.
    pub fn poisson(&mut self, mean: f64) -> u32 {
        let (mut left, mut count) = (mean, 0);
        while left > 0.0 {
            let part = left.min(POISSON_AT_ONCE);
            left -= part;
            let (limit, mut product) = ((-part).exp(), self.unit());
            while product > limit {
                count += 1;
                product *= self.unit();
            }
        }
        count
    }
}

fn mixed(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean and variance of many draws.
    fn moments(mut draw: impl FnMut() -> f64) -> (f64, f64) {
        let n = 200_000;
        let all: Vec<f64> = (0..n).map(|_| draw()).collect();
        let mean = all.iter().sum::<f64>() / f64::from(n);
        (mean, all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(n))
    }

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_another_stream_others() {
        let numbers = |seed, stream| {
            let mut dice = Dice::of(seed, stream);
            (0..4).map(|_| dice.next()).collect::<Vec<_>>()
        };
        assert_eq!(numbers(7, 1), numbers(7, 1));
        assert_ne!(numbers(7, 1), numbers(7, 2));
        assert_ne!(numbers(7, 1), numbers(8, 1));
    }

    #[test]
    fn distributions_have_their_mean_and_variance() {
        let mut dice = Dice::of(1, 0);
        let near = |(mean, variance): (f64, f64), expected: (f64, f64)| {
            let close = |a: f64, b: f64| (a - b).abs() < 0.03 * b.max(1.0);
            assert!(close(mean, expected.0) && close(variance, expected.1), "{mean} {variance} {expected:?}");
        };
        near(moments(|| dice.unit()), (0.5, 1.0 / 12.0));
        near(moments(|| dice.exponential(2.0)), (2.0, 4.0));
        near(moments(|| dice.normal() + 3.0), (3.0, 1.0));
        for shape in [0.4, 1.0, 9.0] {
            near(moments(|| dice.gamma_of_mean_one(shape)), (1.0, 1.0 / shape));
        }
        for mean in [0.3, 7.0, 95.0] {
            near(moments(|| f64::from(dice.poisson(mean))), (mean, mean));
        }
        let counts = (0..60_000).fold([0_u32; 3], |mut counts, _| {
            counts[dice.below(3)] += 1;
            counts
        });
        assert!(counts.iter().all(|count| count.abs_diff(20_000) < 600), "{counts:?}");
    }
}
