//! The modified Bessel functions of the first kind of order 0 and 1, scaled by e^-x so that they never overflow.

use std::f64::consts::PI;

/// From here on the asymptotic series is exact to rounding: its smallest term is about e^(-2x).
const LARGE: f64 = 20.0;

/// e^-x I0(x) and e^-x I1(x) for x >= 0, to a relative error of about 1e-14.
pub(crate) fn scaled_i0_i1(x: f64) -> (f64, f64) {
    if x < LARGE {
        let scale = (-x).exp();
        let (i0, i1) = power_series(x);
        (scale * i0, scale * i1)
    } else {
        let scale = 1.0 / (2.0 * PI * x).sqrt();
        (
            scale * asymptotic_series(0.0, x),
            scale * asymptotic_series(1.0, x),
        )
    }
}

/// Abramowitz & Stegun 9.6.10. All terms are positive: nothing cancels.
fn power_series(x: f64) -> (f64, f64) {
    let quarter_square = x * x / 4.0;
    let (mut term0, mut term1) = (1.0, x / 2.0);
    let (mut i0, mut i1) = (term0, term1);
    let mut m = 1.0;
    while term0 > i0 * f64::EPSILON / 4.0 {
        term0 *= quarter_square / (m * m);
        term1 *= quarter_square / (m * (m + 1.0));
        i0 += term0;
        i1 += term1;
        m += 1.0;
    }
    (i0, i1)
}

/// Abramowitz & Stegun 9.7.1, without the factor 1 / sqrt(2 pi x).
fn asymptotic_series(order: f64, x: f64) -> f64 {
    let mu = 4.0 * order * order;
    let (mut term, mut sum) = (1.0_f64, 1.0);
    let mut m = 1.0;
    // The terms shrink until m is about 2x >= 40; at x = 20 some thirty of them count.
    while term.abs() > f64::EPSILON / 4.0 && m < 2.0 * LARGE {
        let odd = 2.0 * m - 1.0;
        term *= (odd * odd - mu) / (8.0 * m * x);
        sum += term;
        m += 1.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `e^-x I_v(x)` is 1/pi times the integral over 0..pi of `e^(x (cos t - 1)) cos(v t) dt` (Abramowitz & Stegun 9.6.19). The
    /// integrand is smooth and periodic, so the trapezoidal rule converges faster than any power of the step.
    fn by_integral(order: f64, x: f64) -> f64 {
        let steps: u32 = 4_000;
        let at = |i: u32| {
            let t = PI * f64::from(i) / f64::from(steps);
            // cos t - 1 without cancellation.
            (-2.0 * x * (t / 2.0).sin().powi(2)).exp() * (order * t).cos()
        };
        let inner: f64 = (1..steps).map(at).sum();
        (inner + f64::midpoint(at(0), at(steps))) / f64::from(steps)
    }

    #[test]
    fn agrees_with_the_integral_representation() {
        for x in [
            1e-9, 0.01, 0.3, 1.0, 2.0, 5.0, 12.0, 19.999, 20.0, 20.001, 25.0, 60.0, 300.0, 1e4, 1e5,
        ] {
            let (i0, i1) = scaled_i0_i1(x);
            let (e0, e1) = (by_integral(0.0, x), by_integral(1.0, x));
            assert!((i0 / e0 - 1.0).abs() < 1e-12, "I0({x}): {i0} and {e0}");
            // For tiny x the integral for order 1 cancels; its error is absolute.
            assert!(
                (i1 - e1).abs() < 1e-12 * e1 + 1e-14,
                "I1({x}): {i1} and {e1}"
            );
        }
    }

    #[test]
    fn the_ends_of_the_range_are_finite() {
        assert_eq!(scaled_i0_i1(0.0), (1.0, 0.0));
        assert_eq!(scaled_i0_i1(f64::INFINITY), (0.0, 0.0));
        let (i0, i1) = scaled_i0_i1(1e300);
        assert!(i0 > 0.0 && i1 > 0.0 && i0 < 1e-149);
    }
}
