//! Writes the generated files of this repository: the CRDs of the chart and the schemas.

use std::path::Path;
use std::{fs, io};

fn main() -> Result<(), weir_crds::generate::Error> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .ok_or_else(|| io::Error::other("the crate stands in no repository"))?;
    for file in weir_crds::generate::files()? {
        let path = root.join(&file.path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, file.text)?;
    }
    Ok(())
}
