//! Whose status is to be written, when, and how many a second. Pure: the time comes in as a value.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use weir_config::{Kind, ObjectId};

/// How many writes may go out at once after a pause.
const BURST: u32 = 5;
/// How far apart they are else. With the burst that is at most 20 within any second.
const APART: Duration = Duration::from_millis(67);

/// Of so many writes one is the oldest that waits.
const OLDEST: u32 = 4;

/// Objects whose status is to be written; each stands in it once.
///
/// What became due last goes first: somebody waits for the one route that was just changed, while ten thousand others
/// are told that a gateway is behind. Every [`OLDEST`]th is the one that has waited longest, so that none waits for ever.
#[derive(Debug, Default)]
pub struct Queue {
    order: BTreeSet<(Instant, ObjectId)>,
    due: HashMap<ObjectId, Instant>,
    popped: u32,
}

impl Queue {
    /// It is to be written at `due`, or as it was arranged before if that is earlier.
    pub fn at_latest(&mut self, id: &ObjectId, due: Instant) {
        if self.due.get(id).is_none_or(|old| due < *old) {
            self.remove(id);
            self.due.insert(id.clone(), due);
            self.order.insert((due, id.clone()));
        }
    }

    /// There is nothing to write of it.
    pub fn remove(&mut self, id: &ObjectId) {
        if let Some(due) = self.due.remove(id) {
            self.order.remove(&(due, id.clone()));
        }
    }

    /// Takes out the next one that is due.
    pub fn pop(&mut self, now: Instant) -> Option<ObjectId> {
        let first = ObjectId::new(Kind::AiProvider, "", "");
        let mut due = self.order.range(..(now + Duration::from_nanos(1), first));
        let oldest = (self.popped + 1).is_multiple_of(OLDEST);
        let next = if oldest { due.next() } else { due.next_back() };
        let id = next?.1.clone();
        self.popped = self.popped.wrapping_add(1);
        self.remove(&id);
        Some(id)
    }

    /// When the next one is due.
    pub fn next(&self) -> Option<Instant> {
        self.order.first().map(|(due, _)| *due)
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.order.clear();
        self.due.clear();
    }
}

/// What may be written now (the generic cell rate algorithm: one time is all its state).
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// When the next write would be due if they were evenly spread.
    even: Instant,
}

impl Pace {
    /// Nothing was written so far.
    pub fn new(now: Instant) -> Self {
        Self { even: now }
    }

    /// When a write may go out.
    pub fn next(&self) -> Instant {
        let ahead = APART * (BURST - 1);
        self.even.checked_sub(ahead).unwrap_or(self.even)
    }

    /// Whether a write may go out now; it counts if so.
    pub fn take(&mut self, now: Instant) -> bool {
        if now < self.next() {
            return false;
        }
        self.even = self.even.max(now) + APART;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> ObjectId {
        ObjectId::new(Kind::AiRoute, "team", name)
    }

    #[test]
    fn each_stands_in_it_once_and_comes_when_it_is_due() {
        let start = Instant::now();
        let later = start + Duration::from_secs(2);
        let mut queue = Queue::default();
        queue.at_latest(&id("a"), later);
        queue.at_latest(&id("b"), start);
        queue.at_latest(&id("b"), later);
        assert_eq!(queue.len(), 2);
        assert_eq!(queue.pop(start), Some(id("b")));
        assert_eq!(queue.pop(start), None);
        assert_eq!(queue.next(), Some(later));
        queue.at_latest(&id("a"), start);
        assert_eq!(queue.pop(start), Some(id("a")));
        queue.at_latest(&id("a"), start);
        queue.remove(&id("a"));
        assert_eq!(queue.pop(later), None);
        assert!(queue.is_empty());
    }

    #[test]
    fn what_became_due_last_goes_first_and_the_oldest_now_and_then() {
        let start = Instant::now();
        let mut queue = Queue::default();
        for n in 0..8 {
            queue.at_latest(&id(&n.to_string()), start + Duration::from_millis(n));
        }
        let popped: Vec<String> = std::iter::from_fn(|| queue.pop(start + APART))
            .map(|id| id.name)
            .collect();
        assert_eq!(popped, ["7", "6", "5", "0", "4", "3", "2", "1"]);
    }

    #[test]
    fn no_second_has_more_than_twenty_writes() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        let mut written: Vec<Instant> = Vec::new();
        for millis in 0..5_000 {
            // A pause in the middle, after which a burst is due.
            let now = start + Duration::from_millis(millis);
            if !(1_000..2_500).contains(&millis) && pace.take(now) {
                written.push(now);
            }
        }
        let most = written
            .iter()
            .map(|first| {
                let within =
                    |one: &&Instant| **one >= *first && **one < *first + Duration::from_secs(1);
                written.iter().filter(within).count()
            })
            .max();
        assert!(
            most.is_some_and(|most| (15..=20).contains(&most)),
            "{most:?}"
        );
        assert!(written.len() > 50, "{}", written.len());
    }
}
