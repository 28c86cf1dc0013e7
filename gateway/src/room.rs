//! What this process has room for: requests under way and bytes of buffered bodies. Both are
//! counted with one atomic each and given back when their permit is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A finite amount of something that is taken in parts and given back on drop.
#[derive(Debug)]
pub struct Room {
    used: AtomicUsize,
    limit: usize,
}

impl Room {
    /// Room for `limit` units.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            used: AtomicUsize::new(0),
            limit,
        })
    }

    /// Takes `amount` units, or nothing if they do not fit.
    pub fn take(self: &Arc<Self>, amount: usize) -> Option<Permit> {
        self.add(amount).then(|| Permit {
            room: Arc::clone(self),
            amount,
        })
    }

    /// How many units are taken now.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn add(&self, amount: usize) -> bool {
        let before = self.used.fetch_add(amount, Ordering::Relaxed);
        let fits = before
            .checked_add(amount)
            .is_some_and(|sum| sum <= self.limit);
        if !fits {
            self.used.fetch_sub(amount, Ordering::Relaxed);
        }
        fits
    }
}

/// Some units of a [`Room`], given back on drop.
#[derive(Debug)]
#[must_use]
pub struct Permit {
    room: Arc<Room>,
    amount: usize,
}

impl Permit {
    /// Takes `amount` units more; false, and nothing changes, if they do not fit.
    #[must_use]
    pub fn grow(&mut self, amount: usize) -> bool {
        let grown = self.room.add(amount);
        if grown {
            self.amount += amount;
        }
        grown
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.room.used.fetch_sub(self.amount, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_not_taken_and_what_is_dropped_is_given_back() {
        let room = Room::new(10);
        let mut six = room.take(6).expect("6 of 10 fit");
        assert!(room.take(5).is_none());
        assert!(six.grow(4));
        assert!(!six.grow(1));
        assert_eq!(room.used(), 10);
        drop(six);
        assert_eq!(room.used(), 0);
        assert!(room.take(11).is_none());
        assert_eq!(room.used(), 0);
    }
}
