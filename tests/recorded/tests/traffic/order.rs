//! The order that events of a stream keep, as [`Event`] says.

use std::collections::{BTreeMap, BTreeSet};

use weir_llm::chat::Event;

/// What is wrong with the order of a whole stream's events.
pub(crate) fn wrong(events: &[Event]) -> Option<String> {
    let mut parts: BTreeMap<u32, Parts> = BTreeMap::new();
    let mut finished = BTreeSet::new();
    for (at, event) in events.iter().enumerate() {
        let last = at + 1 == events.len();
        let first_of_all = matches!(event, Event::Start { .. });
        if first_of_all != (at == 0) {
            return Some(format!("event {at} is {event:?}"));
        }
        if matches!(event, Event::End | Event::Failed(_)) != last {
            return Some(format!("event {at} of {} is {event:?}", events.len()));
        }
        let fine = match event {
            Event::PartStart { choice, part, .. } => {
                !finished.contains(choice) && parts.entry(*choice).or_default().begin(*part)
            }
            Event::Delta { choice, part, .. } => {
                parts.entry(*choice).or_default().open == Some(*part)
            }
            Event::PartEnd { choice, part } => parts.entry(*choice).or_default().end(*part),
            Event::Finish { choice, .. } => {
                finished.insert(*choice) && parts.entry(*choice).or_default().open.is_none()
            }
            _ => true,
        };
        if !fine {
            return Some(format!("event {at} is {event:?} after {parts:?}"));
        }
    }
    None
}

/// The parts of one choice.
#[derive(Debug, Default)]
struct Parts {
    open: Option<u32>,
    next: u32,
}

impl Parts {
    fn begin(&mut self, part: u32) -> bool {
        let fine = self.open.is_none() && part == self.next;
        self.open = Some(part);
        self.next = part + 1;
        fine
    }

    fn end(&mut self, part: u32) -> bool {
        self.open.take() == Some(part)
    }
}
