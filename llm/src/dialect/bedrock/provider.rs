//! Where Bedrock's operations are
//! (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html>).

use crate::call::{BodyKind, Path};
use crate::provider::{Ask, BodyChange, CredentialHeader, ModelPlace, Provider, Reach, Seller};
use crate::{Dialect, Format, Operation};

/// Amazon Bedrock's runtime.
#[derive(Debug)]
pub struct Bedrock;

/// The path of an operation of a model (`converse`, `invoke`), below an endpoint's own. The name is encoded as AWS's SDKs
/// do it, all but unreserved characters (RFC 3986 §2.3): the signature is of the path as it is written.
#[must_use]
pub fn model_path(base: &str, model: &str, operation: &str) -> String {
    let mut path = format!("{base}/model/");
    for byte in model.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            path.push(char::from(byte));
        } else {
            path.push('%');
            for digit in [byte >> 4, byte & 15] {
                path.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
            }
        }
    }
    path.push('/');
    path.push_str(operation);
    path
}

impl Provider for Bedrock {
    fn dialect(&self) -> Dialect {
        Dialect::Bedrock
    }

    /// That of Bedrock's API keys; requests that are signed have their own.
    fn credential(&self) -> CredentialHeader {
        CredentialHeader::Bearer
    }

    fn reach(&self, ask: &Ask<'_>) -> Option<Reach> {
        let operation = match (ask.is_chat(), ask.stream) {
            (true, false) => "converse",
            (true, true) => "converse-stream",
            (false, _) => return None,
        };
        Some(Reach {
            path: model_path(&ask.settings.base, ask.model, operation),
            query: String::new(),
            keep_query: false,
            format: Format::Converse,
            body: BodyChange {
                model: ModelPlace::Path,
                ..BodyChange::default()
            },
            headers: Vec::new(),
        })
    }

    fn seller(&self) -> Seller {
        Seller::One("aws")
    }
}

const fn path(pattern: &'static str, stream: bool) -> Path {
    Path {
        methods: &["POST"],
        pattern,
        operation: Operation::Chat,
        format: Format::Converse,
        body: BodyKind::Json,
        stream: Some(stream),
    }
}

/// What AWS's SDKs call.
pub static PATHS: &[Path] = &[
    path("/model/{model}/converse", false),
    path("/model/{model}/converse-stream", true),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_encoded_as_the_sdks_do_it() {
        let path = model_path(
            "",
            "us.anthropic.claude-3-5-haiku-20241022-v1:0",
            "converse",
        );
        assert_eq!(
            path,
            "/model/us.anthropic.claude-3-5-haiku-20241022-v1%3A0/converse"
        );
        let arn = "arn:aws:bedrock:us-east-1:1:inference-profile/x";
        assert_eq!(
            model_path("/base", arn, "invoke"),
            "/base/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fx/invoke"
        );
    }
}
