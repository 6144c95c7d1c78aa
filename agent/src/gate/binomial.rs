//! Tails of the binomial distribution, for counts that need not be whole, and quantiles of the normal and Student's.
//!
//! Of `n` connections in clumps, `n / phi` are independent, which is no whole number: so the tails are those of the
//! incomplete beta function, which is the binomial one at whole numbers. (Clopper, Pearson, "The use of confidence or
//! fiducial limits illustrated in the case of the binomial", 1934.)

use std::f64::consts::PI;

/// The continued fraction has settled when a step changes it by no more than this.
const SETTLED: f64 = 1e-12;
/// It takes about the square root of the sample; samples are at most a million.
const MOST_STEPS: u32 = 20_000;

/// The probability of `count` or more of `sample`, if each has the probability `share`.
pub(super) fn at_least(count: f64, sample: f64, share: f64) -> f64 {
    if count <= 0.0 {
        return 1.0;
    }
    if count > sample {
        return 0.0;
    }
    incomplete_beta(share, count, sample - count + 1.0)
}

/// The probability of `count` or fewer of `sample`, if each has the probability `share`.
pub(super) fn at_most(count: f64, sample: f64, share: f64) -> f64 {
    if count >= sample {
        return 1.0;
    }
    if count < 0.0 {
        return 0.0;
    }
    incomplete_beta(1.0 - share, sample - count, count + 1.0)
}

/// The largest share that `count` of `sample` leaves possible: below it lies the true one with probability
/// `1 - probability` at least.
pub(super) fn highest(count: f64, sample: f64, probability: f64) -> f64 {
    bisect(|share| at_most(count, sample, share) > probability)
}

/// The smallest share that `count` of `sample` leaves possible.
pub(super) fn lowest(count: f64, sample: f64, probability: f64) -> f64 {
    bisect(|share| at_least(count, sample, share) <= probability)
}

/// Where in 0 to 1 a condition that holds below ends to hold.
fn bisect(holds_at: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..32 {
        let middle = f64::midpoint(low, high);
        if holds_at(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// The deviate that is exceeded with this probability, at most 1/2; its error is below 4.5e-4. (Abramowitz and Stegun,
/// "Handbook of mathematical functions", 1964, 26.2.23.)
pub(super) fn normal_deviate(probability: f64) -> f64 {
    let t = (-2.0 * probability.clamp(f64::MIN_POSITIVE, 0.5).ln()).sqrt();
    t - (2.515_517 + t * (0.802_853 + t * 0.010_328))
        / (1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308)))
}

/// The same of Student's distribution: where the variance itself is estimated with so many degrees of freedom.
/// (The same handbook, 26.7.5; fit for five and more.)
pub(super) fn student_deviate(probability: f64, freedom: f64) -> f64 {
    let z = normal_deviate(probability);
    let square = z * z;
    let first = z * (square + 1.0) / 4.0;
    let second = z * ((5.0 * square + 16.0) * square + 3.0) / 96.0;
    let third = z * (((3.0 * square + 19.0) * square + 17.0) * square - 15.0) / 384.0;
    z + (first + (second + third / freedom) / freedom) / freedom
}

/// `I_x(a, b)`, by the continued fraction of the handbook's 26.5.8, evaluated by Lentz' method.
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    // It converges fast on this side alone.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(1.0 - x, b, a);
    }
    let front = ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (-x).ln_1p();
    (front.exp() / a * fraction(x, a, b)).clamp(0.0, 1.0)
}

fn fraction(x: f64, a: f64, b: f64) -> f64 {
    let away_from_zero = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let mut upper = 1.0;
    let mut lower = away_from_zero(1.0 - (a + b) * x / (a + 1.0)).recip();
    let mut result = lower;
    for step in 1..=MOST_STEPS {
        let step = f64::from(step);
        let twice = a + 2.0 * step;
        let even = step * (b - step) * x / ((twice - 1.0) * twice);
        let odd = -(a + step) * (a + b + step) * x / (twice * (twice + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            lower = away_from_zero(1.0 + term * lower).recip();
            upper = away_from_zero(1.0 + term / upper);
            change = upper * lower;
            result *= change;
        }
        if (change - 1.0).abs() < SETTLED {
            break;
        }
    }
    result
}

/// The logarithm of the gamma function for positive arguments. (Lanczos, "A precision approximation of the gamma
/// function", 1964, with g = 7 and nine terms.)
fn ln_gamma(x: f64) -> f64 {
    const TERMS: [f64; 8] = [
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    let x = x - 1.0;
    let mut sum = 0.999_999_999_999_809_9;
    let mut place = 1.0;
    for term in TERMS {
        sum += term / (x + place);
        place += 1.0;
    }
    let t = x + 7.5;
    0.5 * (2.0 * PI).ln() + (x + 0.5) * t.ln() - t + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sum of its terms, each from the one before.
    fn summed(count: u32, sample: u32, share: f64) -> f64 {
        let (n, mut term) = (f64::from(sample), (1.0 - share).powf(f64::from(sample)));
        let mut sum = term;
        for k in 0..count {
            let k = f64::from(k);
            term *= (n - k) / (k + 1.0) * share / (1.0 - share);
            sum += term;
        }
        sum
    }

    #[test]
    fn tails_are_the_sums_of_their_terms() {
        for sample in [1, 7, 100, 1000] {
            for share in [0.001, 0.1, 0.3, 0.5] {
                for part in [0.0, 0.05, 0.1, 0.3, 0.7] {
                    let count = (part * f64::from(sample)).floor();
                    #[expect(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "a whole number from 0 to 1000"
                    )]
                    let exact = summed(count as u32, sample, share);
                    let found = at_most(count, f64::from(sample), share);
                    assert!(
                        (found - exact).abs() < 1e-9,
                        "{count} of {sample} at {share}: {found}, {exact}"
                    );
                    let above = at_least(count + 1.0, f64::from(sample), share);
                    assert!((found + above - 1.0).abs() < 1e-9);
                }
            }
        }
    }

    #[test]
    fn limits_are_those_of_clopper_and_pearson() {
        // Their tables: 5 of 20 at 95 %.
        assert!((lowest(5.0, 20.0, 0.025) - 0.0866).abs() < 1e-3);
        assert!((highest(5.0, 20.0, 0.025) - 0.4910).abs() < 1e-3);
        assert!(lowest(0.0, 20.0, 0.025) < 1e-9);
        assert!((highest(0.0, 20.0, 0.025) - 0.1684).abs() < 1e-3);
        assert!(highest(20.0, 20.0, 0.025) > 0.999);
        let (low, high) = (lowest(2e5, 1e6, 0.01), highest(2e5, 1e6, 0.01));
        assert!(
            (low - 0.199_07).abs() < 1e-4 && (high - 0.200_93).abs() < 1e-4,
            "{low} {high}"
        );
    }

    #[test]
    fn deviates_are_those_of_the_tables() {
        assert!((normal_deviate(0.01) - 2.3263).abs() < 1e-3);
        for (freedom, probability, deviate) in [
            (10.0, 0.01, 2.764),
            (5.0, 0.01, 3.365),
            (10.0, 0.0005, 4.587),
            (30.0, 0.0005, 3.646),
        ] {
            let found = student_deviate(probability, freedom);
            assert!((found / deviate - 1.0).abs() < 0.02, "{freedom}: {found}");
        }
    }
}
