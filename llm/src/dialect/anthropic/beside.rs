//! What Anthropic's API and Bedrock's both say of a document beside its text, and no other format does: what it is about
//! (`context`), and where a search result comes from (`source`)
//! (<https://platform.claude.com/docs/en/build-with-claude/search-results>,
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_SearchResultBlock.html>).

use std::collections::HashMap;

use crate::Format;
use crate::chat::{Extra, MediaKind, Part, PartKind, Problem, Request};
use crate::codec::Gaps;

/// What is said of each document, by its path.
pub(crate) struct Beside<'r>(HashMap<&'r str, Said<'r>>);

/// What is said of one.
#[derive(Clone, Copy, Default)]
pub(crate) struct Said<'r> {
    /// What it is about.
    pub(crate) context: Option<&'r str>,
    /// Where it comes from: it is a search result.
    pub(crate) source: Option<&'r str>,
}

impl<'r> Beside<'r> {
    pub(crate) fn of(request: &'r Request<'_>) -> Self {
        let mut said = HashMap::new();
        if matches!(request.from, Some(Format::Messages | Format::Converse))
            && !request.extras.is_empty()
        {
            for part in request.messages.iter().flat_map(|turn| &turn.parts) {
                add(part, &mut said);
            }
            for extra in &request.extras {
                if let Some((path, name)) = extra.path.rsplit_once('.')
                    && let Some(said) = said.get_mut(path)
                    && let Some(value) = extra.value.as_str()
                {
                    match name {
                        "context" => said.context = Some(value),
                        "source" => said.source = Some(value),
                        _ => {}
                    }
                }
            }
        }
        Self(said)
    }

    /// What is said of the document at this path.
    pub(crate) fn at(&self, path: &str) -> Said<'r> {
        self.0.get(path).copied().unwrap_or_default()
    }

    /// Refuses or drops the extras that are none of these.
    pub(crate) fn rest(&self, extras: &[Extra<'_>], gaps: &mut Gaps) -> Result<(), Problem> {
        let is_other = |extra: &&Extra<'_>| {
            let Some((path, name)) = extra.path.rsplit_once('.') else {
                return true;
            };
            let said = self.at(path);
            match name {
                "context" => said.context.is_none(),
                "source" => said.source.is_none(),
                _ => true,
            }
        };
        let mut others = extras.iter().filter(is_other);
        others.try_for_each(|extra| gaps.extras(std::slice::from_ref(extra)))
    }
}

fn add<'r>(part: &'r Part<'_>, said: &mut HashMap<&'r str, Said<'r>>) {
    match &part.kind {
        PartKind::Media(media) if media.kind == MediaKind::Document => {
            said.insert(&part.path, Said::default());
        }
        PartKind::ToolResult(result) => result.parts.iter().for_each(|part| add(part, said)),
        _ => {}
    }
}
