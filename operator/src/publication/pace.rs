//! How often a namespace may be written, and which ones wait. Pure: the time comes in as a value.
//!
//! A small change makes a whole shard be written anew, and etcd keeps every state of it until it compacts. Whoever may
//! change one namespace must not fill the store that all others need.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// What may be written of one namespace, in bytes a second.
pub const RATE: u64 = 2 << 20;
/// What may be written of it before that counts. Bringing in a whole team stays below it.
pub const BURST: u64 = 32 << 20;
/// What a write costs at least, so that there are not too many small ones: 128 a second.
pub const LEAST: u64 = 16 << 10;

/// How long to wait after a failure, at first.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// How long to wait after so many failures before this one.
pub fn pause(failures: u32, longest: Duration) -> Duration {
    (FIRST_PAUSE * 2_u32.pow(failures.min(10))).min(longest)
}

/// What a write of so many bytes counts for.
pub fn cost(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX).max(LEAST)
}

/// What each namespace has used up of its allowance: a bucket that holds [`BURST`] and is filled at [`RATE`].
///
/// What a write costs is known when it is done. So one may go out as long as anything is left, and what it takes too
/// much is owed. Hence no change, the withdrawal of an access least of all, waits longer for its turn than the write
/// before it in the same namespace takes at [`RATE`]; all that changes meanwhile goes out with it.
///
/// It is kept for as long as the process runs, whether it leads or not, and whether the namespace is there or not: to
/// delete it, or to make the leader begin anew, fills no bucket.
#[derive(Debug, Default)]
pub struct Pace {
    /// When the bucket is full again. Full ones are left out.
    full: BTreeMap<String, Instant>,
}

impl Pace {
    /// Takes so much out of the bucket of a namespace.
    pub fn spend(&mut self, namespace: &str, bytes: u64, now: Instant) {
        self.full.retain(|_, full| *full > now);
        if bytes > 0 {
            let full = self.full.entry(namespace.to_owned()).or_insert(now);
            *full += time_of(bytes);
        }
    }

    /// When a namespace may be written, if that is not at once.
    pub fn due(&self, namespace: &str) -> Option<Instant> {
        self.full.get(namespace)?.checked_sub(time_of(BURST))
    }
}

fn time_of(bytes: u64) -> Duration {
    Duration::from_nanos(bytes.saturating_mul(1_000_000_000) / RATE)
}

/// The namespaces that are to be written: some at once, some not before a time. Each is in it once.
#[derive(Debug, Default)]
pub struct Waiting {
    ready: BTreeSet<String>,
    held: BTreeMap<String, Instant>,
    by_time: BTreeSet<(Instant, String)>,
}

impl Waiting {
    /// It is to be written. One that is held stays so.
    pub fn add(&mut self, namespace: &str) {
        if !self.held.contains_key(namespace) {
            self.ready.insert(namespace.to_owned());
        }
    }

    /// Takes out one that may be written now. `due` says from when on, or nothing of one that has to stay.
    pub fn take(&mut self, now: Instant, due: impl Fn(&str) -> Option<Instant>) -> Option<String> {
        while let Some((at, _)) = self.by_time.first()
            && *at <= now
            && let Some((_, name)) = self.by_time.pop_first()
        {
            self.held.remove(&name);
            self.ready.insert(name);
        }
        let mut found = None;
        let mut later = Vec::new();
        for name in &self.ready {
            match due(name) {
                Some(at) if at <= now => {
                    found = Some(name.clone());
                    break;
                }
                Some(at) => later.push((at, name.clone())),
                None => {}
            }
        }
        for (at, name) in later {
            self.ready.remove(&name);
            self.held.insert(name.clone(), at);
            self.by_time.insert((at, name));
        }
        if let Some(name) = &found {
            self.ready.remove(name);
        }
        found
    }

    /// When the next of those that are held is due.
    pub fn next(&self) -> Option<Instant> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Whether nothing is to be written.
    pub fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.held.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    /// The largest shard that is in one piece.
    const LARGE: u64 = 700 << 10;

    fn may(pace: &Pace, namespace: &str, now: Instant) -> bool {
        pace.due(namespace).is_none_or(|due| due <= now)
    }

    /// Writes as often as it may for so long, each write taking a millisecond. Returns what was written, and the
    /// longest that it waited.
    fn flip(pace: &mut Pace, size: u64, start: Instant, time: Duration) -> (u64, Duration) {
        let (mut written, mut longest, mut now) = (0, Duration::ZERO, start);
        while now < start + time {
            let due = pace.due("team").unwrap_or(now).max(now);
            longest = longest.max(due - now);
            now = due + Duration::from_millis(1);
            pace.spend("team", cost(usize::try_from(size).unwrap()), now);
            written += size;
        }
        (written, longest)
    }

    #[test]
    fn who_changes_a_large_namespace_without_end_gets_the_rate_and_no_more() {
        let start = Instant::now();
        let mut pace = Pace::default();
        let minutes = SECOND * 300;
        let (written, longest) = flip(&mut pace, LARGE, start, minutes);
        let most = BURST + RATE * 301 + LARGE;
        assert!(written <= most, "{written}");
        assert!(written > RATE * 299, "{written}");
        assert!(longest <= time_of(LARGE), "{longest:?}");
        // Nobody else is held up.
        assert!(may(&pace, "other", start));
    }

    #[test]
    fn small_writes_are_bounded_in_number() {
        let start = Instant::now();
        let mut pace = Pace::default();
        let (written, longest) = flip(&mut pace, 100, start, SECOND * 60);
        let expected = BURST / LEAST + 60 * RATE / LEAST;
        assert!((written / 100).abs_diff(expected) <= 2, "{written}");
        assert!(longest <= time_of(LEAST), "{longest:?}");
    }

    #[test]
    fn a_burst_waits_for_nothing_and_what_is_owed_is_bounded_by_the_last_write() {
        let start = Instant::now();
        let mut pace = Pace::default();
        for _ in 0..BURST / LARGE {
            assert!(may(&pace, "team", start));
            pace.spend("team", LARGE, start);
        }
        assert!(may(&pace, "team", start));
        pace.spend("team", 64 << 20, start);
        assert!(!may(&pace, "team", start));
        let longest = start + time_of(64 << 20);
        assert!(pace.due("team").is_some_and(|due| due <= longest));
        assert!(may(&pace, "team", longest));
    }

    #[test]
    fn full_buckets_are_forgotten() {
        let start = Instant::now();
        let mut pace = Pace::default();
        pace.spend("team", RATE, start);
        pace.spend("other", RATE * 3, start);
        pace.spend("nothing", 0, start);
        assert_eq!(pace.full.len(), 2);
        pace.spend("other", 0, start + SECOND * 2);
        assert_eq!(pace.full.keys().collect::<Vec<_>>(), ["other"]);
        pace.spend("other", 0, start + SECOND * 3);
        assert!(pace.full.is_empty());
    }

    #[test]
    fn what_is_held_comes_when_it_is_due_and_holds_up_nothing() {
        let start = Instant::now();
        let mut waiting = Waiting::default();
        for name in ["a", "b", "c"] {
            waiting.add(name);
        }
        let due = |name: &str| match name {
            "a" => Some(start + SECOND),
            "b" => None,
            _ => Some(start),
        };
        assert_eq!(waiting.take(start, due), Some("c".into()));
        assert_eq!(waiting.next(), Some(start + SECOND));
        waiting.add("a");
        assert_eq!(waiting.take(start, |_| Some(start)), Some("b".into()));
        assert_eq!(waiting.take(start, |_| Some(start)), None);
        assert!(!waiting.is_empty());
        assert_eq!(waiting.take(start + SECOND, due), Some("a".into()));
        assert!(waiting.is_empty() && waiting.next().is_none());
    }

    #[test]
    fn pauses_grow_up_to_the_longest() {
        let longest = SECOND * 5;
        let pauses: Vec<u128> = [0, 1, 4, 5, u32::MAX]
            .iter()
            .map(|failures| pause(*failures, longest).as_millis())
            .collect();
        assert_eq!(pauses, [200, 400, 3_200, 5_000, 5_000]);
    }
}
