//! What is told of a cluster.

use std::io::{self, Write};

use k8s_openapi::jiff::Timestamp;
use serde_json::json;
use weir_records::lease::Refused;

use super::gateways::{Gateway, State};
use super::published::Published;
use super::resources::{Ready, Resource};
use crate::table::{one_line, render};
use crate::time::short;

/// All that was found.
pub(super) struct Report {
    pub(super) config_namespace: String,
    /// The one that was asked for; none means all.
    pub(super) namespace: Option<String>,
    pub(super) now: Timestamp,
    pub(super) resources: Vec<Resource>,
    /// None where this account may not see them.
    pub(super) gateways: Option<Vec<Gateway>>,
    /// None where this account may not see it.
    pub(super) published: Option<Published>,
    /// What this account may not see.
    pub(super) notes: Vec<String>,
}

impl Report {
    /// Whether all that was seen is as it should be.
    pub(super) fn is_ready(&self) -> bool {
        self.troubles().is_empty() && self.unready() == 0 && self.refused().next().is_none()
    }

    pub(super) fn text(&self, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<()> {
        if self.resources.is_empty() {
            let within = self.namespace.as_deref().map_or_else(
                || "the cluster".to_owned(),
                |namespace| format!("namespace {namespace}"),
            );
            writeln!(out, "There is no AIProvider and no AIRoute in {within}.")?;
        } else {
            write!(out, "{}", self.resource_table())?;
        }
        if let Some(gateways) = self
            .gateways
            .as_ref()
            .filter(|gateways| !gateways.is_empty())
        {
            write!(out, "\n{}", self.gateway_table(gateways))?;
        }
        let refused: Vec<_> = self.refused().collect();
        if !refused.is_empty() {
            let rows = refused.iter().map(|(pod, refused)| {
                let object = refused.object.clone().unwrap_or_else(|| "all".to_owned());
                vec![
                    (*pod).to_owned(),
                    refused.namespace.clone(),
                    object,
                    refused.message.clone(),
                ]
            });
            let headings = ["POD", "REFUSED", "OBJECT", "MESSAGE"];
            write!(out, "\n{}", render(&headings, rows))?;
        }
        if let Some(published) = &self.published {
            for line in self.published_lines(published) {
                write!(out, "\n{line}\n")?;
            }
        }
        out.flush()?;
        for note in &self.notes {
            writeln!(err, "{}", one_line(note))?;
        }
        for trouble in self.troubles() {
            writeln!(err, "{}", one_line(&trouble))?;
        }
        let (all, unready) = (self.resources.len(), self.unready());
        if unready > 0 {
            writeln!(err, "{unready} of {all} not ready")?;
        }
        Ok(())
    }

    /// The JSON document of `-o json`; scripts rely on its names.
    pub(super) fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        let refused: Vec<_> = self
            .refused()
            .map(|(pod, refused)| json!({"pod": pod, "refused": refused}))
            .collect();
        let document = json!({
            "ready": self.is_ready(),
            "resources": self.resources,
            "gateways": self.gateways,
            "published": self.published,
            "refused": refused,
            "troubles": self.troubles(),
            "notes": self.notes,
        });
        serde_json::to_writer_pretty(&mut *out, &document)?;
        writeln!(out)
    }

    fn unready(&self) -> usize {
        let unready = self
            .resources
            .iter()
            .filter(|resource| resource.ready != Ready::True);
        unready.count()
    }

    /// What the pods could not take up of the namespaces that were asked for.
    fn refused(&self) -> impl Iterator<Item = (&str, &Refused)> {
        let all = self.gateways.iter().flatten().flat_map(|gateway| {
            gateway
                .refused
                .iter()
                .map(|refused| (gateway.pod.as_str(), refused))
        });
        all.filter(|(_, refused)| {
            let asked = self.namespace.as_ref();
            asked.is_none_or(|namespace| *namespace == refused.namespace)
        })
    }

    /// What is not as it should be, beside resources and refusals, in a line each.
    fn troubles(&self) -> Vec<String> {
        let mut troubles = Vec::new();
        let within = &self.config_namespace;
        if self
            .published
            .as_ref()
            .is_some_and(|all| all.root.is_none())
        {
            troubles.push(format!(
                "nothing is published in {within}: is the operator running, and is this its --config-namespace?"
            ));
        }
        let Some(gateways) = &self.gateways else {
            return troubles;
        };
        if gateways.is_empty() {
            troubles.push(format!(
                "no gateway holds a lease in {within}: is one running, and is this its --config-namespace?"
            ));
        }
        for (state, what) in [
            (
                State::Behind,
                "behind: it has not taken up the newest revision",
            ),
            (State::Stale, "stale: it has not renewed its lease in time"),
        ] {
            let pods = gateways.iter().filter(|gateway| gateway.state == state);
            troubles.extend(pods.map(|gateway| format!("{} is {what}", gateway.pod)));
        }
        troubles
    }

    fn resource_table(&self) -> String {
        let number = |number: Option<i64>| number.map(|number| number.to_string());
        let rows = self.resources.iter().map(|resource| {
            let says = |condition| resource.says(condition).to_owned();
            vec![
                resource.namespace.clone(),
                resource.kind.clone(),
                resource.name.clone(),
                says("Accepted"),
                says("ResolvedRefs"),
                says("Programmed"),
                resource.ready.as_str().to_owned(),
                resource.generation.to_string(),
                number(resource.serving_generation).unwrap_or_default(),
                resource.reason.clone(),
                resource.message.clone(),
            ]
        });
        let headings = [
            "NAMESPACE",
            "KIND",
            "NAME",
            "ACCEPTED",
            "REFS",
            "PROGRAMMED",
            "READY",
            "GENERATION",
            "SERVES",
            "REASON",
            "MESSAGE",
        ];
        render(&headings, rows)
    }

    fn gateway_table(&self, gateways: &[Gateway]) -> String {
        let rows = gateways.iter().map(|gateway| {
            let revision = gateway.revision.map(|revision| revision.to_string());
            let renewed = gateway
                .renew_time
                .map(|renewed| format!("{} ago", short(self.now.duration_since(renewed))));
            vec![
                gateway.pod.clone(),
                gateway.state.as_str().to_owned(),
                revision.unwrap_or_default(),
                renewed.unwrap_or_default(),
                gateway.formats(),
                gateway.version.clone(),
            ]
        });
        let headings = ["POD", "STATE", "REVISION", "RENEWED", "FORMATS", "VERSION"];
        render(&headings, rows)
    }

    fn published_lines(&self, published: &Published) -> Vec<String> {
        let Some(root) = &published.root else {
            return Vec::new();
        };
        let or_not = |number: Option<String>| number.unwrap_or_else(|| "?".to_owned());
        let format = or_not(root.format.map(|format| format.to_string()));
        let term = or_not(root.term.map(|term| term.to_string()));
        let (count, newest) = (published.shards.len(), published.newest());
        let plural = if count == 1 { "" } else { "s" };
        let mut lines = vec![format!(
            "Published in {}: {count} namespace{plural}, newest revision {newest}, format {format}, term {term}",
            self.config_namespace
        )];
        if let Some(namespace) = &self.namespace {
            lines.push(published.shard(namespace).map_or_else(
                || format!("Published of {namespace}: nothing"),
                |shard| format!("Published of {namespace}: revision {}", shard.revision),
            ));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::super::gateways::tests::{lease, now};
    use super::super::published::tests::published;
    use super::super::resources::tests::{good, of};
    use super::*;

    /// A namespace in which all is well.
    fn well() -> Report {
        let leases = [
            lease("weir-gateway-0", 700, 3),
            lease("weir-gateway-1", 700, 4),
        ];
        Report {
            config_namespace: "weir-config".into(),
            namespace: Some("shop".into()),
            now: now(),
            resources: vec![of("chat", good(3))],
            gateways: Some(Gateway::read_all(&leases, Some(700), now())),
            published: Some(published()),
            notes: Vec::new(),
        }
    }

    fn text(report: &Report) -> (String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        report.text(&mut out, &mut err).unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(out), text(err))
    }

    #[test]
    fn all_is_well() {
        let report = well();
        assert!(report.is_ready());
        let expected = "\
NAMESPACE   KIND      NAME   ACCEPTED   REFS   PROGRAMMED   READY   GENERATION   SERVES   REASON   MESSAGE
shop        AIRoute   chat   True       True   True         True    3            3        Ready    -

POD              STATE     REVISION   RENEWED   FORMATS   VERSION
weir-gateway-0   Current   700        3s ago    1,2       0.1.0
weir-gateway-1   Current   700        4s ago    1,2       0.1.0

Published in weir-config: 2 namespaces, newest revision 700, format 2, term 3

Published of shop: revision 700
";
        assert_eq!(text(&report), (expected.to_owned(), String::new()));
    }

    #[test]
    fn what_is_not_well_is_said() {
        let leases = [lease("a", 699, 3), lease("b", 700, 60)];
        let mut gateways = Gateway::read_all(&leases, Some(700), now());
        gateways[1].refused = ["shop", "bank"]
            .map(|namespace| Refused {
                namespace: namespace.into(),
                object: Some("AIRoute/chat".into()),
                message: "no\nthanks".into(),
            })
            .into();
        let report = Report {
            resources: vec![of("chat", good(2)), of("embed", good(3))],
            gateways: Some(gateways),
            ..well()
        };
        assert!(!report.is_ready());
        let (out, err) = text(&report);
        let refused =
            "\nPOD   REFUSED   OBJECT         MESSAGE\nb     shop      AIRoute/chat   no thanks\n";
        assert!(out.contains(refused), "{out}");
        assert_eq!(
            err,
            "a is behind: it has not taken up the newest revision\nb is stale: it has not renewed its lease in time\n1 of 2 not ready\n"
        );
    }

    #[test]
    fn one_thing_amiss_is_enough() {
        let mut unready = well();
        unready.resources.push(of("embed", good(2)));
        let mut behind = well();
        behind.gateways = Some(Gateway::read_all(&[lease("a", 1, 3)], Some(700), now()));
        let mut none = well();
        none.gateways = Some(Vec::new());
        let mut unpublished = well();
        unpublished.published = Some(Published::default());
        for report in [unready, behind, none, unpublished] {
            let (out, err) = text(&report);
            assert!(!report.is_ready(), "{out}");
            assert_eq!(err.lines().count(), 1, "{err}");
        }
    }

    #[test]
    fn what_may_not_be_seen_does_not_count() {
        let report = Report {
            gateways: None,
            published: None,
            notes: vec!["what is published can't be shown: …".into()],
            ..well()
        };
        assert!(report.is_ready());
        let (out, err) = text(&report);
        assert_eq!(out.lines().count(), 2, "{out}");
        assert_eq!(err, "what is published can't be shown: …\n");
    }

    #[test]
    fn an_empty_namespace_says_so() {
        let report = Report {
            resources: Vec::new(),
            ..well()
        };
        assert!(report.is_ready());
        let (out, _) = text(&report);
        assert!(
            out.starts_with("There is no AIProvider and no AIRoute in namespace shop.\n"),
            "{out}"
        );
    }

    #[test]
    fn json_says_the_same() {
        let mut bytes = Vec::new();
        well().json(&mut bytes).unwrap();
        let document: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let seen = json!({
            "ready": document["ready"],
            "resource": document["resources"][0]["ready"],
            "reason": document["resources"][0]["conditions"][0]["reason"],
            "generation": document["resources"][0]["servingGeneration"],
            "state": document["gateways"][1]["state"],
            "revision": document["gateways"][1]["revision"],
            "renewed": document["gateways"][1]["renewTime"],
            "published": document["published"]["shards"][1],
            "troubles": document["troubles"],
        });
        let expected = json!({
            "ready": true,
            "resource": "True",
            "reason": "Accepted",
            "generation": 3,
            "state": "Current",
            "revision": 700,
            "renewed": "2026-11-23T15:59:56Z",
            "published": {"namespace": "shop", "revision": 700, "format": 2, "term": 3},
            "troubles": [],
        });
        assert_eq!(seen, expected);
    }
}
