//! `GET /v1beta/models`, and one of them (<https://ai.google.dev/api/models#Model>).

use crate::json::Object;

/// A model as the list shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Model<'a> {
    /// The name that a request's path gives, without `models/`.
    pub id: &'a str,
}

fn object<'a>(model: &Model<'a>) -> Object<'a> {
    let methods = ["generateContent", "countTokens", "embedContent"];
    Object::new()
        .with("name", format!("models/{}", model.id))
        .with("version", "1")
        .with("displayName", model.id)
        .with("supportedGenerationMethods", methods.to_vec())
}

/// `{"models":[…]}`, in the order given.
#[must_use]
pub fn models_body<'a>(models: impl IntoIterator<Item = Model<'a>>) -> Vec<u8> {
    let models: Vec<Object<'_>> = models.into_iter().map(|model| object(&model)).collect();
    Object::new().with("models", models).to_bytes()
}

/// One model.
#[must_use]
pub fn model_body(model: &Model<'_>) -> Vec<u8> {
    object(model).to_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_keeps_its_order() {
        let expected = r#"{"models":[{"name":"models/smart","version":"1","displayName":"smart","supportedGenerationMethods":["generateContent","countTokens","embedContent"]},{"name":"models/fast","version":"1","displayName":"fast","supportedGenerationMethods":["generateContent","countTokens","embedContent"]}]}"#;
        let written = models_body([Model { id: "smart" }, Model { id: "fast" }]);
        assert_eq!(String::from_utf8(written).unwrap(), expected);
    }
}
