//! Wheels as files and directories: unpacked, packed, given other tags, and modules in them shown to their libraries.
//!
//! Building one is not here; what a wheel is, `anymod_pack::wheel` knows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anymod_link::wasm;
use anymod_model::codes::wheel as code;
use anymod_model::{Diagnostic, Diagnostics, Place};
use anymod_pack::wheel::{File, Headers, Tag, Wheel, WheelName, installed, read};

use crate::environment::Environment;
use crate::install;

/// Other tags for a wheel; what is not given stays.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewTags<'a> {
    /// Interpreters, joined with dots.
    pub interpreter: Option<&'a str>,
    /// ABIs, joined with dots.
    pub abi: Option<&'a str>,
    /// Platforms, joined with dots.
    pub platform: Option<&'a str>,
}

/// Reads a wheel.
///
/// # Errors
/// `B0002` if the file cannot be read, those of [`anymod_pack::wheel::read`].
pub fn open(file: &Path) -> Result<Wheel, Diagnostics> {
    read(&install::read(file)?, &file.display().to_string())
}

/// Unpacks a wheel below `directory` into one called `NAME-VERSION`, which must not exist; returns its path.
///
/// # Errors
/// Those of [`open`]; `B0003` if the directory is there or a file cannot be written.
pub fn unpack(file: &Path, directory: &Path) -> Result<PathBuf, Diagnostics> {
    let wheel = open(file)?;
    let to = directory.join(format!("{}-{}", wheel.name.distribution, wheel.name.version));
    install::create_dir(directory)?;
    std::fs::create_dir(&to).map_err(|error| {
        let finding = install::write_error(&to, &error);
        match error.kind() {
            std::io::ErrorKind::AlreadyExists => finding.hint("remove it, or unpack elsewhere"),
            _ => finding,
        }
    })?;
    for (path, file) in &wheel.files {
        let path = to.join(path);
        if let Some(parent) = path.parent() {
            install::create_dir(parent)?;
        }
        install::write_scratch(&path, &file.bytes)?;
        if file.executable {
            make_executable(&path).map_err(|error| install::write_error(&path, &error))?;
        }
    }
    Ok(to)
}

/// Packs a directory that holds a wheel's files into one below `to`, named as its description says, with a new `RECORD`;
/// returns its path.
///
/// # Errors
/// `B0002` if a file cannot be read, `W0007` if the description says no name or tags, `W0009` if a file cannot be in a
/// wheel, `B0003` if the wheel cannot be written.
pub fn pack(
    directory: &Path,
    to: &Path,
    environment: &Environment,
) -> Result<PathBuf, Diagnostics> {
    let mut files = BTreeMap::new();
    collect(directory, "", &mut files)?;
    // A name to have the description read; it is not what the file is called.
    let shown = directory.display().to_string();
    let name = WheelName::parse("directory-0-py3-none-any.whl")?;
    let mut wheel = Wheel { name, files };
    let moved = |finding: Diagnostic| finding.at(Place::file(shown.as_str()));
    let metadata = wheel.headers("METADATA").map_err(moved)?;
    let about = wheel.headers("WHEEL").map_err(moved)?;
    wheel.name = name_of(&metadata, &about).map_err(moved)?;
    save(&wheel, to, environment)
}

/// Writes a wheel with other tags into the directory of the old one, or into `to`; returns its path.
///
/// # Errors
/// Those of [`open`]; `W0008` for what is no tag; `B0003` if the wheel cannot be written.
pub fn retag(
    file: &Path,
    tags: NewTags<'_>,
    to: Option<&Path>,
    environment: &Environment,
) -> Result<PathBuf, Diagnostics> {
    let mut wheel = open(file)?;
    let chosen = |given: Option<&str>, old: &[String]| given.map_or(old.join("."), str::to_owned);
    let interpreter = chosen(tags.interpreter, &wheel.name.interpreters);
    let abi = chosen(tags.abi, &wheel.name.abis);
    let platform = chosen(tags.platform, &wheel.name.platforms);
    wheel.retag(&interpreter, &abi, &platform)?;
    let beside = file.parent().unwrap_or(Path::new(""));
    save(&wheel, to.unwrap_or(beside), environment)
}

/// Gives the modules of a wheel runtime paths to the libraries in it that they need and that are somewhere else than at
/// the top. Returns the modules that were changed with the libraries found for them, sorted. What is right stays as it is,
/// and so does a damaged module, which an audit reports; loaders that know no runtime paths pass over them.
pub fn repair(wheel: &mut Wheel) -> Vec<(String, Vec<String>)> {
    let repaired: Vec<_> = wheel
        .files
        .iter()
        .filter_map(|(path, file)| repair_module(wheel, path, &file.bytes))
        .collect();
    let mut changed = Vec::new();
    for (path, libraries, bytes) in repaired {
        if let Some(file) = wheel.files.get_mut(&path) {
            file.bytes = bytes;
        }
        changed.push((path, libraries));
    }
    changed
}

/// A module with the runtime path that it lacks: its name, the libraries found by it, and its bytes.
fn repair_module(
    wheel: &Wheel,
    path: &str,
    bytes: &[u8],
) -> Option<(String, Vec<String>, Vec<u8>)> {
    if !bytes.starts_with(b"\0asm") {
        return None;
    }
    let dylink = wasm::read(bytes, path).ok()?.dylink?;
    let mut paths: Vec<String> = dylink.runtime_path.iter().map(|&path| path.to_owned()).collect();
    let mut found = Vec::new();
    for needed in &dylink.needed {
        let Some(library) = library(wheel, needed) else { continue };
        let Some(entry) = from_origin(installed(path), installed(library)) else { continue };
        if !paths.contains(&entry) {
            paths.push(entry);
            found.push(library.to_owned());
        }
    }
    let bytes = (!found.is_empty()).then(|| wasm::set_runtime_path(bytes, path, &paths).ok())??;
    Some((path.to_owned(), found, bytes))
}

/// The file in a wheel that a module means by the name of a library; none if there is no such file.
fn library<'a>(wheel: &'a Wheel, needed: &str) -> Option<&'a str> {
    let base = needed.rsplit('/').next().unwrap_or(needed);
    let mut files = wheel.files.keys().map(String::as_str);
    files.find(|path| path.rsplit('/').next() == Some(base))
}

/// The runtime path from a module to the directory of a library; none if that is the top, where every loader looks.
fn from_origin(module: &str, library: &str) -> Option<String> {
    let (directory, _) = library.rsplit_once('/')?;
    let own = module.rsplit_once('/').map_or("", |(directory, _)| directory);
    let own: Vec<&str> = own.split('/').filter(|part| !part.is_empty()).collect();
    let target: Vec<&str> = directory.split('/').collect();
    let shared = own.iter().zip(&target).take_while(|(one, other)| one == other).count();
    let up = own.iter().skip(shared).map(|_| "..");
    let parts = up.chain(target.iter().skip(shared).copied());
    Some(std::iter::once("$ORIGIN").chain(parts).collect::<Vec<_>>().join("/"))
}

/// Repairs a wheel in its place; returns what [`repair`] does.
///
/// # Errors
/// Those of [`open`]; `B0003` if the wheel cannot be written.
pub fn repair_file(
    file: &Path,
    environment: &Environment,
) -> Result<Vec<(String, Vec<String>)>, Diagnostics> {
    let mut wheel = open(file)?;
    let changed = repair(&mut wheel);
    if !changed.is_empty() {
        install::write_if_changed(file, &wheel.write(epoch(environment))?)?;
    }
    Ok(changed)
}

/// The time that files in wheels get.
fn epoch(environment: &Environment) -> u64 {
    environment.source_date_epoch().parse().unwrap_or(0)
}

fn save(wheel: &Wheel, to: &Path, environment: &Environment) -> Result<PathBuf, Diagnostics> {
    let path = to.join(wheel.file_name());
    install::write_if_changed(&path, &wheel.write(epoch(environment))?)?;
    Ok(path)
}

/// The file name that a description asks for.
fn name_of(metadata: &Headers, about: &Headers) -> Result<WheelName, Diagnostic> {
    let lacks = |what: &str| {
        Diagnostic::error(&code::CONTENTS, format!("the description has no {what}"))
            .hint("it has to be in `METADATA` or, for tags, in `WHEEL`")
    };
    let name = metadata.get("Name").ok_or_else(|| lacks("`Name`"))?;
    let version = metadata.get("Version").ok_or_else(|| lacks("`Version`"))?;
    let build = about.get("Build").map_or(String::new(), |build| format!("{build}-"));
    let tags: BTreeSet<&str> = about.all("Tag").collect();
    let mut columns = [BTreeSet::new(), BTreeSet::new(), BTreeSet::new()];
    for tag in &tags {
        let parts: Vec<&str> = tag.split('-').collect();
        for (column, part) in columns.iter_mut().zip(parts) {
            column.insert(part);
        }
    }
    let [interpreters, abis, platforms] =
        columns.map(|column| column.into_iter().collect::<Vec<_>>().join("."));
    let name = anymod_pack::wheel::normalise(name).replace('-', "_");
    let file = format!(
        "{name}-{}-{build}{interpreters}-{abis}-{platforms}.whl",
        version.replace('-', "_")
    );
    let name = WheelName::parse(&file).map_err(|_| lacks("usable name, version and `Tag`"))?;
    // Sets of tags are written as products; not every set is one.
    let product: BTreeSet<String> = name.tags().iter().map(Tag::to_string).collect();
    match product.iter().map(String::as_str).eq(tags) {
        true => Ok(name),
        false => Err(lacks("lines `Tag` that one file name can say")),
    }
}

fn collect(
    directory: &Path,
    prefix: &str,
    files: &mut BTreeMap<String, File>,
) -> Result<(), Diagnostics> {
    let failed = |error: &std::io::Error| install::read_error(directory, error);
    for entry in std::fs::read_dir(directory).map_err(|error| failed(&error))? {
        let entry = entry.map_err(|error| failed(&error))?;
        let path = entry.path();
        let Ok(name) = entry.file_name().into_string() else {
            return Err(Diagnostic::error(&code::LAYOUT, "the name is not UTF-8")
                .at(Place::file(path.display().to_string()))
                .hint("rename the file, or leave it out")
                .into());
        };
        // Links are followed: a wheel holds none.
        let metadata =
            std::fs::metadata(&path).map_err(|error| install::read_error(&path, &error))?;
        if metadata.is_dir() {
            collect(&path, &format!("{prefix}{name}/"), files)?;
        } else {
            let file = File {
                bytes: install::read(&path)?,
                executable: install::is_executable(&metadata),
            };
            files.insert(format!("{prefix}{name}"), file);
        }
    }
    Ok(())
}

#[cfg(unix)]
fn make_executable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path)?.permissions().mode();
    // Whoever may read it may run it.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode | (mode & 0o444) >> 2))
}

#[cfg(not(unix))]
fn make_executable(_path: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Wheel {
        let name = WheelName::parse("spam-1.0-1-cp312.cp313-abi3-a.b.whl").unwrap();
        let tags: String = name.tags().iter().map(|tag| format!("Tag: {tag}\n")).collect();
        let files = [
            ("spam/a.py", File::new("1")),
            ("spam-1.0.data/scripts/run", File { bytes: b"#!".to_vec(), executable: true }),
            ("spam-1.0.dist-info/METADATA", File::new("Name: spam\nVersion: 1.0\n")),
            (
                "spam-1.0.dist-info/WHEEL",
                File::new(format!("Wheel-Version: 1.0\nBuild: 1\n{tags}")),
            ),
        ];
        let files = files.into_iter().map(|(path, file)| (path.to_owned(), file)).collect();
        Wheel { name, files }
    }

    #[test]
    fn packing_what_was_unpacked_gives_the_same_bytes() {
        let place = tempfile::tempdir().unwrap();
        let environment = Environment::default();
        let file = save(&sample(), place.path(), &environment).unwrap();
        let directory = unpack(&file, &place.path().join("out")).unwrap();
        assert_eq!(directory.file_name().unwrap(), "spam-1.0");
        assert!(unpack(&file, &place.path().join("out")).is_err(), "nothing is overwritten");
        let again = pack(&directory, &place.path().join("again"), &environment).unwrap();
        assert_eq!(again.file_name(), file.file_name());
        assert!(std::fs::read(&again).unwrap() == std::fs::read(&file).unwrap());
    }

    #[test]
    fn only_the_given_tags_change() {
        let place = tempfile::tempdir().unwrap();
        let environment = Environment::default();
        let file = save(&sample(), place.path(), &environment).unwrap();
        let tags = NewTags { platform: Some("c"), ..NewTags::default() };
        let new = retag(&file, tags, None, &environment).unwrap();
        assert_eq!(new.file_name().unwrap(), "spam-1.0-1-cp312.cp313-abi3-c.whl");
        assert_eq!(new.parent(), file.parent());
        assert_eq!(open(&new).unwrap().headers("WHEEL").unwrap().all("Tag").count(), 2);
    }

    /// A shared module that needs these libraries.
    fn module(needed: &[&str]) -> File {
        let mut list = vec![u8::try_from(needed.len()).unwrap()];
        for name in needed {
            list.push(u8::try_from(name.len()).unwrap());
            list.extend(name.as_bytes());
        }
        let mut section = b"\x08dylink.0\x02".to_vec();
        section.push(u8::try_from(list.len()).unwrap());
        section.extend(list);
        let mut bytes = b"\0asm\x01\0\0\0\0".to_vec();
        bytes.push(u8::try_from(section.len()).unwrap());
        bytes.extend(section);
        File::new(bytes)
    }

    #[test]
    fn modules_are_shown_to_their_libraries() {
        let mut wheel = sample();
        let files = [
            ("spam/deep/_a.so", module(&["libx.so", "liby.so", "libtop.so", "liblost.so"])),
            ("spam-1.0.data/platlib/spam/_b.so", module(&["libx.so"])),
            ("spam/_right.so", module(&["libtop.so"])),
            ("spam.libs/libx.so", module(&["libz.so"])),
            ("spam.libs/libz.so", module(&[])),
            ("spam/liby.so", module(&[])),
            ("libtop.so", module(&[])),
        ];
        wheel.files.extend(files.map(|(path, file)| (path.to_owned(), file)));
        let changed = repair(&mut wheel);
        let names: Vec<&str> = changed.iter().map(|(path, _)| path.as_str()).collect();
        let b = "spam-1.0.data/platlib/spam/_b.so";
        assert_eq!(names, [b, "spam.libs/libx.so", "spam/deep/_a.so"]);
        let runtime_path = |path: &str| {
            let module = wasm::read(&wheel.files[path].bytes, path).unwrap();
            module.dylink.unwrap().runtime_path.join(" ")
        };
        assert_eq!(runtime_path("spam/deep/_a.so"), "$ORIGIN/../../spam.libs $ORIGIN/..");
        assert_eq!(runtime_path(b), "$ORIGIN/../spam.libs");
        assert_eq!(runtime_path("spam.libs/libx.so"), "$ORIGIN");
        assert_eq!(repair(&mut wheel), []);
    }

    #[test]
    fn a_directory_that_describes_no_wheel_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let environment = Environment::default();
        let code = |place: &Path| pack(place, place, &environment).unwrap_err().0[0].code.id;
        assert_eq!(code(place.path()), "W0007");
        let info = place.path().join("spam-1.0.dist-info");
        std::fs::create_dir(&info).unwrap();
        std::fs::write(info.join("METADATA"), "Name: spam\nVersion: 1.0\n").unwrap();
        std::fs::write(info.join("WHEEL"), "Tag: cp312-abi3-a\nTag: cp313-none-b\n").unwrap();
        assert_eq!(code(place.path()), "W0007", "two tags that are no product");
        assert_eq!(code(&place.path().join("nothing")), "B0002");
    }
}
