#![no_main]

weir_llm_fuzz::target!(exchange);
