//! A value that fits a JSON Schema, as far as the mock understands it.

use serde_json::Value;

/// How many values an example may hold, so that a schema that refers to itself comes to an end.
const MAX_VALUES: usize = 1000;
/// How deep it may nest.
const MAX_DEPTH: usize = 32;
/// The most items or letters that a minimum may ask for.
const MAX_MINIMUM: u64 = 100;

/// The JSON of a small value that fits `schema`: required properties and least numbers of items,
/// the first of an `enum` or of alternatives, `$ref` into the schema itself. Patterns are not
/// understood.
pub(super) fn example(schema: &Value) -> String {
    let mut writer = Writer {
        root: schema,
        left: MAX_VALUES,
        out: String::new(),
    };
    writer.write(schema, 0);
    writer.out
}

struct Writer<'a> {
    root: &'a Value,
    left: usize,
    out: String,
}

impl<'a> Writer<'a> {
    fn write(&mut self, schema: &'a Value, depth: usize) {
        if self.left == 0 || depth > MAX_DEPTH {
            self.out.push_str("null");
            return;
        }
        self.left -= 1;
        if let Some(fixed) = schema.get("const").or_else(|| schema.pointer("/enum/0")) {
            self.out.push_str(&fixed.to_string());
            return;
        }
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            let target = target
                .strip_prefix('#')
                .and_then(|pointer| self.root.pointer(pointer));
            self.write(target.unwrap_or(&Value::Null), depth + 1);
            return;
        }
        let alternative = ["/anyOf/0", "/oneOf/0", "/allOf/0"]
            .iter()
            .find_map(|pointer| schema.pointer(pointer));
        if let Some(alternative) = alternative {
            self.write(alternative, depth + 1);
            return;
        }
        let kind = schema.get("type");
        let kind = kind.and_then(|kind| kind.get(0)).or(kind);
        match kind.and_then(Value::as_str) {
            Some("object") => self.object(schema, depth),
            Some("array") => self.array(schema, depth),
            Some("integer" | "number") => self.out.push_str(&number(schema).to_string()),
            Some("boolean") => self.out.push_str("false"),
            Some("null") => self.out.push_str("null"),
            None if schema.get("properties").is_some() => self.object(schema, depth),
            _ => self.out.push_str(&Value::from(text(schema)).to_string()),
        }
    }

    fn object(&mut self, schema: &'a Value, depth: usize) {
        self.out.push('{');
        let required = schema.get("required").and_then(Value::as_array);
        let names = required.into_iter().flatten().filter_map(Value::as_str);
        for (index, name) in names.enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            self.out.push_str(&Value::from(name).to_string());
            self.out.push(':');
            let property = schema.get("properties").and_then(|all| all.get(name));
            self.write(property.unwrap_or(&Value::Null), depth + 1);
        }
        self.out.push('}');
    }

    fn array(&mut self, schema: &'a Value, depth: usize) {
        self.out.push('[');
        for index in 0..minimum(schema, "minItems") {
            if index > 0 {
                self.out.push(',');
            }
            self.write(schema.get("items").unwrap_or(&Value::Null), depth + 1);
        }
        self.out.push(']');
    }
}

/// The number nearest to 0 within the bounds, a whole one.
fn number(schema: &Value) -> i64 {
    let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
    // Beyond an i64 the cast saturates, which is as good an example as any.
    let least = bound("minimum")
        .map(|least| least.ceil() as i64)
        .max(bound("exclusiveMinimum").map(|below| below.floor() as i64 + 1));
    let most = bound("maximum").map(|most| most.floor() as i64);
    match (least, most) {
        (Some(least), _) if least > 0 => least,
        (_, Some(most)) if most < 0 => most,
        _ => 0,
    }
}

fn text(schema: &Value) -> String {
    let text = match schema.get("format").and_then(Value::as_str) {
        Some("date-time") => "2025-01-01T00:00:00Z",
        Some("date") => "2025-01-01",
        Some("email") => "mock@example.com",
        Some("uri") => "https://example.com/",
        Some("uuid") => "00000000-0000-4000-8000-000000000000",
        _ => "mock",
    };
    let mut text = text.to_owned();
    while (text.len() as u64) < minimum(schema, "minLength") {
        text.push('k');
    }
    if let Some(most) = schema.get("maxLength").and_then(Value::as_u64) {
        text.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    }
    text
}

fn minimum(schema: &Value, name: &str) -> u64 {
    let asked = schema.get(name).and_then(Value::as_u64);
    asked.unwrap_or(0).min(MAX_MINIMUM)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_required_is_there_in_order() {
        let schema = json!({
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "unit": {"enum": ["celsius", "fahrenheit"]},
                "days": {"type": "integer", "minimum": 1, "maximum": 7},
                "below": {"type": "number", "maximum": -2.5},
                "tags": {"type": "array", "items": {"type": ["string", "null"], "minLength": 6}, "minItems": 2},
                "where": {"$ref": "#/$defs/place"},
                "when": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
                "dry": {"type": "boolean"},
                "optional": {"type": "string"},
            },
            "required": ["unit", "city", "days", "below", "tags", "where", "when", "dry"],
            "$defs": {"place": {"properties": {"lat": {"type": "number"}}, "required": ["lat"]}},
        });
        let expected = r#"{"unit":"celsius","city":"mock","days":1,"below":-3,"tags":["mockkk","mockkk"],"where":{"lat":0},"when":"2025-01-01","dry":false}"#;
        assert_eq!(example(&schema), expected);
    }

    #[test]
    fn a_schema_without_end_comes_to_one() {
        let schema = json!({
            "type": "array", "minItems": 100, "items": {"$ref": "#"},
        });
        let text = example(&schema);
        assert!(serde_json::from_str::<Value>(&text).is_ok());
        assert!(
            text.len() < 100 * MAX_VALUES * "null,".len(),
            "{}",
            text.len()
        );
    }

    #[test]
    fn no_schema_is_a_text() {
        assert_eq!(example(&Value::Null), "\"mock\"");
        assert_eq!(
            example(&json!({"type": "string", "maxLength": 2})),
            "\"mo\""
        );
    }
}
