//! The page that says what came of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use weir_tests::gateway::root;

use crate::played::Ask;
use crate::scripts::Row;
use crate::told::PROVIDERS;

const HEAD: &str = "\
# Compatibility

What the SDKs that apps use get through Weir from each provider. `tests/tests/compat` wrote this page: it ran every
SDK, as its registry has it, against a gateway, with nothing changed but the base URL and the key:

| SDK | base URL | key |
| --- | --- | --- |
| openai (Python, Node) | `https://WEIR/v1` | `api_key` |
| anthropic | `https://WEIR` | `api_key` |
| google-genai | `https://WEIR`, in `http_options` | `api_key` |
| cohere | `https://WEIR` | `api_key` |
| boto3, `bedrock-runtime` | `https://WEIR`, as `endpoint_url`; it sends no key without TLS | `AWS_BEARER_TOKEN_BEDROCK` |
| AI SDK | `https://WEIR/v1` for openai and anthropic, `https://WEIR/v1beta` for google | `apiKey` |
| LangChain | `https://WEIR/v1` for ChatOpenAI, `https://WEIR` for the others, as `base_url` | `api_key` |

The AI SDK's openai by responses wants `providerOptions: {openai: {store: false}}`: without it, it refers to earlier
turns by ids that OpenAI alone knows. Its anthropic wants `{anthropic: {structuredOutputMode: \"outputFormat\"}}` for
structured output by models that it does not know by name.

The providers were played by traffic that others recorded, and where there is none by what their docs show. They look
at what reaches them as the real ones would: path, credential, and that tools, images, schemas and results of tools
are where their API wants them.

Each cell stands for six asks: plain, stream, tools (called, and their results sent back), streamed-tools, image (one
that the model looks at) and structured (an answer that fits a schema). ✓: the SDK was given what the provider said. A
cell that says *not* names asks that the provider's API has nothing for, and below the field that Weir names in its
400; where the route says `parameters: {unsupported: Drop}`, such a field is left out.

";

/// The page of these rows.
pub(crate) fn page(rows: &[Row]) -> String {
    let mut page = HEAD.to_owned();
    page.push_str("| |");
    for provider in &PROVIDERS {
        write!(page, " {} |", provider.title).unwrap();
    }
    page.push_str("\n| --- |");
    page.push_str(&" --- |".repeat(PROVIDERS.len()));
    page.push('\n');
    let mut callers: Vec<&str> = Vec::new();
    for row in rows {
        if !callers.contains(&&*row.caller) {
            callers.push(&row.caller);
        }
    }
    let mut notes = Notes::default();
    for caller in callers {
        write!(page, "| {caller} |").unwrap();
        for provider in &PROVIDERS {
            let own = rows
                .iter()
                .filter(|row| row.caller == caller && row.provider == provider.name);
            write!(page, " {} |", cell(own, &mut notes)).unwrap();
        }
        page.push('\n');
    }
    page.push('\n');
    notes.write(&mut page);
    page.push_str("The versions that ran:\n\n");
    for (file, names) in VERSIONS {
        versions(&mut page, file, names);
    }
    page
}

/// What a caller got from a provider.
fn cell<'r>(rows: impl Iterator<Item = &'r Row>, notes: &mut Notes) -> String {
    let mut not: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut served = false;
    for row in rows {
        match row.result.strip_prefix("refused ") {
            Some(field) => not.entry(field).or_default().push(&row.ask),
            None => served = true,
        }
    }
    let said = not.iter().map(|(field, asks)| {
        let note = notes.of(field);
        let names = Ask::ALL.map(Ask::name).into_iter();
        let asks: Vec<&str> = names.filter(|name| asks.contains(name)).collect();
        format!("not {} [{note}]", asks.join(", "))
    });
    let all = served.then(|| "✓".to_owned()).into_iter().chain(said);
    all.collect::<Vec<_>>().join(", ")
}

/// The refused fields, numbered as they come.
#[derive(Default)]
struct Notes {
    fields: Vec<String>,
}

impl Notes {
    fn of(&mut self, field: &str) -> usize {
        let at = self.fields.iter().position(|one| one == field);
        at.unwrap_or_else(|| {
            self.fields.push(field.to_owned());
            self.fields.len() - 1
        }) + 1
    }

    fn write(&self, page: &mut String) {
        for (at, field) in self.fields.iter().enumerate() {
            writeln!(page, "{}. `{field}`", at + 1).unwrap();
        }
        if !self.fields.is_empty() {
            page.push('\n');
        }
    }
}

/// Files of pins, and whose versions of them are named.
const VERSIONS: [(&str, &[&str]); 3] = [
    (
        "requirements.txt",
        &["openai", "anthropic", "google-genai", "cohere", "boto3"],
    ),
    (
        "requirements-langchain.txt",
        &[
            "langchain-core",
            "langchain-openai",
            "langchain-anthropic",
            "langchain-google-genai",
        ],
    ),
    (
        "package.json",
        &[
            "ai",
            "@ai-sdk/openai",
            "@ai-sdk/anthropic",
            "@ai-sdk/google",
        ],
    ),
];

fn versions(page: &mut String, file: &str, names: &[&str]) {
    let text = fs::read_to_string(root().join("tests/sdk/compat").join(file)).unwrap();
    for name in names {
        let pin = |line: &str| {
            let line = line.trim().trim_end_matches(',').replace('"', "");
            let (found, version) = line.split_once("==").or_else(|| line.split_once(": "))?;
            (found == *name).then(|| version.to_owned())
        };
        let version = text.lines().find_map(pin).unwrap();
        writeln!(page, "- `{name}` {version}").unwrap();
    }
}
