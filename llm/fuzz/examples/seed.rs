//! Writes what mutations start from: `seed CORPUS FIXTURES`, a folder a target below `CORPUS`.

use std::error::Error;
use std::fs;
use std::path::Path;

use weir_llm_fuzz::seeds;
#[cfg(feature = "recorded")]
use weir_llm_fuzz::seeds::Seed;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(corpus), Some(fixtures)) = (args.next(), args.next()) else {
        return Err("seed CORPUS FIXTURES".into());
    };
    let mut all = seeds::built_in();
    all.extend(seeds::of_fixtures(Path::new(&fixtures)));
    #[cfg(feature = "recorded")]
    all.extend(recorded());
    for (number, seed) in all.iter().enumerate() {
        let folder = Path::new(&corpus).join(seed.target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("seed-{number:05}")), &seed.input)?;
    }
    println!("{} seeds", all.len());
    Ok(())
}

/// Seeds of recorded traffic.
#[cfg(feature = "recorded")]
fn recorded() -> Vec<Seed> {
    use weir_llm::Format;
    use weir_recorded::{Kind, Wire};

    let mut seeds = Vec::new();
    for one in weir_recorded::all() {
        let (request, answer) = (&one.request.body, &one.response.body);
        seeds.extend(match Kind::of(one) {
            Kind::Chat { wire, stream } => {
                let format = match wire {
                    Wire::Chat => Format::Chat,
                    Wire::Completions => Format::Completions,
                    Wire::Responses => Format::Responses,
                    Wire::Messages => Format::Messages,
                    Wire::Gemini => Format::Gemini,
                    Wire::Converse => Format::Converse,
                    Wire::Cohere => Format::Cohere,
                };
                seeds::of_chat(format, stream, one.response.status, request, answer)
            }
            Kind::Embeddings | Kind::OwnEmbeddings | Kind::Rerank => {
                seeds::of_others(request, answer)
            }
            _ => Vec::new(),
        });
    }
    seeds
}
