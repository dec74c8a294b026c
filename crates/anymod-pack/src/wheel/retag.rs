//! Changing the tags of a wheel: in its name and in its file `WHEEL`.

use anymod_model::codes::wheel as code;
use anymod_model::{Diagnostic, Diagnostics};

use super::name::{Tag, tags};
use super::{File, Wheel};

impl Wheel {
    /// Makes the wheel one for this interpreter, ABI and platform, each a tag or several joined with dots, for instance
    /// `cp313`, `cp313` and `pyodide_2025_0_wasm32`. Its own are in [`Wheel::name`].
    ///
    /// # Errors
    /// `W0008` if one is not a tag; `W0007` if the wheel has no file `WHEEL`. Then nothing is changed.
    pub fn retag(
        &mut self,
        interpreter: &str,
        abi: &str,
        platform: &str,
    ) -> Result<(), Diagnostics> {
        let parse = |text: &str| {
            tags(text).ok_or_else(|| {
                Diagnostic::error(&code::TAG, format!("`{text}` is not a tag"))
                    .hint("a tag has letters, digits and `_`; several are joined with `.`")
            })
        };
        let (interpreters, abis, platforms) = (parse(interpreter)?, parse(abi)?, parse(platform)?);
        let path = format!("{}/WHEEL", self.dist_info()?);
        let mut headers = self.headers("WHEEL")?;
        self.name.interpreters = interpreters;
        self.name.abis = abis;
        self.name.platforms = platforms;
        headers.set("Tag", self.name.tags().iter().map(Tag::to_string));
        let pure = self.name.is_pure();
        headers.set("Root-Is-Purelib", [pure.to_string()]);
        self.files.insert(path, File::new(headers.to_string()));
        Ok(())
    }
}
