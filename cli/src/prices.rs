//! `weir prices`: what models cost by the list that is compiled in.

mod near;
mod row;

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use weir_llm::price::{Catalogue, Provider, catalogue, parse_day};

use crate::format::{Format, json};
use crate::table::render;
use crate::{Exit, Failure};
use near::near;
use row::Row;

/// Show what models cost, and where that comes from
///
/// Prices are in USD per million tokens, as the catalogue that this version of
/// Weir holds has them; an AIProvider's spec.models[].price goes before it, kind
/// by kind. MODEL may be any name that providers know a model by, such as a dated
/// one. A price that rises with the length of the input is shown with its steps:
/// "1.25 (2.5 above 200000)" charges every token 2.5 where the input is longer
/// than 200000 tokens. A model that shows no price at all is free of charge, or
/// nobody says what it costs.
///
/// Reads no cluster. Exit codes: 0 prices were shown, 1 no such model, 2 wrong
/// usage.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The model; without it all
    #[arg(value_name = "MODEL")]
    model: Option<String>,

    /// Only as this provider sells it: an id such as openai, anthropic, google, azure, aws
    #[arg(short, long, value_name = "ID")]
    provider: Option<String>,

    /// The day of the call (UTC); without it this moment
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    date: Option<i64>,

    /// How to print it
    #[arg(short = 'o', long, alias = "output", value_enum, default_value_t = Format::Text)]
    format: Format,
}

fn day(text: &str) -> Result<i64, String> {
    parse_day(text).ok_or_else(|| "a day is written as 2026-11-10".to_owned())
}

/// Looks the rows up, and prints them.
pub(crate) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<Exit, Failure> {
    let now = || {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    };
    let at = arguments.date.unwrap_or_else(now);
    let rows = find(catalogue(), arguments, at).map_err(Failure::Refused)?;
    match arguments.format {
        Format::Json => json(&rows, out)?,
        Format::Text => {
            let lines = rows.iter().map(Row::cells);
            write!(out, "{}", render(&Row::HEADINGS, lines))?;
        }
    }
    Ok(Exit::Success)
}

/// The rows that are asked for, one at least; or why there is none.
fn find<'c>(
    catalogue: &'c Catalogue,
    arguments: &Arguments,
    at: i64,
) -> Result<Vec<Row<'c>>, String> {
    let provider = match &arguments.provider {
        None => None,
        Some(id) => Some(catalogue.provider(id).ok_or_else(|| {
            let ids = catalogue.providers().map(|provider| provider.id.as_str());
            format!("no provider has the id {id:?}{}", near(id, ids))
        })?),
    };
    let among = |one: &&Provider| provider.is_none_or(|provider| std::ptr::eq(provider, *one));
    let providers: Vec<&Provider> = catalogue.providers().filter(among).collect();
    let Some(model) = &arguments.model else {
        let rows = providers.into_iter().flat_map(|provider| {
            let models = provider.models();
            models.map(move |model| Row::new(catalogue, provider, provider, model, at))
        });
        return Ok(rows.collect());
    };
    let named = |provider: &'c Provider| {
        let mut models = provider.models();
        models
            .find(|one| one.id.eq_ignore_ascii_case(model))
            .map(|one| (provider, one))
    };
    let rows: Vec<Row<'_>> = match provider {
        Some(provider) => {
            let found = catalogue
                .listed(provider, model)
                .or_else(|| named(provider));
            let row = |(lister, model)| Row::new(catalogue, provider, lister, model, at);
            found.map(row).into_iter().collect()
        }
        // What a provider sells at another's price stands there.
        None => providers
            .iter()
            .filter_map(|provider| {
                let found = provider.model(model).map(|model| (*provider, model));
                let (lister, model) = found.or_else(|| named(provider))?;
                Some(Row::new(catalogue, provider, lister, model, at))
            })
            .collect(),
    };
    if rows.is_empty() {
        let ids = providers.iter().flat_map(|provider| provider.models());
        let hint = near(model, ids.map(|model| model.id.as_str()));
        let place = provider.map_or(String::new(), |provider| format!(" at {}", provider.id));
        return Err(format!("the price of {model:?}{place} is not known{hint}"));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(model: Option<&str>, provider: Option<&str>) -> Result<Vec<String>, String> {
        let arguments = Arguments {
            model: model.map(str::to_owned),
            provider: provider.map(str::to_owned),
            date: None,
            format: Format::Text,
        };
        let rows = find(catalogue(), &arguments, parse_day("2026-11-23").unwrap())?;
        Ok(rows.iter().map(|row| row.cells()[..2].join(" ")).collect())
    }

    #[test]
    fn a_model_is_found_at_everyone_who_lists_it() {
        let rows = ask(Some("gpt-4o-2024-11-20"), None).unwrap();
        assert!(rows.contains(&"openai gpt-4o".to_owned()), "{rows:?}");
        assert!(rows.len() > 1, "{rows:?}");
        assert_eq!(
            ask(Some("gpt-4o-2024-11-20"), Some("openai")),
            Ok(vec!["openai gpt-4o".to_owned()])
        );
    }

    #[test]
    fn a_model_that_is_sold_at_its_makers_price_is_found_at_who_sells_it() {
        assert_eq!(
            ask(Some("gpt-4o"), Some("azure")),
            Ok(vec!["azure gpt-4o".to_owned()])
        );
    }

    #[test]
    fn without_a_model_all_of_them_are_shown() {
        let all = ask(None, None).unwrap().len();
        let some = ask(None, Some("anthropic")).unwrap();
        assert!(all > 2_000 && some.len() < 100, "{all} {}", some.len());
        assert!(
            some.iter().all(|row| row.starts_with("anthropic ")),
            "{some:?}"
        );
    }

    #[test]
    fn what_is_not_known_is_told_with_what_is_near() {
        assert_eq!(
            ask(Some("claude-sonet-4-5"), Some("anthropic")),
            Err("the price of \"claude-sonet-4-5\" at anthropic is not known; near it are claude-sonnet-4-5, claude-sonnet-4-0, claude-sonnet-4-6, claude-sonnet-5-5, claude-sonnet-5".to_owned())
        );
        assert_eq!(
            ask(None, Some("opneai")),
            Err("no provider has the id \"opneai\"; near it are openai".to_owned())
        );
        let told = ask(Some("zzzzzzzzzzzzzzzz"), None);
        assert_eq!(
            told,
            Err("the price of \"zzzzzzzzzzzzzzzz\" is not known".to_owned())
        );
    }
}
