//! What a key looks like as a Secret, and what rotating it means.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;

use super::value::Value;
use crate::Failure;
use crate::time::parse_time;

/// The type of the Secret, and the key of the label that makes a key of one of any other type.
pub(super) const MARK: &str = "weir.dev/api-key";
/// The annotation that holds the expiry.
const EXPIRY: &str = "weir.dev/expires-at";
/// The entry of the value, and of the second one that is good while a rotation is under way.
const KEY: &str = "key";
const NEXT: &str = "nextKey";

/// A Secret as it is to be written.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) secret: Secret,
    /// The new value, where there is one.
    pub(super) value: Option<Value>,
    /// What was done, for people.
    pub(super) said: String,
}

/// What to do to a key.
pub(super) enum Step {
    /// Add a new value beside the old one.
    Add {
        /// The new time of expiry; none keeps the old one.
        expires_at: Option<Timestamp>,
        now: Timestamp,
    },
    /// Drop the old value.
    Finish,
    /// Drop the new value.
    Abort,
}

/// When a key expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expires {
    Never,
    At(Timestamp),
    /// Something is written that is no time, so the operator refuses the key.
    Unreadable,
}

/// A new key.
pub(super) fn create(
    name: &str,
    expires_at: Option<Timestamp>,
    labels: &[(String, String)],
) -> Result<Draft, Failure> {
    let mut all: BTreeMap<String, String> = labels.iter().cloned().collect();
    if all
        .insert(MARK.to_owned(), "true".to_owned())
        .is_some_and(|value| value != "true")
    {
        return Err(Failure::Failed(format!(
            "--label {MARK} must be \"true\", which it is by itself: leave it off"
        )));
    }
    let value = Value::new()?;
    let mut secret = Secret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(all),
            ..ObjectMeta::default()
        },
        type_: Some(MARK.to_owned()),
        data: Some(BTreeMap::from([(KEY.to_owned(), bytes(&value))])),
        ..Secret::default()
    };
    set_expiry(&mut secret, expires_at);
    let until = until(&secret);
    Ok(Draft {
        secret,
        value: Some(value),
        said: format!("{until}; this is the only time that its value is shown"),
    })
}

/// A key after one step of a rotation. `at` is its namespace and name.
pub(super) fn rotate(mut secret: Secret, at: &str, step: &Step) -> Result<Draft, Failure> {
    let is_rotating = is_rotating(&secret);
    let (value, said) = match step {
        Step::Add { .. } if is_rotating => {
            return Err(Failure::Refused(format!(
                "a rotation of {at} is under way, and two values are good: end it with --finish (the new one stays) or --abort (the old one stays)"
            )));
        }
        Step::Add { expires_at, now } => add(&mut secret, at, *expires_at, *now)?,
        Step::Finish | Step::Abort if !is_rotating => {
            return Err(Failure::Refused(format!(
                "no rotation of {at} is under way: begin one with `weir keys rotate`"
            )));
        }
        Step::Finish => {
            let data = secret.data.get_or_insert_default();
            if let Some(next) = data.remove(NEXT) {
                data.insert(KEY.to_owned(), next);
            }
            let said = "the new value alone is good; gateways refuse the old one as soon as they have heard of it";
            (None, said.to_owned())
        }
        Step::Abort => {
            secret.data.get_or_insert_default().remove(NEXT);
            let said = "the old value alone is good; gateways refuse the new one as soon as they have heard of it";
            (None, said.to_owned())
        }
    };
    Ok(Draft {
        secret,
        value,
        said,
    })
}

fn add(
    secret: &mut Secret,
    at: &str,
    expires_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(Option<Value>, String), Failure> {
    let has_expired = match expires(secret) {
        Expires::Unreadable if expires_at.is_none() => {
            return Err(Failure::Refused(format!(
                "the annotation {EXPIRY} of {at} is no time as in RFC 3339: give the key a new expiry with --expires-in or --expires-at"
            )));
        }
        Expires::At(expired) if expired <= now && expires_at.is_none() => {
            return Err(Failure::Refused(format!(
                "{at} expired at {expired}, and its new value would be as dead as the old one: give it a new expiry with --expires-in or --expires-at"
            )));
        }
        // Its values must not come back to life with the new expiry.
        Expires::At(expired) => expired <= now,
        Expires::Never | Expires::Unreadable => false,
    };
    let value = Value::new()?;
    let data = secret.data.get_or_insert_default();
    let replaces = has_expired || !data.contains_key(KEY);
    data.insert(if replaces { KEY } else { NEXT }.to_owned(), bytes(&value));
    if expires_at.is_some() {
        set_expiry(secret, expires_at);
    }
    let until = until(secret);
    let said = if replaces {
        format!("{until}; the new value stands in place of the old one")
    } else {
        format!(
            "{until}; the old and the new value are good: when every caller has the new one, drop the old one with --finish"
        )
    };
    Ok((Some(value), said))
}

/// Whether this Secret is a key, which nobody else keeps as it is.
pub(super) fn may_change(secret: &Secret, at: &str) -> Result<(), Failure> {
    if !is_key(secret) {
        return Err(Failure::Refused(format!(
            "the Secret {at} is no API key of Weir: it has neither the type {MARK} nor the label {MARK}: \"true\""
        )));
    }
    let owners = secret.metadata.owner_references.iter().flatten();
    if let Some(owner) = owners
        .into_iter()
        .find(|owner| owner.controller == Some(true))
    {
        return Err(Failure::Refused(format!(
            "{at} is kept by {} {}, which would undo any change: change it there",
            owner.kind, owner.name
        )));
    }
    Ok(())
}

/// Whether a Secret means to be a key, as the operator sees it.
pub(super) fn is_key(secret: &Secret) -> bool {
    let labels = secret.metadata.labels.as_ref();
    let label = labels.and_then(|labels| labels.get(MARK));
    secret.type_.as_deref() == Some(MARK) || label.is_some_and(|label| label == "true")
}

/// Whether two values are good.
pub(super) fn is_rotating(secret: &Secret) -> bool {
    let data = secret.data.as_ref();
    data.is_some_and(|data| data.contains_key(NEXT))
}

pub(super) fn expires(secret: &Secret) -> Expires {
    let annotations = secret.metadata.annotations.as_ref();
    match annotations.and_then(|annotations| annotations.get(EXPIRY)) {
        None => Expires::Never,
        Some(written) => parse_time(written).map_or(Expires::Unreadable, Expires::At),
    }
}

fn set_expiry(secret: &mut Secret, expires_at: Option<Timestamp>) {
    if let Some(at) = expires_at {
        let annotations = secret.metadata.annotations.get_or_insert_default();
        annotations.insert(EXPIRY.to_owned(), format!("{at:.0}"));
    }
}

fn until(secret: &Secret) -> String {
    match expires(secret) {
        Expires::At(at) => format!("good until {at}"),
        Expires::Never | Expires::Unreadable => "good for ever".to_owned(),
    }
}

fn bytes(value: &Value) -> ByteString {
    ByteString(value.as_str().as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value as Json, json};

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn now() -> Timestamp {
        time("2026-11-23T16:00:00Z")
    }

    fn secret(fields: Json) -> Secret {
        serde_json::from_value(fields).unwrap()
    }

    /// A key that holds `old`, base64 of `"old"`.
    fn key(expires_at: Option<&str>) -> Secret {
        let annotations = expires_at.map(|at| json!({EXPIRY: at}));
        secret(json!({
            "metadata": {"name": "web", "resourceVersion": "7", "annotations": annotations},
            "type": MARK, "data": {"key": "b2xk"},
        }))
    }

    fn value_of(draft: &Draft) -> ByteString {
        bytes(draft.value.as_ref().unwrap())
    }

    fn old() -> ByteString {
        ByteString(b"old".to_vec())
    }

    fn add(secret: Secret, expires_at: Option<&str>) -> Result<Draft, Failure> {
        let step = Step::Add {
            expires_at: expires_at.map(time),
            now: now(),
        };
        rotate(secret, "shop/web", &step)
    }

    fn refusal(result: Result<Draft, Failure>) -> String {
        match result {
            Err(Failure::Refused(message)) => message,
            other => panic!("not refused: {other:?}"),
        }
    }

    #[test]
    fn a_new_key_is_a_secret_of_its_type_and_label() {
        let labels = [("team".to_owned(), "web".to_owned())];
        let draft = create("web", Some(time("2027-01-01T00:00:00.5Z")), &labels).unwrap();
        let value = value_of(&draft);
        let expected = secret(json!({
            "metadata": {
                "name": "web", "labels": {MARK: "true", "team": "web"},
                "annotations": {EXPIRY: "2027-01-01T00:00:00Z"},
            },
            "type": MARK,
        }));
        let expected = Secret {
            data: Some([(KEY.to_owned(), value)].into()),
            ..expected
        };
        assert_eq!(draft.secret, expected);
        assert!(draft.said.starts_with("good until 2027-01-01T00:00:00Z"));
        let labels = [(MARK.to_owned(), "false".to_owned())];
        assert!(create("web", None, &labels).is_err());
    }

    #[test]
    fn rotating_adds_finishing_keeps_the_new_aborting_the_old() {
        let added = add(key(None), None).unwrap();
        let expected = [(KEY.to_owned(), old()), (NEXT.to_owned(), value_of(&added))];
        assert_eq!(added.secret.data, Some(expected.into()));
        assert_eq!(added.secret.metadata.resource_version.as_deref(), Some("7"));

        let twice = refusal(add(added.secret.clone(), None));
        assert!(
            twice.contains("--finish") && twice.contains("--abort"),
            "{twice}"
        );

        let finished = rotate(added.secret.clone(), "shop/web", &Step::Finish).unwrap();
        let expected = [(KEY.to_owned(), value_of(&added))];
        assert_eq!(finished.secret.data, Some(expected.into()));
        assert_eq!(finished.value, None);

        let aborted = rotate(added.secret, "shop/web", &Step::Abort).unwrap();
        assert_eq!(aborted.secret, key(None));
    }

    #[test]
    fn there_must_be_a_rotation_to_end() {
        for step in [Step::Finish, Step::Abort] {
            let message = refusal(rotate(key(None), "shop/web", &step));
            assert!(message.contains("no rotation of shop/web"), "{message}");
        }
    }

    #[test]
    fn the_expiry_stays_unless_a_new_one_is_given() {
        let kept = add(key(Some("2027-01-01T00:00:00Z")), None).unwrap();
        let at = Expires::At(time("2027-01-01T00:00:00Z"));
        assert_eq!(expires(&kept.secret), at);
        let moved = add(key(None), Some("2027-01-01T00:00:00Z")).unwrap();
        assert_eq!(expires(&moved.secret), at);
    }

    #[test]
    fn what_has_expired_does_not_come_back_to_life() {
        let expired = key(Some("2026-11-23T15:59:59Z"));
        let message = refusal(add(expired.clone(), None));
        assert!(
            message.contains("expired at 2026-11-23T15:59:59Z"),
            "{message}"
        );
        let renewed = add(expired, Some("2027-01-01T00:00:00Z")).unwrap();
        let expected = [(KEY.to_owned(), value_of(&renewed))];
        assert_eq!(renewed.secret.data, Some(expected.into()));
    }

    #[test]
    fn an_expiry_that_is_no_time_wants_a_new_one() {
        let message = refusal(add(key(Some("tomorrow")), None));
        assert!(message.contains("--expires-in"), "{message}");
        let mended = add(key(Some("tomorrow")), Some("2027-01-01T00:00:00Z")).unwrap();
        assert_eq!(
            expires(&mended.secret),
            Expires::At(time("2027-01-01T00:00:00Z"))
        );
    }

    #[test]
    fn only_keys_that_nobody_else_keeps_are_changed() {
        let refused = |fields| match may_change(&secret(fields), "shop/web") {
            Err(Failure::Refused(message)) => message,
            other => panic!("not refused: {other:?}"),
        };
        let message = refused(json!({"metadata": {}, "type": "Opaque"}));
        assert!(message.contains("is no API key of Weir"), "{message}");
        let message = refused(json!({"metadata": {"labels": {MARK: "false"}}}));
        assert!(message.contains("is no API key of Weir"), "{message}");
        let owner = |controller| {
            json!({
                "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "name": "web",
                "uid": "1", "controller": controller,
            })
        };
        let message = refused(json!({
            "metadata": {"ownerReferences": [owner(true)], "labels": {MARK: "true"}},
        }));
        assert!(message.contains("kept by ExternalSecret web"), "{message}");
        let mine = secret(json!({"metadata": {"ownerReferences": [owner(false)]}, "type": MARK}));
        assert!(may_change(&mine, "shop/web").is_ok());
    }
}
