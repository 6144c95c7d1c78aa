//! What a metric family is, and the thin layer that writes families through the client library.
//!
//! A family is declared and written in one go, so its descriptor appears once and its samples are never interleaved
//! with those of another. Nothing is kept between scrapes.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, EncodeLabelSet, MetricEncoder,
    NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

/// The library's own `Ratios` would write `_ratios`; OpenMetrics and Prometheus want `_ratio`.
static RATIO: LazyLock<Unit> = LazyLock::new(|| Unit::Other("ratio".to_owned()));

/// The base unit that a family's name ends with.
#[derive(Clone, Copy, Debug)]
enum Base {
    Bytes,
    Ratio,
    Seconds,
}

impl Base {
    fn unit(self) -> &'static Unit {
        match self {
            Self::Bytes => &Unit::Bytes,
            Self::Ratio => &RATIO,
            Self::Seconds => &Unit::Seconds,
        }
    }
}

/// A metric family: its name without the unit and without what the type appends (`_total`, `_info`, `_sum`).
#[derive(Clone, Copy, Debug)]
pub(super) struct Family {
    name: &'static str,
    base: Option<Base>,
    kind: MetricType,
    /// `{window}` stands for the length of the sliding window.
    help: &'static str,
}

impl Family {
    const fn new(name: &'static str, kind: MetricType, help: &'static str) -> Self {
        Self {
            name,
            base: None,
            kind,
            help,
        }
    }

    /// A count that only grows while the agent runs.
    pub(super) const fn counter(name: &'static str, help: &'static str) -> Self {
        Self::new(name, MetricType::Counter, help)
    }

    /// A number that goes up and down.
    pub(super) const fn gauge(name: &'static str, help: &'static str) -> Self {
        Self::new(name, MetricType::Gauge, help)
    }

    /// A sum and a count.
    ///
    /// The library knows no summaries. A histogram without buckets has the very samples of a summary without
    /// quantiles, and the exposition has no histograms: [`super::dialect`] writes `summary` for it.
    pub(super) const fn summary(name: &'static str, help: &'static str) -> Self {
        Self::new(name, MetricType::Histogram, help)
    }

    /// Facts as labels, with the value 1.
    pub(super) const fn info(name: &'static str, help: &'static str) -> Self {
        Self::new(name, MetricType::Info, help)
    }

    /// The same family, counted in bytes.
    pub(super) const fn in_bytes(mut self) -> Self {
        self.base = Some(Base::Bytes);
        self
    }

    /// The same family, as a ratio.
    pub(super) const fn as_ratio(mut self) -> Self {
        self.base = Some(Base::Ratio);
        self
    }

    /// The same family, measured in seconds.
    pub(super) const fn in_seconds(mut self) -> Self {
        self.base = Some(Base::Seconds);
        self
    }
}

/// The same name, of a fleet; `process_` and what only a fleet has are called as they are.
fn name_of_fleet(name: &'static str) -> Cow<'static, str> {
    match name.strip_prefix("evenkeel_") {
        Some(rest) if !rest.starts_with("fleet_") => format!("evenkeel_fleet_{rest}").into(),
        _ => name.into(),
    }
}

/// Writes families, one after the other.
pub(super) struct Exposition<'a> {
    encoder: DescriptorEncoder<'a>,
    window: String,
    of_fleet: bool,
    /// The name of the family that is written.
    name: Cow<'static, str>,
}

impl<'a> Exposition<'a> {
    /// `window` is the length of the sliding window, as help texts say it. What is told of a fleet has names of its own, so that it is never
    /// added to what agents tell in the same store.
    pub(super) fn new(encoder: DescriptorEncoder<'a>, window: String, of_fleet: bool) -> Self {
        Self {
            encoder,
            window,
            of_fleet,
            name: Cow::Borrowed(""),
        }
    }

    /// Writes the descriptor of `family`; what is returned writes its samples.
    pub(super) fn family(&mut self, family: &Family) -> Result<Samples<'_>, fmt::Error> {
        let help = family.help.replace("{window}", &self.window);
        let unit = family.base.map(Base::unit);
        // Samples repeat the name, so it has to live as long as they are written.
        self.name = if self.of_fleet {
            name_of_fleet(family.name)
        } else {
            family.name.into()
        };
        self.encoder
            .encode_descriptor(&self.name, &help, unit, family.kind)
            .map(Samples)
    }

    /// A gauge family with one sample and no labels.
    pub(super) fn gauge(
        &mut self,
        family: &Family,
        value: impl EncodeGaugeValue + Copy,
    ) -> fmt::Result {
        self.family(family)?.0.encode_gauge(&value)
    }

    /// A counter family with one sample and no labels.
    pub(super) fn counter(
        &mut self,
        family: &Family,
        value: impl EncodeCounterValue + Copy,
    ) -> fmt::Result {
        self.family(family)?
            .0
            .encode_counter::<NoLabelSet, _, f64>(&value, None)
    }
}

/// Writes the samples of one family.
pub(super) struct Samples<'a>(MetricEncoder<'a>);

impl Samples<'_> {
    /// One sample of a counter.
    pub(super) fn counter(
        &mut self,
        labels: &impl EncodeLabelSet,
        value: impl EncodeCounterValue + Copy,
    ) -> fmt::Result {
        self.0
            .encode_family(labels)?
            .encode_counter::<NoLabelSet, _, f64>(&value, None)
    }

    /// One sample of a gauge.
    pub(super) fn gauge(
        &mut self,
        labels: &impl EncodeLabelSet,
        value: impl EncodeGaugeValue + Copy,
    ) -> fmt::Result {
        self.0.encode_family(labels)?.encode_gauge(&value)
    }

    /// Sum and count of a summary.
    pub(super) fn summary(
        &mut self,
        labels: &impl EncodeLabelSet,
        sum: f64,
        count: u64,
    ) -> fmt::Result {
        self.0
            .encode_family(labels)?
            .encode_histogram::<NoLabelSet>(sum, count, &[], None)
    }

    /// One set of facts.
    pub(super) fn info(&mut self, labels: &impl EncodeLabelSet) -> fmt::Result {
        self.0.encode_info(labels)
    }
}
