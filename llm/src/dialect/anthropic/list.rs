//! `GET /v1/models`, and one of them (<https://docs.claude.com/en/api/models-list>).

use crate::dialect::ModelShape;
use crate::json::Object;

fn object<'a>(model: &ModelShape<'a>) -> Object<'a> {
    Object::new()
        .with("type", "model")
        .with("id", model.id)
        .with("display_name", model.id)
        .with("created_at", written(model.created))
}

/// `{"data":[…],"has_more":false,"first_id":…,"last_id":…}`, in the order given.
#[must_use]
pub fn models_body(models: &[ModelShape<'_>]) -> Vec<u8> {
    let data: Vec<Object<'_>> = models.iter().map(object).collect();
    Object::new()
        .with("data", data)
        .with("has_more", false)
        .with("first_id", id(models.first()))
        .with("last_id", id(models.last()))
        .to_bytes()
}

fn id<'a>(model: Option<&ModelShape<'a>>) -> crate::json::Value<'a> {
    model.map_or(crate::json::Value::Null, |model| model.id.into())
}

/// One model.
#[must_use]
pub fn model_body(model: &ModelShape<'_>) -> Vec<u8> {
    object(model).to_bytes()
}

/// Unix seconds as RFC 3339 in UTC. The day by the algorithm of
/// <https://howardhinnant.github.io/date_algorithms.html#civil_from_days>.
fn written(seconds: i64) -> String {
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_says_where_it_begins_and_ends() {
        let model = |id, created| ModelShape {
            id,
            created,
            owned_by: "weir",
        };
        let written = models_body(&[model("fast", 0), model("smart", 1_735_689_599)]);
        let expected = r#"{"data":[{"type":"model","id":"fast","display_name":"fast","created_at":"1970-01-01T00:00:00Z"},{"type":"model","id":"smart","display_name":"smart","created_at":"2024-12-31T23:59:59Z"}],"has_more":false,"first_id":"fast","last_id":"smart"}"#;
        assert_eq!(String::from_utf8(written).unwrap(), expected);
        assert_eq!(
            models_body(&[]),
            br#"{"data":[],"has_more":false,"first_id":null,"last_id":null}"#
        );
    }

    #[test]
    fn a_leap_day_is_a_day() {
        assert_eq!(super::written(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(super::written(-1), "1969-12-31T23:59:59Z");
    }
}
