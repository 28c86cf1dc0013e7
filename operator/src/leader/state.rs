//! What a candidate concludes from the Leases it has seen; the time comes in as a value.

use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::Lease;

use super::{DURATION, MARGIN};

/// The longest duration of another's Lease that is believed.
const LONGEST: Duration = Duration::from_secs(60);

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Someone else holds it.
    Wait,
    /// It is free, or has stood still for too long.
    Take,
    /// It is ours.
    Renew,
}

/// What is known of the Lease.
#[derive(Debug)]
pub(super) struct Standing {
    identity: String,
    /// The version that was last seen or written, and since when it is known.
    version: Option<(String, Instant)>,
    holder: Option<String>,
    duration: Duration,
    /// When the last write of ours began that went through, while nobody else was seen to hold it.
    renewed: Option<Instant>,
    highest: u64,
    restored: u64,
}

impl Standing {
    pub(super) fn new(identity: String) -> Self {
        Self {
            identity,
            version: None,
            holder: None,
            duration: DURATION,
            renewed: None,
            highest: 0,
            restored: 0,
        }
    }

    pub(super) fn identity(&self) -> &str {
        &self.identity
    }

    /// The Lease was read.
    pub(super) fn seen(&mut self, lease: &Lease, now: Instant) {
        self.take_up(lease, now);
        if self.holder.as_deref() != Some(&self.identity) {
            self.renewed = None;
        }
    }

    /// The Lease was written by us.
    pub(super) fn wrote(&mut self, lease: &Lease, begun: Instant) {
        self.take_up(lease, begun);
        self.renewed = Some(begun);
    }

    /// It was given up.
    pub(super) fn gave_up(&mut self) {
        self.renewed = None;
        self.version = None;
    }

    /// Whether the lead is ours at this time.
    pub(super) fn leads(&self, now: Instant) -> bool {
        self.left(now).is_some()
    }

    /// For how long the lead is ours without a renewal; none if it is not.
    pub(super) fn left(&self, now: Instant) -> Option<Duration> {
        let held = now.saturating_duration_since(self.renewed?);
        (DURATION - MARGIN)
            .checked_sub(held)
            .filter(|left| !left.is_zero())
    }

    pub(super) fn step(&self, now: Instant) -> Step {
        let Some((_, since)) = &self.version else {
            return Step::Wait;
        };
        match self.holder.as_deref() {
            None | Some("") => Step::Take,
            // Ours, but lapsed by our own count: it is taken anew, as another's would be.
            Some(holder) if holder == self.identity => {
                if self.leads(now) {
                    Step::Renew
                } else {
                    Step::Take
                }
            }
            Some(_) if now.saturating_duration_since(*since) >= self.duration => Step::Take,
            Some(_) => Step::Wait,
        }
    }

    /// How often an older Lease was seen after a newer one.
    pub(super) fn restored(&self) -> u64 {
        self.restored
    }

    fn take_up(&mut self, lease: &Lease, now: Instant) {
        let version = lease.metadata.resource_version.clone().unwrap_or_default();
        if let Ok(number) = version.parse::<u64>() {
            if number < self.highest {
                self.restored += 1;
            }
            self.highest = number;
        }
        if self.version.as_ref().is_none_or(|(old, _)| *old != version) {
            self.version = Some((version, now));
        }
        let spec = lease.spec.as_ref();
        self.holder = spec.and_then(|spec| spec.holder_identity.clone());
        let seconds = spec.and_then(|spec| spec.lease_duration_seconds);
        let said = seconds.and_then(|seconds| u64::try_from(seconds).ok());
        self.duration = said
            .filter(|seconds| *seconds > 0)
            .map_or(DURATION, Duration::from_secs)
            .min(LONGEST);
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::coordination::v1::LeaseSpec;
    use kube::api::ObjectMeta;

    use super::*;

    fn lease(version: u64, holder: &str) -> Lease {
        Lease {
            metadata: ObjectMeta {
                resource_version: Some(version.to_string()),
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                holder_identity: Some(holder.to_owned()).filter(|holder| !holder.is_empty()),
                lease_duration_seconds: Some(5),
                ..LeaseSpec::default()
            }),
        }
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_free_lease_is_taken_renewed_and_lost_before_it_lapses_for_others() {
        let start = Instant::now();
        let mut standing = Standing::new("me".into());
        assert_eq!(standing.step(start), Step::Wait, "nothing is known yet");
        standing.seen(&lease(1, ""), start);
        assert_eq!(standing.step(start), Step::Take);
        standing.wrote(&lease(2, "me"), start);
        assert_eq!(standing.step(start + seconds(3)), Step::Renew);
        assert!(standing.leads(start + seconds(3)));
        assert!(!standing.leads(start + seconds(4)));
        standing.wrote(&lease(3, "me"), start + seconds(3));
        assert!(standing.leads(start + seconds(6)));
    }

    #[test]
    fn anothers_lease_is_taken_once_it_was_seen_to_stand_still() {
        let start = Instant::now();
        let mut standing = Standing::new("me".into());
        standing.seen(&lease(1, "other"), start);
        standing.seen(&lease(1, "other"), start + seconds(4));
        assert_eq!(standing.step(start + seconds(4)), Step::Wait);
        standing.seen(&lease(2, "other"), start + seconds(4));
        assert_eq!(standing.step(start + seconds(8)), Step::Wait);
        assert_eq!(standing.step(start + seconds(9)), Step::Take);
    }

    #[test]
    fn the_lead_is_lost_at_once_when_another_is_seen_to_hold_it() {
        let start = Instant::now();
        let mut standing = Standing::new("me".into());
        standing.wrote(&lease(2, "me"), start);
        standing.seen(&lease(3, "other"), start + seconds(1));
        assert!(!standing.leads(start + seconds(1)));
        assert_eq!(standing.step(start + seconds(1)), Step::Wait);
    }

    #[test]
    fn ones_own_lease_that_lapsed_is_taken_anew() {
        let start = Instant::now();
        let mut standing = Standing::new("me".into());
        standing.wrote(&lease(2, "me"), start);
        standing.seen(&lease(2, "me"), start + seconds(30));
        assert!(!standing.leads(start + seconds(30)));
        assert_eq!(standing.step(start + seconds(30)), Step::Take);
    }

    #[test]
    fn an_older_lease_tells_that_the_store_was_restored() {
        let start = Instant::now();
        let mut standing = Standing::new("me".into());
        standing.seen(&lease(20, "other"), start);
        standing.seen(&lease(21, "other"), start);
        assert_eq!(standing.restored(), 0);
        standing.seen(&lease(7, "other"), start);
        standing.seen(&lease(8, "other"), start);
        assert_eq!(standing.restored(), 1);
    }
}
