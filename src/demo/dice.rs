//! Repeatable chance.
//!
//! `SplitMix64` (Steele, Lea, Flood 2014), written out here because the generators of libraries may give other
//! numbers after an upgrade, and a demo of a seed should stay the demo of that seed.

/// A stream of numbers that depends on its seed alone.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The stream of a seed and a path below it: streams of different paths have nothing in common.
    pub fn of(seed: u64, path: &[u64]) -> Self {
        path.iter()
            .fold(Self(seed), |mut dice, step| Self(dice.next() ^ step.wrapping_mul(0xD6E8_FEB8_6659_FD93)))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` to `high`, both possible.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high.saturating_sub(low) + 1)
    }

    /// One of some things; there must be one.
    pub fn pick<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        let index = self.next() % (things.len().max(1) as u64);
        &things[usize::try_from(index).unwrap_or_default()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_published_one_and_stays_within_bounds() {
        // The first output of SplitMix64 for the seed 0, from the reference implementation.
        assert_eq!(Dice(0).next(), 0xE220_A839_7B1D_CDAF);
        let mut dice = Dice::of(1, &[2, 3]);
        assert!((0..1_000).all(|_| (5..=7).contains(&dice.between(5, 7))));
        assert_ne!(Dice::of(1, &[2]).next(), Dice::of(1, &[3]).next());
    }
}
