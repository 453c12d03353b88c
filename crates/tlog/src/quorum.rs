//! How many witnesses are enough, and what their times prove: pure arithmetic over what was verified elsewhere.
//!
//! Which witnesses a log has, and who may set them, is for `policy` and `ledger` to say.

use crate::cosignature::CosignatureTime;

/// How many of a number of witnesses must cosign, and how many of them may lie without harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Threshold {
    lying: usize,
    needed: usize,
}

impl Threshold {
    /// The threshold for `witnesses` of whom fewer than a third may lie: f = (n − 1) / 3, k = (n + f) / 2 + 1,
    /// both divisions without remainder.
    ///
    /// Two different trees of one size cannot both reach k cosignatures: together they would need 2k, and
    /// n + f is all there is where f witnesses cosign both; 2k − n > f. And the n − f honest ones reach k
    /// without the others. Without witnesses, one is needed, and there is none.
    pub const fn of(witnesses: usize) -> Self {
        let lying = witnesses.saturating_sub(1) / 3;
        Self { lying, needed: (witnesses.saturating_add(lying) / 2).saturating_add(1) }
    }

    /// f: how many witnesses may lie.
    pub const fn lying(self) -> usize {
        self.lying
    }

    /// k: how many must cosign.
    pub const fn needed(self) -> usize {
        self.needed
    }
}

/// The time that has certainly come, by the newest verified time of each of several distinct witnesses of whom
/// `lying` may say anything: the (f + 1)-th largest, so that one honest witness at least has seen it or later.
/// None if there are not more witnesses than may lie.
pub fn witnessed_now(newest: &[CosignatureTime], lying: usize) -> Option<CosignatureTime> {
    let mut ordered = newest.to_vec();
    ordered.sort_unstable_by(|a, b| b.cmp(a));
    ordered.get(lying).copied()
}

/// The time at which what a checkpoint covers certainly existed, by the verified times of distinct witnesses on
/// that checkpoint of whom `lying` may say anything: the (f + 1)-th smallest, so that one honest witness at
/// least had seen it by then. None if there are not more witnesses than may lie.
pub fn existed_by(times: &[CosignatureTime], lying: usize) -> Option<CosignatureTime> {
    let mut ordered = times.to_vec();
    ordered.sort_unstable();
    ordered.get(lying).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(seconds: &[u64]) -> Vec<CosignatureTime> {
        seconds.iter().map(|seconds| CosignatureTime::new(*seconds).unwrap()).collect()
    }

    #[test]
    fn thresholds_are_those_of_the_table() {
        let table = [(1, 0, 1), (2, 0, 2), (3, 0, 2), (4, 1, 3), (5, 1, 4), (6, 1, 4), (7, 2, 5), (10, 3, 7)];
        for (witnesses, lying, needed) in table {
            let threshold = Threshold::of(witnesses);
            assert_eq!((threshold.lying(), threshold.needed()), (lying, needed), "{witnesses} witnesses");
        }
    }

    #[test]
    fn two_heads_never_both_reach_the_threshold_and_the_honest_always_can() {
        for witnesses in 1..=1_000 {
            let threshold = Threshold::of(witnesses);
            assert!(
                2 * threshold.needed() > witnesses + threshold.lying(),
                "{witnesses}: a split view passes"
            );
            assert!(
                2 * (threshold.needed() - 1) <= witnesses + threshold.lying(),
                "{witnesses}: more than need be"
            );
            assert!(
                threshold.needed() <= witnesses - threshold.lying(),
                "{witnesses}: the honest do not suffice"
            );
        }
        assert_eq!(Threshold::of(0).needed(), 1, "a log without witnesses is unwitnessed");
        assert!(Threshold::of(usize::MAX).needed() > usize::MAX / 3);
    }

    #[test]
    fn a_lying_witness_moves_neither_time_beyond_the_honest_ones() {
        let honest = [100, 110, 120];
        for lie in [0, 99, 105, 115, 121, (1 << 63) - 1] {
            let told = times(&[honest[0], lie, honest[1], honest[2]]);
            let now = witnessed_now(&told, 1).unwrap().value();
            assert!((110..=120).contains(&now), "lie {lie} made it {now}");
            let existed = existed_by(&told, 1).unwrap().value();
            assert!((100..=110).contains(&existed), "lie {lie} made it {existed}");
        }
    }

    #[test]
    fn the_order_of_the_times_makes_no_difference_and_each_rank_is_the_right_one() {
        let told = times(&[30, 10, 20, 40]);
        for (lying, now, existed) in [(0, 40, 10), (1, 30, 20), (2, 20, 30), (3, 10, 40)] {
            assert_eq!(witnessed_now(&told, lying).unwrap().value(), now);
            assert_eq!(existed_by(&told, lying).unwrap().value(), existed);
        }
        for nothing in
            [witnessed_now(&told, 4), existed_by(&told, 4), witnessed_now(&[], 0), existed_by(&[], 0)]
        {
            assert_eq!(nothing, None);
        }
    }
}
