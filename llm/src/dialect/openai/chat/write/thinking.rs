//! How a provider is told to reason.

use super::Writer;
use crate::chat::{Effort, Field, Problem, Thinking};
use crate::dialect::openai::quirks::{ThinkingStyle, generation, reasons};
use crate::json::Object;

/// The effort that is meant; a budget is read as the effort nearest to it.
pub(crate) fn effort(thinking: &Thinking) -> Option<Effort> {
    let budget = thinking.budget.map(Effort::of_budget);
    thinking.effort.or(budget)
}

/// What switches the reasoning of one of OpenAI's models off, as far as it can be: `none` since gpt-5.1, `minimal` for
/// gpt-5; the `o` models can't (<https://platform.openai.com/docs/guides/reasoning>). `Ok(None)` for models that do not
/// reason.
pub(crate) fn off(model: &str) -> Result<Option<Effort>, ()> {
    let name = model.rsplit('/').next().unwrap_or(model);
    if !reasons(name) {
        return Ok(None);
    }
    match generation(name, "gpt-") {
        None => Err(()),
        Some(5) if !name.starts_with("gpt-5.") => Ok(Some(Effort::Minimal)),
        Some(_) => Ok(Some(Effort::None)),
    }
}

impl Writer<'_, '_, '_> {
    /// The effort that the target knows and that is nearest: all know three
    /// (<https://console.groq.com/docs/reasoning#reasoning-effort>,
    /// <https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html>), and OpenAI alone more.
    fn nearest(&self, effort: Effort) -> Effort {
        match effort {
            _ if self.quirks.own => effort,
            Effort::Minimal => Effort::Low,
            Effort::XHigh | Effort::Max => Effort::High,
            known => known,
        }
    }

    /// Whether reasoning is shown is each provider's own choice, but for OpenRouter.
    pub(super) fn thinking(&mut self) -> Result<(), Problem> {
        let Some(thinking) = &self.request.thinking else {
            return Ok(());
        };
        let disabled = thinking.enabled == Some(false) || thinking.effort == Some(Effort::None);
        let effort = effort(thinking).filter(|_| !disabled);
        match self.quirks.thinking {
            ThinkingStyle::Effort if disabled => match off(self.target.model) {
                Ok(Some(effort)) => self.body.push("reasoning_effort", effort.name()),
                // Said by the caller in these very words.
                Ok(None) if thinking.effort == Some(Effort::None) => {
                    self.body.push("reasoning_effort", "none");
                }
                Ok(None) => {}
                Err(()) => {
                    self.lacks(Field::Thinking, "answers of this model without reasoning")?
                }
            },
            ThinkingStyle::Effort => {
                if let Some(effort) = effort {
                    let name = self.nearest(effort).name();
                    self.body.push("reasoning_effort", name);
                }
            }
            ThinkingStyle::Object => {
                let object = Object::new()
                    .maybe("enabled", thinking.enabled.or(disabled.then_some(false)))
                    .maybe("effort", thinking.effort.map(Effort::name))
                    .maybe("max_tokens", thinking.budget)
                    .maybe("exclude", thinking.visible.map(|visible| !visible));
                self.body.push("reasoning", object);
            }
            ThinkingStyle::Switch => {
                let state = if disabled { "disabled" } else { "enabled" };
                self.body
                    .push("thinking", Object::new().with("type", state));
            }
            ThinkingStyle::Template => {
                let enabled = if disabled {
                    Some(false)
                } else {
                    thinking.enabled
                };
                if let Some(enabled) = enabled {
                    let object = Object::new().with("enable_thinking", enabled);
                    self.body.push("chat_template_kwargs", object);
                }
                if let Some(effort) = effort {
                    let name = self.nearest(effort).name();
                    self.body.push("reasoning_effort", name);
                }
            }
            ThinkingStyle::Never if disabled => {}
            ThinkingStyle::Never => self.lacks(Field::Thinking, "a choice of how to reason")?,
        }
        Ok(())
    }
}
