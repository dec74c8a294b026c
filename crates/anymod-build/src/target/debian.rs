//! Fetching packages of other Debian suites without root and without touching the system's package lists.
//!
//! A private apt configuration in a scratch directory names one suite on the machine's own mirror. Proxies,
//! certificates and credentials are taken over from the machine's configuration, its hooks and pins are not. apt checks
//! signatures with the machine's keyring and every file against the signed lists.

use std::path::{Path, PathBuf};

use anymod_model::Diagnostic;

use super::command::{command, failed, output};
use crate::environment::Environment;
use crate::install;

/// The keyring of Debian's archive, where Debian has it.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// A package file that was fetched.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) file: PathBuf,
    pub(crate) version: String,
}

/// Downloads a package of a suite into `work`; of a version, if it is given.
///
/// # Errors
/// `T0011` names the package, if apt is missing or fails.
pub(crate) fn fetch(
    package: &str,
    suite: &str,
    version: Option<&str>,
    work: &Path,
    environment: &Environment,
) -> Result<Fetched, Diagnostic> {
    let purpose = format!("fetch the package `{package}` of Debian {suite}");
    let apt = environment.find_program("apt-get").ok_or_else(|| {
        failed(&format!("{purpose}: this machine has no `apt-get`"))
            .hint("make the environment on a Debian machine and copy its directory here")
    })?;
    let directory = work.join(format!("apt-{suite}"));
    let configuration = directory.join("apt.conf");
    if !configuration.exists() {
        configure(&apt, suite, &directory, environment)
            .and_then(|()| {
                let mut update = command(&apt, environment);
                update.env("APT_CONFIG", &configuration).args(["-qq", "update"]);
                // Without this, lists that cannot be fetched are a warning only.
                update.args(["-o", "APT::Update::Error-Mode=any"]);
                output(&mut update, &purpose).map(drop)
            })
            .map_err(|mut finding| {
                finding.message = format!("cannot {purpose}");
                // The next attempt makes it again.
                let _ = std::fs::remove_file(&configuration);
                finding.hint(format!(
                    "check the network and the mirror in /etc/apt; the package is `{package}`"
                ))
            })?;
    }
    let downloads = directory.join(package);
    install::create_dir(&downloads)?;
    let mut download = command(&apt, environment);
    let wanted =
        version.map_or_else(|| package.to_owned(), |version| format!("{package}={version}"));
    download
        .env("APT_CONFIG", &configuration)
        .args(["-qq", "download", &wanted])
        .current_dir(&downloads);
    output(&mut download, &purpose).map_err(|finding| {
        finding.hint(format!(
            "look for it with `apt-cache policy {package}` on a machine with that suite"
        ))
    })?;
    let entries =
        std::fs::read_dir(&downloads).map_err(|error| install::read_error(&downloads, &error))?;
    let file = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .ok_or_else(|| failed(&format!("{purpose}: apt left no file")))?;
    let version = version_of(&file, environment)?;
    Ok(Fetched { file, version })
}

/// The version that a package says of itself.
fn version_of(file: &Path, environment: &Environment) -> Result<String, Diagnostic> {
    let dpkg = environment
        .find_program("dpkg-deb")
        .ok_or_else(|| failed("read Debian packages: `dpkg-deb` is missing"))?;
    let mut ask = command(&dpkg, environment);
    ask.arg("--field").arg(file).arg("Version");
    let said = output(&mut ask, "read a Debian package")?;
    Ok(String::from_utf8_lossy(&said).trim().to_owned())
}

/// Writes the private configuration.
fn configure(
    apt: &Path,
    suite: &str,
    directory: &Path,
    environment: &Environment,
) -> Result<(), Diagnostic> {
    for part in ["lists/partial", "cache/archives/partial", "empty/partial"] {
        install::create_dir(&directory.join(part))?;
    }
    let mirror = mirror(apt, &directory.join("empty"), environment)?;
    let signed = if environment.is_file(Path::new(KEYRING)) {
        format!("[signed-by={KEYRING}] ")
    } else {
        String::new()
    };
    let sources = directory.join("sources.list");
    install::write_scratch(&sources, format!("deb {signed}{mirror} {suite} main\n"))?;
    let place = |name: &str| directory.join(name).display().to_string();
    let text = format!(
        "{machine}\
         Dir::State::lists \"{lists}\";\n\
         Dir::Cache \"{cache}\";\n\
         Dir::Etc::sourcelist \"{sources}\";\n\
         Dir::Etc::sourceparts \"/dev/null\";\n\
         Dir::Etc::main \"/dev/null\";\n\
         Dir::Etc::parts \"/dev/null\";\n\
         Dir::Etc::preferences \"/dev/null\";\n\
         Dir::Etc::preferencesparts \"/dev/null\";\n\
         APT::Sandbox::User \"root\";\n\
         Acquire::Languages \"none\";\n",
        machine = machine_configuration(environment)?,
        lists = place("lists"),
        cache = place("cache"),
        sources = sources.display(),
    );
    install::write_scratch(&directory.join("apt.conf"), text)
}

/// How the machine reaches its mirror.
fn machine_configuration(environment: &Environment) -> Result<String, Diagnostic> {
    let Some(apt_config) = environment.find_program("apt-config") else { return Ok(String::new()) };
    let said = output(command(&apt_config, environment).arg("dump"), "read apt's configuration")?;
    let said = String::from_utf8_lossy(&said);
    let acquire = said.lines().filter(|line| {
        line.starts_with("Acquire::")
            && !line.starts_with("Acquire::IndexTargets")
            && !line.starts_with("Acquire::Languages")
    });
    Ok(acquire.map(|line| format!("{line}\n")).collect())
}

/// The machine's own mirror of Debian: nothing here names a host.
fn mirror(apt: &Path, empty: &Path, environment: &Environment) -> Result<String, Diagnostic> {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let mut ask = command(apt, environment);
    // With empty lists, everything that the sources name is to be fetched.
    ask.arg("-o").arg(format!("Dir::State::lists={}", empty.display()));
    ask.args(["update", "--print-uris"]);
    let said = output(&mut ask, "read apt's sources")?;
    mirror_in(&String::from_utf8_lossy(&said), &release).ok_or_else(|| {
        failed("find a mirror: this machine's apt names none of Debian")
            .hint("add Debian's own sources to /etc/apt/sources.list.d, or make the environment elsewhere")
    })
}

/// Finds the mirror in what `apt-get update --print-uris` says.
fn mirror_in(uris: &str, os_release: &str) -> Option<String> {
    let codename = os_release
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
        .map(|name| name.trim_matches('"'))?;
    let end = format!("/dists/{codename}/InRelease'");
    uris.lines().find_map(|line| {
        let uri = line.strip_prefix('\'')?;
        Some(uri.get(..uri.find(&end)?)?.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_the_one_of_the_machines_release() {
        let uris = "\
'https://example.org/node_20.x/dists/nodistro/InRelease' x 0 
'http://mirror.example.org/debian-security/dists/bookworm-security/InRelease' x 0 
'http://mirror.example.org/debian/dists/bookworm/InRelease' mirror 0 
";
        let release = "NAME=x\nVERSION_CODENAME=bookworm\n";
        assert_eq!(mirror_in(uris, release).as_deref(), Some("http://mirror.example.org/debian"));
        assert_eq!(mirror_in(uris, "VERSION_CODENAME=\"noble\""), None);
        assert_eq!(mirror_in(uris, ""), None);
    }

    #[test]
    fn the_package_is_named_when_it_cannot_be_had() {
        let work = tempfile::tempdir().unwrap();
        let error =
            fetch("emscripten", "trixie", None, work.path(), &Environment::default()).unwrap_err();
        assert_eq!(error.code.id, "T0011");
        assert!(error.message.contains("`emscripten` of Debian trixie"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_mirror_out_of_reach_is_told_with_the_package() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let apt = directory.path().join("apt-get");
        let release = std::fs::read_to_string("/etc/os-release").unwrap();
        let codename =
            release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME=")).unwrap_or("x");
        let script = format!(
            "#!/bin/sh\ncase \"$*\" in\n*--print-uris*) echo \"'http://m/debian/dists/{codename}/InRelease' m 0\";;\n*update*) echo 'E: no route' >&2; exit 100;;\nesac\n"
        );
        std::fs::write(&apt, script).unwrap();
        std::fs::set_permissions(&apt, std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = directory.path().display().to_string();
        let environment = Environment::default().with("PATH", &path);
        for _ in 0..2 {
            let error =
                fetch("emscripten", "trixie", None, directory.path(), &environment).unwrap_err();
            assert_eq!(error.message, "cannot fetch the package `emscripten` of Debian trixie");
            assert!(error.notes.iter().any(|note| note == "E: no route"), "{error}");
            assert!(error.hint.unwrap().contains("`emscripten`"));
        }
    }
}
