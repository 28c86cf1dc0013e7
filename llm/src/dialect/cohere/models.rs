//! `GET /v1/models`, and one of them (<https://docs.cohere.com/reference/list-models>).

use crate::json::Object;

/// A model as the list shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Model<'a> {
    /// The name that a request gives as `model`.
    pub name: &'a str,
}

fn object<'a>(model: &Model<'a>) -> Object<'a> {
    Object::new()
        .with("name", model.name)
        .with("endpoints", vec!["chat", "embed", "rerank"])
        .with("finetuned", false)
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
        let expected = r#"{"models":[{"name":"smart","endpoints":["chat","embed","rerank"],"finetuned":false}]}"#;
        let written = models_body([Model { name: "smart" }]);
        assert_eq!(String::from_utf8(written).unwrap(), expected);
    }
}
