//! How much of a namespace serves at once. Nobody reads a shard that is too big, and with it would go unread what is
//! withdrawn there: so what does not fit is refused before.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use crate::published::MAX_UNPACKED;
use crate::verdict::{Kind, Problem, Reason};

/// The most bytes of JSON that the providers of a namespace may have in its shard, with the secrets that they refer to;
/// as many its routes, its API keys and its service accounts. One kind does not crowd out another.
pub const MAX_OF_A_KIND: usize = 12 * 1024 * 1024;

/// Well above what the labels of a Namespace, and the fields around it all, come to: etcd takes 1.5 MiB an object.
const ALL_ELSE: usize = 4 * 1024 * 1024;
const _: () = assert!(4 * MAX_OF_A_KIND + ALL_ELSE <= MAX_UNPACKED);

/// The most that JSON makes of a byte of a text: `\u001f`.
const ESCAPED: usize = 6;
/// What stands around a name and its entry: a colon and a comma.
const AROUND: usize = 2;
/// The quotes of a text.
const QUOTES: usize = 2;

/// The room that is left for the objects of one kind.
pub(super) struct Room {
    left: usize,
}

impl Room {
    pub(super) fn new() -> Self {
        Self {
            left: MAX_OF_A_KIND,
        }
    }

    /// Takes room for an entry, if there is enough. Nothing is written to know how much it needs.
    pub(super) fn takes(&mut self, name: &str, entry: &impl Serialize) -> bool {
        let mut counted = Counted { left: self.left };
        let fits = counted.count(AROUND).is_ok()
            && serde_json::to_writer(&mut counted, name).is_ok()
            && serde_json::to_writer(&mut counted, entry).is_ok();
        if fits {
            self.left = counted.left;
        }
        fits
    }
}

/// Why an object is refused for which there is no room.
pub(super) fn no_room(kind: &Kind, namespace: &str) -> Problem {
    let (what, with) = match kind {
        Kind::Secret => ("API keys", ""),
        Kind::AiProvider => ("AIProviders", ", each with the secrets that it refers to"),
        _ => ("AIRoutes", ""),
    };
    let most = MAX_OF_A_KIND / (1024 * 1024);
    let message = format!(
        "there is no room for it: the {what} of namespace {namespace} may have {most} MiB as JSON{with}, and the oldest go first: remove or shorten some, or put them in another namespace"
    );
    Problem::new(Reason::OutOfBounds, "", message)
}

/// The service accounts for which there is room, of a namespace that had these before: those it had go first.
pub(super) fn accounts(
    all: &BTreeMap<String, String>,
    before: Option<&BTreeMap<String, String>>,
) -> BTreeMap<String, String> {
    let most =
        |(name, uid): (&String, &String)| ESCAPED * (name.len() + uid.len()) + AROUND + 2 * QUOTES;
    if all.iter().map(most).sum::<usize>() <= MAX_OF_A_KIND {
        return all.clone();
    }
    let had = |(name, uid): &(&String, &String)| {
        before.is_some_and(|before| before.get(*name) == Some(*uid))
    };
    let (old, new): (Vec<_>, Vec<_>) = all.iter().partition(had);
    let mut room = Room::new();
    let fit = old.into_iter().chain(new);
    let fit = fit.filter(|(name, uid)| room.takes(name, uid));
    fit.map(|(name, uid)| (name.clone(), uid.clone())).collect()
}

/// Counts what is written, up to how much may be.
struct Counted {
    left: usize,
}

impl Counted {
    fn count(&mut self, bytes: usize) -> io::Result<()> {
        let left = self.left.checked_sub(bytes);
        self.left = left.ok_or(io::ErrorKind::StorageFull)?;
        Ok(())
    }
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.count(bytes.len())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
