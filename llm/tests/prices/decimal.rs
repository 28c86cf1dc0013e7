//! Sums of money as one does them by hand: exact, in decimals, rounded up once at the end.

/// An exact number: `digits` ÷ 10^`places`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decimal {
    digits: u128,
    places: u32,
}

impl Decimal {
    pub(crate) const ZERO: Self = Self {
        digits: 0,
        places: 0,
    };

    pub(crate) fn parse(text: &str) -> Self {
        let places = text
            .split_once('.')
            .map_or(0, |(_, fraction)| fraction.len());
        Self {
            digits: text.replace('.', "").parse().unwrap(),
            places: u32::try_from(places).unwrap(),
        }
    }

    pub(crate) fn times(self, count: u64) -> Self {
        Self {
            digits: self.digits.checked_mul(u128::from(count)).unwrap(),
            ..self
        }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        let places = self.places.max(other.places);
        let scaled = |number: Self| number.digits * 10_u128.pow(places - number.places);
        Self {
            digits: scaled(self) + scaled(other),
            places,
        }
    }

    /// Dollars for a million of something, each of which was counted: in nano-dollars, rounded up.
    pub(crate) fn per_million_in_nano(self) -> u64 {
        // ÷ 10^6, × 10^9.
        let places = i64::from(self.places) - 3;
        let nano = match u32::try_from(places) {
            Ok(places) => self.digits.div_ceil(10_u128.pow(places)),
            Err(_) => self.digits * 10_u128.pow(u32::try_from(-places).unwrap()),
        };
        u64::try_from(nano).unwrap()
    }
}
