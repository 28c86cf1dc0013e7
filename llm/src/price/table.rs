//! A model's prices, and what a call costs by them.

use crate::Usage;

use super::kind::{DENOMINATOR, Kind};

/// The price of one kind, in nano-dollars for as many units as [`Kind::per`] says, by how long the input is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    /// What it costs up to the first step.
    pub base: u64,
    /// What all of it costs where the input is longer, by length ascending.
    pub steps: Vec<Step>,
}

/// A tier of a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// It holds where the whole input has more tokens than this.
    pub above: u64,
    /// The price of every unit then, not of those above alone.
    pub rate: u64,
}

impl Rate {
    /// A price that is the same for every length.
    #[must_use]
    pub fn flat(base: u64) -> Self {
        Self {
            base,
            steps: Vec::new(),
        }
    }

    /// The price where the whole input has so many tokens.
    #[must_use]
    pub fn at(&self, input: u64) -> u64 {
        let step = self.steps.iter().rev().find(|step| input > step.above);
        step.map_or(self.base, |step| step.rate)
    }

    /// The dearest price where the whole input has so many tokens or fewer.
    #[must_use]
    pub fn dearest(&self, input: u64) -> u64 {
        let steps = self.steps.iter().filter(|step| input > step.above);
        steps.map(|step| step.rate).fold(self.base, u64::max)
    }
}

/// What a model's units cost. A kind without a price of its own is charged as what it is a part of, and for nothing
/// where that has none either.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prices {
    rates: [Option<Rate>; Kind::COUNT],
}

impl Prices {
    /// The price of a kind, where it has one of its own.
    #[must_use]
    pub fn get(&self, kind: Kind) -> Option<&Rate> {
        self.rates[kind as usize].as_ref()
    }

    /// Sets the price of a kind, in the place of what it had.
    pub fn set(&mut self, kind: Kind, rate: Rate) {
        self.rates[kind as usize] = Some(rate);
    }

    /// The kinds that have a price of their own, with it.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, &Rate)> {
        Kind::ALL
            .into_iter()
            .filter_map(|kind| Some((kind, self.get(kind)?)))
    }

    /// Whether nothing has a price. The catalogue has such rows for models that are free of charge, and for ones of
    /// which it knows nothing but the name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rates.iter().all(Option::is_none)
    }

    /// What a call costs, in nano-dollars: the sum of units × price, divided once, rounded up.
    ///
    /// `u64::MAX` where it is more than that.
    #[must_use]
    pub fn cost(&self, counts: &Counts) -> u64 {
        let input = counts.get(Kind::Input);
        let mut own = [0_u64; Kind::COUNT];
        let mut sum = 0_u128;
        // Parts stand behind what they are parts of: each is taken out of it before that is charged.
        for (kind, rate) in Kind::ALL
            .into_iter()
            .rev()
            .filter_map(|kind| Some((kind, self.get(kind)?)))
        {
            let parts = Kind::ALL
                .into_iter()
                .filter(|part| part.within().contains(&kind))
                .fold(0_u64, |sum, part| sum.saturating_add(own[part as usize]));
            let units = counts.get(kind).saturating_sub(parts);
            own[kind as usize] = units;
            let charge =
                (u128::from(units) * u128::from(rate.at(input))).saturating_mul(kind.weight());
            sum = sum.saturating_add(charge);
        }
        u64::try_from(sum.div_ceil(DENOMINATOR)).unwrap_or(u64::MAX)
    }

    /// The dearest price, in nano-dollars per million, that a token of an input no longer than this can have, whatever
    /// it is; and that of a token of the output. `None` where there is no such price at all.
    #[must_use]
    pub fn dearest(&self, input: u64) -> (Option<u64>, Option<u64>) {
        let most = |belongs: fn(Kind) -> bool| {
            let rates = self.iter().filter(|(kind, _)| belongs(*kind));
            rates.map(|(_, rate)| rate.dearest(input)).max()
        };
        (most(Kind::is_input), most(Kind::is_output))
    }

    /// Prices that take the place of some of these, kind by kind.
    #[must_use]
    pub fn overridden(mut self, by: &Self) -> Self {
        for (kind, rate) in by.iter() {
            self.set(kind, rate.clone());
        }
        self.complete();
        self
    }

    /// Gives what is both of a medium and from the cache the price of the medium, where both have one and it has none.
    ///
    /// Else such a token would be charged twice. The catalogue's own rows all have it.
    fn complete(&mut self) {
        for (both, medium) in [
            (Kind::AudioCacheRead, Kind::AudioInput),
            (Kind::ImageCacheRead, Kind::ImageInput),
        ] {
            if self.get(both).is_none()
                && self.get(Kind::CacheRead).is_some()
                && let Some(rate) = self.get(medium).cloned()
            {
                self.set(both, rate);
            }
        }
    }
}

impl FromIterator<(Kind, Rate)> for Prices {
    fn from_iter<T: IntoIterator<Item = (Kind, Rate)>>(rates: T) -> Self {
        let mut prices = Self::default();
        for (kind, rate) in rates {
            prices.set(kind, rate);
        }
        prices
    }
}

/// How many units of each kind a call used. What is a part of something is counted there, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    units: [u64; Kind::COUNT],
}

impl Counts {
    /// The units of a kind.
    #[must_use]
    pub fn get(&self, kind: Kind) -> u64 {
        self.units[kind as usize]
    }

    /// The same with so many units of a kind.
    #[must_use]
    pub fn with(mut self, kind: Kind, units: u64) -> Self {
        self.units[kind as usize] = units;
        self
    }
}

impl From<&Usage> for Counts {
    /// One call that used these tokens.
    ///
    /// Parts that can't be (more of them than of the whole) are taken for as many as there can be. Where the audio and
    /// what was cached are more than the input, they overlap: so much of the audio was read from the cache. So it is
    /// with images.
    fn from(usage: &Usage) -> Self {
        let input = usage.input;
        let part = |part: Option<u64>, whole: u64| part.unwrap_or(0).min(whole);
        let cached = part(usage.cached, input);
        let written = part(usage.cache_write, input - cached);
        let audio = part(usage.audio_input, input);
        let beyond = audio.saturating_sub(input - cached - written);
        let audio_cached = beyond.min(cached).min(audio);
        // What is left of it can't have been written to the cache and be audio as well: no model prices that.
        let audio = audio - (beyond - audio_cached).min(audio);
        let left = input - cached - written - (audio - audio_cached);
        let image = part(usage.image_input, input);
        let beyond = image.saturating_sub(left);
        let image_cached = beyond.min(cached - audio_cached).min(image);
        let image = image - (beyond - image_cached).min(image);
        let reasoning = part(usage.reasoning, usage.output);
        let audio_output = part(usage.audio_output, usage.output - reasoning);
        let image_output = part(usage.image_output, usage.output - reasoning - audio_output);
        Self::default()
            .with(Kind::Requests, 1)
            .with(Kind::Input, input)
            .with(Kind::CacheRead, cached)
            .with(Kind::CacheWrite, written)
            .with(Kind::CacheWriteHour, part(usage.cache_write_hour, written))
            .with(Kind::AudioInput, audio)
            .with(Kind::AudioCacheRead, audio_cached)
            .with(Kind::Output, usage.output)
            .with(Kind::Reasoning, reasoning)
            .with(Kind::AudioOutput, audio_output)
            .with(Kind::ImageInput, image)
            .with(Kind::ImageCacheRead, image_cached)
            .with(Kind::ImageOutput, image_output)
    }
}
