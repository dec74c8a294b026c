//! Needed libraries that are not everywhere, and a glibc that is newer than the floor.
//!
//! Why: on a machine without them the addon does not load. What: the libraries that the file names, and the newest version
//! among the symbols that it takes from glibc. Mend: link statically, and against the floor.

use anymod_model::Diagnostic;
use anymod_model::codes::node as codes;
use anymod_model::platform::Os;

use super::Subject;

/// What comes with every Linux that runs Node.js: the parts of its C library, and the compilers' libraries, which Node.js
/// itself is linked with.
const LINUX: [&str; 10] = [
    "libc.so.6",
    "libc.so",
    "libm.so.6",
    "libdl.so.2",
    "libpthread.so.0",
    "librt.so.1",
    "libutil.so.1",
    "libgcc_s.so.1",
    "libstdc++.so.6",
    "libatomic.so.1",
];

/// What comes with every Windows, in lower case.
const WINDOWS: [&str; 31] = [
    "advapi32.dll",
    "bcrypt.dll",
    "bcryptprimitives.dll",
    "cfgmgr32.dll",
    "comctl32.dll",
    "comdlg32.dll",
    "crypt32.dll",
    "dbghelp.dll",
    "dwmapi.dll",
    "gdi32.dll",
    "imm32.dll",
    "iphlpapi.dll",
    "kernel32.dll",
    "msvcrt.dll",
    "ncrypt.dll",
    "netapi32.dll",
    "ntdll.dll",
    "ole32.dll",
    "oleaut32.dll",
    "powrprof.dll",
    "propsys.dll",
    "psapi.dll",
    "rpcrt4.dll",
    "secur32.dll",
    "shell32.dll",
    "shlwapi.dll",
    "user32.dll",
    "userenv.dll",
    "version.dll",
    "winmm.dll",
    "ws2_32.dll",
];

pub(super) fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let Some(info) = subject.platform() else { return findings };
    let foreign: Vec<&&str> =
        subject.addon.needed.iter().filter(|name| !is_everywhere(name, info.os)).collect();
    for name in foreign {
        let message = format!("the addon needs `{name}`, which not every system has");
        let finding = subject.convention(&codes::NEEDED, message);
        findings.push(finding.hint("link it statically, or leave out what needs it"));
    }
    let floor = floor(info.zig_triple);
    if let (Some(((major, minor), symbol)), Some(floor)) = (subject.addon.glibc, floor)
        && (major, minor) > floor
    {
        let message = format!("the addon needs glibc {major}.{minor}, for `{symbol}`");
        let finding = subject.convention(&codes::GLIBC, message);
        findings.push(
            finding
                .note(format!("the floor is glibc {}.{}", floor.0, floor.1))
                .hint("build it with the managed zig, which links against the floor"),
        );
    }
    findings
}

/// The version of glibc that a triple ends with.
fn floor(triple: &str) -> Option<(u32, u32)> {
    let (_, version) = triple.split_once("-gnu.")?;
    let (major, minor) = version.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn is_everywhere(name: &str, os: Os) -> bool {
    match os {
        Os::Linux => {
            LINUX.contains(&name) || name.starts_with("ld-linux") || name.starts_with("libc.musl-")
        }
        Os::Darwin => name.starts_with("/usr/lib/") || name.starts_with("/System/"),
        Os::Win32 => {
            let name = name.to_ascii_lowercase();
            let runtime = ["api-ms-win-", "ext-ms-", "vcruntime140", "msvcp140", "ucrtbase"];
            name == "node.exe"
                || WINDOWS.contains(&&*name)
                || runtime.iter().any(|prefix| name.starts_with(prefix))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_is_in_the_triple() {
        assert_eq!(floor("x86_64-linux-gnu.2.28"), Some((2, 28)));
        assert_eq!(floor("x86_64-linux-musl"), None);
    }
}
