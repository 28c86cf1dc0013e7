//! The order in which a rule's backends are tried.

use std::fmt;

use weir_config::linked::{LinkedBackend, LinkedRule, MAX_BACKENDS};

/// The backends of a rule by their indexes, the best first. It holds those that serve the model, and may be empty.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Order {
    indexes: [u8; MAX_BACKENDS],
    length: u8,
}

impl Order {
    /// Priorities ascending; within one, a shuffle in which each next place goes to a backend with a chance of its
    /// weight among those that are left. Those of weight 0 come last, in the order of the resource.
    pub(crate) fn of(
        rule: &LinkedRule,
        draw: u64,
        serves: impl Fn(&LinkedBackend) -> bool,
    ) -> Self {
        let mut order = Self::default();
        for (index, backend) in (0u8..).zip(rule.backends.iter().take(MAX_BACKENDS)) {
            if serves(backend) {
                order.push(index);
            }
        }
        let priority = |index: &u8| {
            rule.backends
                .get(usize::from(*index))
                .map(|backend| backend.priority)
        };
        let mut random = SplitMix(draw);
        let mut rest = order.as_mut_slice();
        rest.sort_by_key(priority);
        while let Some(first) = rest.first().map(priority) {
            let length = rest
                .iter()
                .take_while(|index| priority(index) == first)
                .count();
            let (group, after) = rest.split_at_mut(length);
            shuffle(group, &rule.backends, &mut random);
            rest = after;
        }
        order
    }

    fn push(&mut self, index: u8) {
        if let Some(place) = self.indexes.get_mut(usize::from(self.length)) {
            *place = index;
            self.length += 1;
        }
    }

    fn as_slice(&self) -> &[u8] {
        self.indexes
            .get(..usize::from(self.length))
            .unwrap_or_default()
    }

    fn as_mut_slice(&mut self) -> &mut [u8] {
        self.indexes
            .get_mut(..usize::from(self.length))
            .unwrap_or_default()
    }

    /// The indexes into the rule's backends, the best first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = usize> + '_ {
        self.as_slice().iter().map(|index| usize::from(*index))
    }

    /// How many backends can be tried.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.length)
    }

    /// Whether nobody can answer.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.as_slice()).finish()
    }
}

/// Puts a group of equal priority in the order of a weighted draw without putting back.
fn shuffle(group: &mut [u8], backends: &[LinkedBackend], random: &mut SplitMix) {
    let weight = |index: &u8| {
        backends
            .get(usize::from(*index))
            .map_or(0, |backend| u64::from(backend.weight))
    };
    let mut rest = group;
    while rest.len() > 1 {
        let total: u64 = rest.iter().map(weight).sum();
        if total == 0 {
            return;
        }
        let mut at = random.below(total);
        let mut taken = 0;
        for (place, index) in rest.iter().enumerate() {
            taken = place;
            match at.checked_sub(weight(index)) {
                Some(left) => at = left,
                None => break,
            }
        }
        // A rotation, so that those left keep the order of the resource.
        if let Some(upto) = rest.get_mut(..=taken) {
            upto.rotate_right(1);
        }
        rest = rest.get_mut(1..).unwrap_or_default();
    }
}

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014): any seed will do, which
/// the draw of a request is.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, by the high half of a product (Lemire); for sums of weights up to 2^24 its bias is below
    /// 2^-40.
    fn below(&mut self, bound: u64) -> u64 {
        let product = u128::from(self.next()) * u128::from(bound);
        u64::try_from(product >> 64).unwrap_or_default()
    }
}
