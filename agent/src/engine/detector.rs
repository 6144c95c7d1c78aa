//! The detectors of `skew` as one kind of thing, in the words of the model.

use evenkeel_skew::{FailureDetector, Finding, LevelDetector, ShareDetector};

use crate::model::{Side, Verdict};

/// A sequential test of one signal.
pub(super) trait Test {
    fn finding(&self) -> Finding;
    fn evidence(&self) -> f64;
    fn threshold(&self) -> f64;
    fn side(&self, backend: usize) -> Option<Side>;
    fn onset_ticks_ago(&self) -> Option<u64>;
    /// Takes it as skewed with these backends, until it is shown to be even.
    fn latch(&mut self, sides: &[Option<Side>]);
    /// Forgets all evidence.
    fn reset(&mut self);
}

macro_rules! test {
    ($detector:ty, $side:expr, $latched:expr) => {
        impl Test for $detector {
            fn finding(&self) -> Finding {
                self.finding()
            }
            fn evidence(&self) -> f64 {
                self.evidence()
            }
            fn threshold(&self) -> f64 {
                self.threshold()
            }
            fn side(&self, backend: usize) -> Option<Side> {
                $side(self, backend)
            }
            fn onset_ticks_ago(&self) -> Option<u64> {
                self.onset_ticks_ago()
            }
            fn latch(&mut self, sides: &[Option<Side>]) {
                let named: Vec<_> = sides.iter().copied().map($latched).collect();
                self.latch(&named);
            }
            fn reset(&mut self) {
                self.reset();
            }
        }
    };
}

test!(
    ShareDetector,
    |this: &ShareDetector, backend| this.side(backend).map(from_skew),
    |side: Option<Side>| side.map(to_skew)
);
test!(
    LevelDetector,
    |this: &LevelDetector, backend| this.side(backend).map(from_skew),
    |side: Option<Side>| side.map(to_skew)
);
test!(
    FailureDetector,
    |this: &FailureDetector, backend| this.failing(backend).then_some(Side::Hot),
    |side: Option<Side>| side.is_some()
);

fn from_skew(side: evenkeel_skew::Side) -> Side {
    match side {
        evenkeel_skew::Side::Hot => Side::Hot,
        evenkeel_skew::Side::Cold => Side::Cold,
    }
}

fn to_skew(side: Side) -> evenkeel_skew::Side {
    match side {
        Side::Hot => evenkeel_skew::Side::Hot,
        Side::Cold => evenkeel_skew::Side::Cold,
    }
}

/// What a finding is called.
pub(super) fn verdict(finding: Finding) -> Verdict {
    match finding {
        Finding::Unknown => Verdict::Unknown,
        Finding::Even => Verdict::Even,
        Finding::Suspect => Verdict::Suspect,
        Finding::Skewed => Verdict::Skewed,
    }
}
