//! `thoughtSignature`, and whose signature it holds.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::URL_SAFE as URL;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose};

use crate::Format;
use crate::chat::Signature;

/// What stands in place of a signature for calls that another model made
/// (<https://ai.google.dev/gemini-api/docs/thought-signatures#faqs>).
pub(super) const SKIP: &str = "skip_thought_signature_validator";

const LAX: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, LAX);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&URL, LAX);

/// A signature as the field holds it. The field is of bytes: SDKs decode it and encode it anew, so that a foreign one
/// has to be base64 too.
pub(super) fn write<'s>(signature: &'s Signature<'_>) -> Cow<'s, str> {
    if signature.from == Format::Gemini {
        return Cow::Borrowed(&signature.data);
    }
    let token = signature.to_token(Format::Gemini);
    Cow::Owned(general_purpose::STANDARD.encode(token.as_bytes()))
}

/// What the field holds; `None` for what stands in place of one.
pub(super) fn read<'a>(field: Cow<'a, str>) -> Option<Signature<'a>> {
    if field == SKIP || field.is_empty() {
        return None;
    }
    // `weir.` in base64, whose last digit belongs to what follows as well.
    if field.starts_with("d2Vpci") {
        let decoded = STANDARD
            .decode(field.as_bytes())
            .or_else(|_| URL_SAFE.decode(field.as_bytes()));
        if let Ok(token) = decoded
            .map(String::from_utf8)
            .unwrap_or_else(|_| Ok(String::new()))
        {
            let signature = Signature::from_token(Cow::Owned(token), Format::Gemini);
            if signature.from != Format::Gemini {
                return Some(signature);
            }
        }
    }
    Some(Signature {
        from: Format::Gemini,
        data: field,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_signature_survives_sdks_that_decode_the_field() {
        let foreign = Signature {
            from: Format::Messages,
            data: "EqQB??>>/+==".into(),
        };
        let written = write(&foreign).into_owned();
        let bytes = general_purpose::STANDARD.decode(&written).unwrap();
        let again = general_purpose::URL_SAFE.encode(bytes);
        assert_eq!(read(written.into()), Some(foreign.clone()));
        assert_eq!(read(again.into()), Some(foreign));
    }

    #[test]
    fn an_own_signature_stays_and_what_stands_in_for_one_goes() {
        let own = read("CiQB+/8=".into()).unwrap();
        assert_eq!((own.from, write(&own)), (Format::Gemini, "CiQB+/8=".into()));
        assert_eq!(read(SKIP.into()), None);
    }
}
