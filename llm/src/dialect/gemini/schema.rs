//! Google's `Schema`, a subset of OpenAPI 3.0's, as JSON Schema
//! (<https://ai.google.dev/api/caching#Schema>).

use super::names::{camel, whole};
use crate::json::{Object, Value};

/// As JSON Schema: types in lower case, `nullable` as a type, counts as numbers, `example` among `examples`. The order
/// of `propertyOrdering` is for Google's models alone and goes.
pub(super) fn to_json_schema<'a>(schema: &Value<'a>) -> Value<'a> {
    let Value::Object(object) = schema else {
        return schema.clone();
    };
    let nullable = object
        .iter()
        .any(|(name, value)| name == "nullable" && value.as_bool() == Some(true));
    let mut out = Object::new();
    for (name, value) in object.iter() {
        if value.is_null() {
            continue;
        }
        match &*camel(name) {
            "nullable" | "propertyOrdering" => {}
            "type" => {
                if let Some(kind) = kind(value, nullable) {
                    out.push("type", kind);
                }
            }
            "properties" => out.push("properties", each(value)),
            "defs" | "$defs" => out.push("$defs", each(value)),
            "ref" => out.push("$ref", value.clone()),
            inner @ ("items" | "additionalProperties") => {
                out.push(inner.to_owned(), to_json_schema(value));
            }
            list @ ("anyOf" | "oneOf" | "allOf" | "prefixItems") => {
                let mut items: Vec<Value<'a>> = value
                    .as_array()
                    .unwrap_or_default()
                    .iter()
                    .map(to_json_schema)
                    .collect();
                if nullable && list == "anyOf" {
                    items.push(Object::new().with("type", "null").into());
                }
                out.push(list.to_owned(), items);
            }
            "enum" => out.push("enum", choices(value, nullable)),
            // OpenAPI's way to say what `enum` says.
            "format" if value.as_str() == Some("enum") => {}
            "example" => out.push("examples", vec![value.clone()]),
            count @ ("minItems" | "maxItems" | "minLength" | "maxLength" | "minProperties"
            | "maxProperties") => match whole(value) {
                Some(number) => out.push(count.to_owned(), number),
                None => out.push(count.to_owned(), value.clone()),
            },
            other => out.push(other.to_owned(), value.clone()),
        }
    }
    out.into()
}

fn kind<'a>(value: &Value<'a>, nullable: bool) -> Option<Value<'a>> {
    let Some(name) = value.as_str() else {
        return Some(value.clone());
    };
    if name == "TYPE_UNSPECIFIED" {
        return None;
    }
    let name = name.to_ascii_lowercase();
    Some(if nullable && name != "null" {
        vec![Value::from(name), Value::from("null")].into()
    } else {
        name.into()
    })
}

fn choices<'a>(value: &Value<'a>, nullable: bool) -> Value<'a> {
    match value {
        Value::Array(items) if nullable => {
            let mut items = items.clone();
            items.push(Value::Null);
            items.into()
        }
        other => other.clone(),
    }
}

/// A map from names to schemas.
fn each<'a>(value: &Value<'a>) -> Value<'a> {
    let Value::Object(object) = value else {
        return value.clone();
    };
    let mut out = Object::new();
    for (name, schema) in object.clone() {
        out.push(name, to_json_schema(&schema));
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_of_googles_becomes_a_json_schema() {
        let schema = r#"{"type":"OBJECT","required":["type"],"property_ordering":["type","tags"],"properties":{
            "type":{"type":"STRING","format":"enum","enum":["a","b"],"nullable":true},
            "tags":{"type":"ARRAY","minItems":"1","items":{"type":"INTEGER","format":"int32"}},
            "any_of":{"any_of":[{"type":"NUMBER"},{"type":"BOOLEAN","example":true}],"nullable":true}}}"#;
        let expected = r#"{"type":"object","required":["type"],"properties":{"type":{"type":["string","null"],"enum":["a","b",null]},"tags":{"type":"array","minItems":1,"items":{"type":"integer","format":"int32"}},"any_of":{"anyOf":[{"type":"number"},{"type":"boolean","examples":[true]},{"type":"null"}]}}}"#;
        let read = Value::parse(schema).unwrap();
        assert_eq!(to_json_schema(&read).to_json(), expected);
    }
}
